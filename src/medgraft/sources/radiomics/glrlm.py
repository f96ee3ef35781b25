"""Grey level run lengths: how far a level goes on in a direction."""

from __future__ import annotations

import numpy as np

from medgraft.sources.radiomics.emphasis import emphasis, named
from medgraft.sources.radiomics.grid import Floats, Levels, directions


def run_lengths(levels: Levels, step: tuple[int, ...]) -> Floats:
    """Return how many runs there are of each level and length (N, L) along a direction.

    Examples
    --------
    >>> run_lengths(np.array([[1, 1, 2], [2, 0, 2]]), (0, 1)).tolist()
    [[0.0, 1.0], [3.0, 0.0]]
    """
    axis = next(k for k, s in enumerate(step) if s)  # of size 1: the first one that is not 0
    place = np.indices(levels.shape).reshape(levels.ndim, -1)
    along = place[axis]
    start = [p - s * along + levels.shape[axis] for p, s in zip(place, step, strict=True)]
    wide = [3 * levels.shape[axis] + n for n in levels.shape]
    line = np.ravel_multi_index(start, wide)
    order = np.argsort(line * levels.shape[axis] + along, kind="stable")
    level, line = levels.ravel()[order], line[order]
    new = np.r_[True, (level[1:] != level[:-1]) | (line[1:] != line[:-1])]
    at = np.flatnonzero(new)
    length, level = np.diff(np.append(at, len(level))), level[at]
    inside = level > 0
    length, level = length[inside], level[inside]
    n, most = int(levels.max()), int(length.max())
    count = np.bincount((level - 1) * most + length - 1, minlength=n * most)
    return np.asarray(count.reshape(n, most), dtype=np.float64)


def glrlm(levels: Levels) -> dict[str, float]:
    """Return the features of the run length matrix, the mean over directions (IBSI, section 3.7).

    Parameters
    ----------
    levels : array of int
        Of 2 or 3 dimensions; 0 is outside.

    Notes
    -----
    Cost: a sort of the pixels a direction.

    References
    ----------
    Galloway 1975, doi:10.1016/S0146-664X(75)80008-6.

    Examples
    --------
    >>> glrlm(np.array([[1, 1, 1, 1]]))["run_percentage"]  # one run across, four in each other direction
    0.8125
    """
    n = int((levels > 0).sum())
    each = [emphasis(run_lengths(levels, step), n) for step in directions(levels.ndim)]
    return named({name: float(np.mean([e[name] for e in each])) for name in each[0]}, "run", "run")
