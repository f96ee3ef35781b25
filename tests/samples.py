"""Small generated data with a known shift, for tests of every floor."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image


def two_sites(seed: int = 0, n: tuple[int, int] = (120, 80), task: str = "binary") -> pd.DataFrame:
    """One informative column, one noisy, one categorical, holes; site 'b' is shifted."""
    rng = np.random.default_rng(seed)
    total = sum(n)
    site = np.repeat(["a", "b"], n)
    x = rng.normal(size=(total, 3)) + 0.5 * (site == "b")[:, None]
    signal = x[:, 0] + 0.5 * x[:, 1] + rng.normal(scale=0.7, size=total) - 0.3
    frame = pd.DataFrame(x, columns=["x1", "x2", "x3"])
    frame["colour"] = rng.choice(["red", "blue"], total)
    frame.loc[rng.random(total) < 0.1, "x2"] = np.nan
    frame["site"] = site
    if task == "binary":
        frame["ill"] = np.where(signal > 0, "yes", "no")
    elif task == "multiclass":
        frame["ill"] = np.digitize(signal, [-0.6, 0.6]).astype(str)
    else:
        frame["ill"] = signal
    return frame


def image_folder(root: Path, per_class: int = 8, size: int = 40, seed: int = 0) -> Path:
    """Class folders of small JPEGs: bright squares on noise, their place tells the class."""
    rng = np.random.default_rng(seed)
    for k, name in enumerate(("left", "right")):
        (root / name).mkdir(parents=True, exist_ok=True)
        for i in range(per_class):
            pixels = rng.integers(0, 90, (size, size, 3))
            pixels[size // 4 : -size // 4, (k * size) // 2 : (k * size) // 2 + size // 2] += 120
            Image.fromarray(pixels.astype(np.uint8)).save(root / name / f"{seed}-{i}.jpg")
    return root


def network_file(path: Path, architecture: str = "mobilenetv2_035", size: int = 32) -> Path:
    """Save a small timm network with random weights, as a source of pretrained weights would be."""
    import timm
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(3)
    net = timm.create_model(architecture, pretrained=False)
    facts = {"library": "timm", "architecture": architecture, "input_size": str(size), "licence": "none"}
    save_file(net.state_dict(), path, metadata=facts)
    return path
