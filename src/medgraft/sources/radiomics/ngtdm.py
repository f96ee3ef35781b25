"""Neighbourhood grey tone difference: how far a pixel is from the mean of its neighbours."""

from __future__ import annotations

import numpy as np

from medgraft.sources.radiomics.grid import Floats, Levels, both_ways


def differences(levels: Levels) -> tuple[Floats, Floats]:
    """Return, for each level (N,), how many of its pixels have neighbours, and their summed differences.

    Examples
    --------
    >>> [a.tolist() for a in differences(np.array([[1, 1, 2]]))]
    [[2.0, 1.0], [0.5, 1.0]]
    """
    inside = levels > 0
    total, count = np.zeros(levels.shape), np.zeros(levels.shape)
    for here, other in both_ways(levels):
        total[here] += other
        count[here] += other > 0
    some = inside & (count > 0)
    level = levels[some]
    gap = np.abs(level - total[some] / count[some])
    n = int(levels.max())
    number = np.bincount(level - 1, minlength=n).astype(np.float64)
    return number, np.asarray(np.bincount(level - 1, gap, minlength=n), dtype=np.float64)


def ngtdm(levels: Levels) -> dict[str, float]:
    r"""Return the five features of the tone difference matrix at distance 1 (IBSI, section 3.10).

    Parameters
    ----------
    levels : array of int
        Of 2 or 3 dimensions; 0 is outside.

    Notes
    -----
    Where all is of one level, coarseness is the 10^6 of IBSI, the others 0. Cost: 8 or 26 passes over the
    grid.

    References
    ----------
    Amadasun and King 1989, doi:10.1109/21.44046.

    Examples
    --------
    >>> round(ngtdm(np.array([[1, 1, 2]]))["coarseness"], 3)
    1.5
    """
    number, s = differences(levels)
    some = number > 0
    i = np.arange(1.0, len(number) + 1)[some]
    s, n = s[some], number.sum()
    p = number[some] / max(n, 1.0)
    pull = p @ s
    if len(i) < 2 or pull <= 0:
        return {"coarseness": 1e6, "contrast": 0.0, "busyness": 0.0, "complexity": 0.0, "strength": 0.0}
    gap = np.abs(i[:, None] - i)
    ip = i * p
    found = {
        "coarseness": 1.0 / pull,
        "contrast": p @ gap**2 @ p / (len(i) * (len(i) - 1)) * s.sum() / n,
        "busyness": pull / max(float(np.abs(ip[:, None] - ip).sum()), 1e-300),
        "complexity": (gap * ((p * s)[:, None] + p * s) / (p[:, None] + p)).sum() / n,
        "strength": ((p[:, None] + p) * gap**2).sum() / s.sum(),
    }
    return {name: float(value) for name, value in found.items()}
