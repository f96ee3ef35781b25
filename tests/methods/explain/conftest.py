from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from small_networks import SIDE


@pytest.fixture
def picture(tmp_path):
    """A small grey image: its path and its values."""
    x = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE)).astype(np.uint8)
    Image.fromarray(x).save(tmp_path / "x.png")
    return str(tmp_path / "x.png"), x.astype(float)
