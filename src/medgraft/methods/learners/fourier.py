"""Random Fourier features: a Gaussian kernel without keeping a single row."""

from __future__ import annotations

import numpy as np

from medgraft.methods.splits import Floats


def directions(p: int, pairs: int, seed: int) -> Floats:
    r"""Draw frequencies (p, pairs) of the kernel :math:`e^{-\|x-z\|^2/2}`, orthogonal in blocks of p.

    Parameters
    ----------
    p : int
        Features.
    pairs : int
        Frequencies; each gives a cosine and a sine.
    seed : int

    Notes
    -----
    Orthogonal directions with the lengths of independent normal vectors have the same mean kernel as
    independent ones and a smaller variance.

    References
    ----------
    Rahimi and Recht 2007, Random features for large-scale kernel machines; Yu et al. 2016, Orthogonal random
    features.
    """
    rng = np.random.default_rng(seed)
    blocks = []
    for start in range(0, pairs, p):
        width = min(p, pairs - start)
        Q = np.linalg.qr(rng.normal(size=(p, width)))[0]
        blocks.append(Q * np.sqrt(rng.chisquare(p, size=width)))
    return np.hstack(blocks)


def features(Z: Floats, W: Floats) -> Floats:
    r"""Features (n, 2 pairs) whose inner products are the kernel, up to :math:`O(1/\sqrt{pairs})`.

    Examples
    --------
    >>> Z = np.array([[0.0, 0.0], [1.0, 0.5]])
    >>> F = features(Z, directions(2, 2000, 0))
    >>> bool(abs(F[0] @ F[1] - np.exp(-1.25 / 2)) < 0.03)
    True
    """
    angle = Z @ W
    return np.hstack([np.cos(angle), np.sin(angle)]) / np.sqrt(W.shape[1])
