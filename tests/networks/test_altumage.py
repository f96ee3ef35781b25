from __future__ import annotations

import numpy as np
import torch
from safetensors.torch import load_file

from medgraft.networks.altumage import altumage


def test_with_the_published_weights_it_tells_the_age_of_real_patients(shared_weights):
    """Sixteen samples of GSE30870: newborns and people about a hundred years old."""
    folder = shared_weights("altumage")
    saved = load_file(folder / "altumage.safetensors")
    head = {k: saved.pop(f"linear6.{k}") for k in ("weight", "bias")}
    net = altumage().eval()
    net.load_state_dict(saved)  # strictly
    example, scaler = np.load(folder / "altumage_example.npz"), np.load(folder / "altumage_cpgs_scaler.npz")
    values = (example["beta"] - scaler["center"]) / scaler["scale"]
    with torch.no_grad():
        features = net(torch.from_numpy(values)[:, None])
        age = (features @ head["weight"].T + head["bias"])[:, 0].numpy()
    assert features.shape == (16, 32)
    assert round(float(np.corrcoef(age, example["age"])[0, 1]), 3) == 0.988
    assert round(float(np.median(np.abs(age - example["age"]))), 1) == 8.4


def test_it_is_normalised_dense_layers_written_out():
    torch.manual_seed(0)
    net = altumage(samples=7, width=3)
    for name, buffer in net.named_buffers():
        if name.endswith(("mean", "var")):
            buffer.uniform_(0.5, 2)
    net.eval()
    x = torch.randn(4, 1, 7)
    h = x[:, 0].numpy().astype(float)
    w = {k: v.numpy().astype(float) for k, v in net.state_dict().items()}

    def normed(h, i):
        return (h - w[f"bn{i}.running_mean"]) / np.sqrt(w[f"bn{i}.running_var"] + 1e-3)

    for i in range(1, 6):
        a = normed(h, i) @ w[f"linear{i}.weight"].T + w[f"linear{i}.bias"]
        h = 1.0507009873554805 * np.where(a > 0, a, 1.6732632423543772 * np.expm1(a))
    with torch.no_grad():
        np.testing.assert_allclose(net(x).numpy(), normed(h, 6), rtol=1e-4, atol=1e-5)
