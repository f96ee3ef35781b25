from __future__ import annotations

import numpy as np
import torch

from medgraft.networks.omics_autoencoder import OmicsAutoencoder


def descend(net, loss, steps=400):
    optimiser = torch.optim.LBFGS(net.parameters(), max_iter=steps, line_search_fn="strong_wolfe")

    def closure():
        optimiser.zero_grad()
        value = loss()
        value.backward()
        return value

    optimiser.step(closure)


def test_a_linear_autoencoder_ends_in_the_span_of_the_principal_components():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 6)) @ np.diag([4.0, 3.0, 1.0, 0.7, 0.5, 0.3]) @ rng.normal(size=(6, 6))
    X -= X.mean(axis=0)
    torch.manual_seed(0)
    net = OmicsAutoencoder(6, [], 2).double()
    x = torch.from_numpy(X)
    descend(net, lambda: net.losses(x)[1].mean())
    with torch.no_grad():
        again = net.decoder(net.code(x)).numpy()
    U, s, Vt = np.linalg.svd(X, full_matrices=False)
    np.testing.assert_allclose(again, (U[:, :2] * s[:2]) @ Vt[:2], atol=1e-3 * s[0] / np.sqrt(60))


def test_the_loss_is_half_the_mean_squared_error_and_the_trunk_the_way_to_the_code():
    torch.manual_seed(1)
    net = OmicsAutoencoder(5, [4, 3], 2, outputs=1)
    x = torch.randn(7, 5)
    z, each = net.losses(x, torch.Generator().manual_seed(0))
    expected = [0.5 * sum((net.decoder(net.code(row)) - row) ** 2) / 5 for row in x]
    torch.testing.assert_close(each, torch.stack(expected))
    h = x
    for i, (weight, bias) in enumerate(net.trunk()):
        h = (torch.relu(h) if i else h) @ weight.T + bias
    torch.testing.assert_close(h, z)
    assert [tuple(w.shape) for w, _ in net.trunk()] == [(4, 5), (3, 4), (2, 3)]
    assert [m.out_features for m in net.decoder if isinstance(m, torch.nn.Linear)] == [3, 4, 5]
