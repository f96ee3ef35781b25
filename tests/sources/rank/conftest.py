"""Small features with labels: more rows than columns, and fewer."""

from __future__ import annotations

import numpy as np
import pytest


def made(n, d, k, gap, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % k
    return rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) / 3 + gap * rng.normal(size=(k, d))[y] + 0.5, y


@pytest.fixture(params=[(60, 7, 3), (24, 50, 3), (40, 40, 2)], ids=["tall", "wide", "square"])
def labelled(request):
    return made(*request.param, gap=0.4)
