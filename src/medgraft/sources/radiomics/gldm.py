"""Grey level dependence: how many neighbours are of a pixel's own level."""

from __future__ import annotations

import numpy as np

from medgraft.sources.radiomics.emphasis import emphasis, named
from medgraft.sources.radiomics.grid import Floats, Levels, both_ways


def dependences(levels: Levels) -> Floats:
    """Return how many pixels there are of each level and number of equals, itself included (N, 9 or 27).

    Examples
    --------
    >>> dependences(np.array([[1, 1, 2]]))[:, :3].tolist()
    [[0.0, 2.0, 0.0], [1.0, 0.0, 0.0]]
    """
    equal = np.ones(levels.shape, dtype=np.intp)
    for here, other in both_ways(levels):
        equal[here] += levels[here] == other
    inside = levels > 0
    n, most = int(levels.max()), 3**levels.ndim
    count = np.bincount((levels[inside] - 1) * most + equal[inside] - 1, minlength=n * most)
    return np.asarray(count.reshape(n, most), dtype=np.float64)


def gldm(levels: Levels) -> dict[str, float]:
    """Return the features of the dependence matrix at distance 1 and tolerance 0 (IBSI, section 3.11).

    Parameters
    ----------
    levels : array of int
        Of 2 or 3 dimensions; 0 is outside.

    Notes
    -----
    Cost: 8 or 26 passes over the grid.

    References
    ----------
    Sun and Wee 1983, doi:10.1016/0734-189X(83)90032-4.

    Examples
    --------
    >>> gldm(np.array([[1, 1, 2]]))["large_dependence_emphasis"]
    3.0
    """
    return named(emphasis(dependences(levels), int((levels > 0).sum())), "dependence", "dependence")
