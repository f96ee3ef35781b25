"""A volume on another grid: linear interpolation along each axis, without aliasing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def regrid(
    values: NDArray[np.float32], shape: tuple[int, ...], step: tuple[float, ...]
) -> NDArray[np.float32]:
    r"""Return values on a grid of another shape and step, about the same middle; 0 outside.

    Along each axis, output i lies at :math:`c_i = \frac{n-1}{2} + (i - \frac{m-1}{2}) s` in units of the n
    voxels given, and is the mean of those around it with weights :math:`\max(0, 1 - |j - c_i| / \max(1,
    s))`: linear interpolation on a finer grid, a triangle on a coarser one, so that nothing is skipped.

    Parameters
    ----------
    values : array (x, y, z)
    shape : tuple of int
        Of the result.
    step : tuple of float
        Distance of its neighbours, in voxels of `values`; ``n / m`` squeezes the whole axis into m.

    Notes
    -----
    Cost: one matrix product along each axis, O(x y z m).

    Examples
    --------
    >>> line = np.array([[[0.0, 2.0, 4.0, 6.0]]], dtype=np.float32)
    >>> regrid(line, (1, 1, 4), (1, 1, 0.5)).ravel().tolist()
    [1.5, 2.5, 3.5, 4.5]
    >>> regrid(line, (1, 1, 6), (1, 1, 1)).ravel().tolist()
    [0.0, 0.0, 2.0, 4.0, 6.0, 0.0]
    """
    out = np.asarray(values, np.float32)
    for axis, (m, s) in enumerate(zip(shape, step, strict=True)):
        n = out.shape[axis]
        if n == m and s == 1:
            continue
        moved = np.tensordot(weights(n, m, s), out, axes=(1, axis))
        out = np.moveaxis(moved, 0, axis)
    return np.ascontiguousarray(out, np.float32)


def weights(n: int, m: int, step: float) -> NDArray[np.float32]:
    """Return the matrix (m, n) of one axis; the row of a point outside the volume is 0.

    Examples
    --------
    >>> weights(4, 2, 2.0).tolist()
    [[0.4285714328289032, 0.4285714328289032, 0.1428571492433548, 0.0], [0.0, 0.1428571492433548, \
0.4285714328289032, 0.4285714328289032]]
    """
    centre = (n - 1) / 2 + (np.arange(m) - (m - 1) / 2) * step
    apart = np.abs(np.arange(n)[None] - np.clip(centre, 0, n - 1)[:, None])
    w = np.maximum(0.0, 1.0 - apart / max(1.0, step))
    w /= w.sum(axis=1, keepdims=True)
    outside = (centre < -0.5 - 1e-9) | (centre > n - 0.5 + 1e-9)
    w[outside] = 0.0
    return w.astype(np.float32)
