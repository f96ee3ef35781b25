from __future__ import annotations

import numpy as np
import pytest

from medgraft.methods.streaming.gmm import StreamingGMM
from medgraft.methods.streaming.kmeans import StreamingKMeans

KINDS = {
    "k-means": StreamingKMeans,
    "shared": StreamingGMM,
    "diagonal": lambda **kw: StreamingGMM(covariance="diagonal", **kw),
}


@pytest.fixture(params=KINDS)
def make(request):
    """Makers of each kind of model."""
    return KINDS[request.param]


@pytest.fixture
def people():
    """Windows of 8 people, three activities, five features with gaps; and one more person's."""
    rng = np.random.default_rng(0)
    centre = rng.normal(size=(3, 5)) * 2
    names = np.array(["lie", "run", "sit"])

    def some(n):
        c = rng.integers(0, 3, n)
        X = centre[c] + rng.normal(size=(n, 5)) + rng.normal(size=5) * 0.8  # a person's own shift
        X[rng.random(X.shape) < 0.05] = np.nan
        return X, names[c]

    parts = [some(30) for _ in range(8)]
    X, y = np.vstack([p[0] for p in parts]), np.concatenate([p[1] for p in parts])
    return X, y, np.repeat(np.arange(8), 30), *some(60)
