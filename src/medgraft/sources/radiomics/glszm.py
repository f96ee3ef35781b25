"""Grey level size zones: how large the patches of one level are."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import label

from medgraft.sources.radiomics.emphasis import emphasis, named
from medgraft.sources.radiomics.grid import Floats, Levels


def zones(levels: Levels) -> Floats:
    """Return how many connected zones there are of each level and size (N, S); corners connect.

    Examples
    --------
    >>> zones(np.array([[1, 2], [2, 0]])).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    n, touching = int(levels.max()), np.ones((3,) * levels.ndim)
    sizes = [np.bincount(label(levels == i + 1, touching)[0].ravel())[1:] for i in range(n)]
    most = max(int(s.max()) for s in sizes if len(s))
    return np.stack([np.bincount(s - 1, minlength=most) for s in sizes]).astype(np.float64)


def glszm(levels: Levels) -> dict[str, float]:
    """Return the features of the size zone matrix (IBSI, section 3.8).

    Parameters
    ----------
    levels : array of int
        Of 2 or 3 dimensions; 0 is outside.

    Notes
    -----
    Cost: one labelling of the grid a level.

    References
    ----------
    Thibault et al. 2014, doi:10.1109/TBME.2013.2284600.

    Examples
    --------
    >>> glszm(np.array([[1, 2], [2, 2]]))["zone_percentage"]
    0.5
    """
    return named(emphasis(zones(levels), int((levels > 0).sum())), "area", "zone")
