"""Few numbers that stand for many features: leading principal components of equal variance."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from medgraft.methods.splits import Floats

COMPONENTS = 5  # a density ratio in more dimensions finds no neighbours among a hundred patients


def components(F: NDArray[Any], weight: Floats, count: int = COMPONENTS) -> Floats:
    """Return the first principal components (n, k) of features, each of mean 0 and variance 1.

    Parameters
    ----------
    F : array (n, d)
        Features of all training rows, of all domains; no label is read.
    weight : array (n,)
        Positive; a row of weight two counts as two rows.
    count : int
        At most so many; directions without variance are left out.

    Examples
    --------
    >>> components(np.array([[0.0, 5.0], [1.0, 5.0], [2.0, 5.0]]), np.ones(3)).round(3).tolist()
    [[-1.225], [0.0], [1.225]]
    """
    share = weight / weight.sum()
    X = np.asarray(F, dtype=np.float64)
    X = X - share @ X
    _, size, V = np.linalg.svd(np.sqrt(share)[:, None] * X, full_matrices=False)
    kept = size[:count] > 1e-9 * max(float(size[0]), 1e-300)
    V, size = V[:count][kept], size[:count][kept]
    V = V * np.where(V[np.arange(len(V)), np.abs(V).argmax(axis=1)] < 0, -1.0, 1.0)[:, None]
    return np.asarray(X @ V.T / size)
