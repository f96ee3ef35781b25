"""Grey level co-occurrence: which levels lie side by side."""

from __future__ import annotations

import numpy as np

from medgraft.sources.radiomics.grid import Floats, Levels, directions, entropy, pairs


def matrices(levels: Levels) -> Floats:
    """Return the symmetric shares of pairs (D, N, N), one matrix a direction that has pairs.

    Examples
    --------
    >>> matrices(np.array([[1, 2, 2]])).tolist()
    [[[0.0, 0.25], [0.25, 0.5]]]
    """
    n = int(levels.max())
    found = []
    for step in directions(levels.ndim):
        a, b = pairs(levels, step)
        both = (a > 0) & (b > 0)
        count = np.bincount((a[both] - 1) * n + b[both] - 1, minlength=n * n).reshape(n, n)
        if count.any():
            found.append((count + count.T) / (2.0 * count.sum()))
    return np.stack(found) if found else np.empty((0, n, n))


def glcm(levels: Levels) -> dict[str, float]:
    r"""Return the features of the co-occurrence matrix, the mean over directions.

    With :math:`p_{ij}` the share of neighbours of levels i and j, definitions of IBSI (section 3.6, 3-D
    average, or 2-D average for one slice) under pyradiomics' names. Where all is of one level, correlations
    are 1 and the rest follows.

    Parameters
    ----------
    levels : array of int
        Of 2 or 3 dimensions; 0 is outside.

    Notes
    -----
    Cost: one pass over the pixels a direction, and O(N^2) for N levels (O(N^3) for the maximal correlation).

    References
    ----------
    Haralick, Shanmugam and Dinstein 1973, doi:10.1109/TSMC.1973.4309314.

    Examples
    --------
    >>> found = glcm(np.array([[1, 2, 2]]))
    >>> found["contrast"], found["joint_average"]
    (0.5, 1.75)
    """
    P = matrices(levels)
    if not len(P):  # a single pixel: nothing lies beside it
        P = np.ones((1, 1, 1))
    n = P.shape[1]
    i = np.arange(1.0, n + 1)
    gap, total = np.abs(i[:, None] - i), i[:, None] + i
    px = P.sum(axis=2)
    mean = px @ i
    spread = px @ i**2 - mean**2

    def over(what: Floats) -> Floats:
        return np.asarray((P * what).sum(axis=(1, 2)))

    def gathered(key: Floats, length: int) -> Floats:
        codes = key.astype(np.intp).ravel()
        return np.stack([np.bincount(codes, p.ravel(), minlength=length) for p in P])

    minus, plus = gathered(gap, n), gathered(total, 2 * n + 1)
    k, s = np.arange(n), np.arange(2 * n + 1)
    off = total - 2 * mean[:, None, None]
    h, hx = entropy(P, (1, 2)), entropy(px, 1)
    product = px[:, :, None] * px[:, None, :]
    logs = np.log2(np.where(product > 0, product, 1.0))
    h1, h2 = -(P * logs).sum(axis=(1, 2)), -(product * logs).sum(axis=(1, 2))
    auto = over(i[:, None] * i)
    flat = spread < 1e-12
    found = {
        "autocorrelation": auto,
        "joint_average": mean,
        "cluster_prominence": (P * off**4).sum(axis=(1, 2)),
        "cluster_shade": (P * off**3).sum(axis=(1, 2)),
        "cluster_tendency": (P * off**2).sum(axis=(1, 2)),
        "contrast": over(gap**2),
        "correlation": np.where(flat, 1.0, (auto - mean**2) / np.where(flat, 1.0, spread)),
        "difference_average": minus @ k,
        "difference_entropy": entropy(minus, 1),
        "difference_variance": minus @ k**2 - (minus @ k) ** 2,
        "joint_energy": (P**2).sum(axis=(1, 2)),
        "joint_entropy": h,
        "imc1": np.where(hx > 1e-12, (h - h1) / np.where(hx > 1e-12, hx, 1.0), 0.0),
        "imc2": np.sqrt(np.maximum(1.0 - np.exp(-2.0 * (h2 - h)), 0.0)),
        "idm": over(1.0 / (1.0 + gap**2)),
        "mcc": np.array([_maximal_correlation(p) for p in P]),
        "idmn": over(1.0 / (1.0 + (gap / n) ** 2)),
        "id": over(1.0 / (1.0 + gap)),
        "idn": over(1.0 / (1.0 + gap / n)),
        "inverse_variance": over(np.where(gap > 0, 1.0 / np.where(gap > 0, gap, 1.0) ** 2, 0.0)),
        "maximum_probability": P.max(axis=(1, 2)),
        "sum_average": plus @ s,
        "sum_entropy": entropy(plus, 1),
        "sum_squares": spread,
    }
    return {name: float(np.mean(value)) for name, value in found.items()}


def _maximal_correlation(p: Floats) -> float:
    """Second largest correlation of any functions of the two levels: of a symmetric matrix's own vectors."""
    px = p.sum(axis=1)
    some = px > 0
    if some.sum() < 2:
        return 1.0
    root = np.sqrt(px[some])
    values = np.linalg.eigvalsh(p[np.ix_(some, some)] / root[:, None] / root)
    return float(np.sort(np.abs(values))[-2])
