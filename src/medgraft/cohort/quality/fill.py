"""Filling holes of an image from their edges."""

from __future__ import annotations

import numpy as np

from medgraft.cohort.quality.arrays import Array, back


def fill(image: Array, hole: Array) -> Array:
    r"""Return the image with the pixels of a mask interpolated from those around it.

    Inside the mask the value of each pixel is the mean of its four neighbours (Laplace's equation, with the
    image's values at the mask's edge): the smoothest membrane across the hole. Every other pixel stays to the
    bit.

    Parameters
    ----------
    image : ndarray (h, w) or (h, w, 3)
    hole : ndarray of bool (h, w)
        Where it is True everywhere, the image comes back as it is.

    Notes
    -----
    A sparse linear system of as many unknowns as the mask has pixels; 10,000 take about a tenth of a second.

    Examples
    --------
    >>> line = np.array([[0, 99, 99, 30]], np.uint8)
    >>> fill(line, line == 99).tolist()
    [[0, 10, 20, 30]]
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.linalg import factorized

    n = int(hole.sum())
    out = image.copy()
    if n == 0 or n == hole.size:
        return out
    number = np.full(hole.shape, -1)
    number[hole] = np.arange(n)
    y, x = np.nonzero(hole)
    planes = image.astype(np.float64).reshape(*hole.shape, -1)
    known = np.zeros((n, planes.shape[2]))
    count = np.zeros(n)
    rows, columns = [], []
    for dy, dx in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        v, u = y + dy, x + dx
        inside = (v >= 0) & (v < hole.shape[0]) & (u >= 0) & (u < hole.shape[1])
        at = np.flatnonzero(inside)
        count[at] += 1
        neighbour = number[v[at], u[at]]
        unknown = neighbour >= 0
        rows.append(at[unknown])
        columns.append(neighbour[unknown])
        known[at[~unknown]] += planes[v[at[~unknown]], u[at[~unknown]]]
    i, j = np.concatenate(rows), np.concatenate(columns)
    every = np.arange(n)
    matrix = coo_matrix(
        (np.r_[count, -np.ones(len(i))], (np.r_[every, i], np.r_[every, j])), shape=(n, n)
    ).tocsc()
    solve = factorized(matrix)
    values = np.stack([solve(known[:, c]) for c in range(planes.shape[2])], axis=1)
    out[hole] = back(values if image.ndim == 3 else values[:, 0], image)
    return out
