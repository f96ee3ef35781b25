"""A small network with BatchNorm in a file, and images that its features can tell apart."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from medgraft.sources import Pretrained

SIZE = 32


def save_network(path, architecture="mobilenetv2_035", size=SIZE):
    import timm
    from safetensors.torch import save_file

    torch.manual_seed(3)
    net = timm.create_model(architecture, pretrained=False)
    for module in net.modules():  # statistics that are not the defaults, or freezing them would show nothing
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    facts = {"library": "timm", "architecture": architecture, "input_size": str(size), "licence": "none"}
    save_file(net.state_dict(), path, metadata=facts)
    return path


@pytest.fixture(scope="session")
def network(tmp_path_factory):
    return Pretrained(str(save_network(tmp_path_factory.mktemp("network") / "small.safetensors")))


@pytest.fixture(scope="session")
def images(tmp_path_factory):
    """60 stripes: class by direction, value by brightness; 20 patients of 3 images."""
    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    rows = []
    for i in range(60):
        wave = 60 * np.sin(np.arange(SIZE) * 0.9 + rng.uniform(0, 6))
        light = rng.uniform(60, 180)
        pixels = np.broadcast_to(wave, (SIZE, SIZE)) + light + rng.normal(0, 25, (SIZE, SIZE))
        if i % 2:
            pixels = pixels.T
        path = folder / f"{i:02d}.png"
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)
        patient = f"p{i % 2}{i // 6}"
        rows.append(
            {"image": str(path), "label": ["across", "along"][i % 2], "value": light, "patient": patient}
        )
    return pd.DataFrame(rows)


@pytest.fixture
def one_thread():
    """Whole batches are computed by torch's own threads, which hinder each other in two test processes."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
