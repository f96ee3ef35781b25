"""The network and images of the fine-tuning tests, half of them passed through another scanner."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from methods.finetune.conftest import images, network, one_thread  # noqa: F401


@pytest.fixture(autouse=True)
def _one_thread(one_thread):  # noqa: F811
    """Every test here trains on whole batches."""


@pytest.fixture(scope="session")
def two_scanners(images, tmp_path_factory):  # noqa: F811
    """60 images, the second half darker and with less contrast; domain in a column."""
    folder = tmp_path_factory.mktemp("scanner")
    frame = images.copy()
    frame["domain"] = np.where(np.arange(60) < 30, "a", "b")
    for i in range(30, 60):
        pixels = np.asarray(Image.open(frame["image"][i])).astype(float)
        path = folder / f"{i}.png"
        Image.fromarray((255 * (pixels / 255) ** 2.5 * 0.7).astype(np.uint8)).save(path)
        frame.loc[i, "image"] = str(path)
    return frame
