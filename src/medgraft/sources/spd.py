"""Symmetric positive definite matrices: functions of them, and their mean."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError

Floats = NDArray[np.float64]
SINGULAR = 1e-10  # an eigenvalue of that share of the largest is none


def covariance(X: Floats, shrinkage: float = 0.0) -> Floats:
    """Return X X' / L of X (..., C, L), shrunk to its mean variance; the mean is not taken off.

    Examples
    --------
    >>> covariance(np.array([[2.0, -2.0], [0.0, 0.0]]), 0.5).tolist()
    [[3.0, 0.0], [0.0, 1.0]]
    """
    S = X @ X.swapaxes(-1, -2) / X.shape[-1]
    ball = np.trace(S, axis1=-2, axis2=-1)[..., None, None] / S.shape[-1] * np.eye(S.shape[-1])
    return np.asarray((1 - shrinkage) * S + shrinkage * ball)


def of_spectrum(S: Floats, function: Callable[[Floats], Floats]) -> Floats:
    """Return the symmetric matrices (..., C, C) with a function of their eigenvalues in place of these."""
    values, V = np.linalg.eigh(S)
    return np.asarray((V * function(values)[..., None, :]) @ V.swapaxes(-1, -2))


def check_spd(S: Floats, what: str = "The covariance of the channels") -> None:
    """Refuse singular matrices.

    Raises
    ------
    MedgraftError
    """
    values = np.linalg.eigvalsh(S)
    rank = int((values > SINGULAR * values[..., -1:]).sum(axis=-1).min())
    if rank < S.shape[-1]:
        raise MedgraftError(
            f"{what} has rank {rank} of {S.shape[-1]}: channels are flat or depend on each other (as by an "
            "average reference), or there are fewer samples than channels; leave channels out, or shrink it."
        )


def log_spd(S: Floats) -> Floats:
    """Return the matrix logarithm.

    Raises
    ------
    MedgraftError
        It is singular.
    """
    check_spd(S)
    return of_spectrum(S, np.log)


def inverse_root(S: Floats) -> Floats:
    """Return S^(-1/2), symmetric."""
    return of_spectrum(S, lambda values: 1 / np.sqrt(values))


def frechet_mean(S: Floats, most: int = 100, tolerance: float = 1e-8) -> Floats:
    r"""Return the affine-invariant mean of matrices (n, C, C): the point of least squared distance to all.

    It solves :math:`\sum_i \log(M^{-1/2} S_i M^{-1/2}) = 0` by steps along the geodesic
    (Moakher 2005, doi:10.1137/S0895479803436937), halved where they no longer shrink the gradient, until its
    norm is at most `tolerance`.

    Raises
    ------
    MedgraftError
        The steps do not end.

    Examples
    --------
    >>> frechet_mean(np.array([[[4.0]], [[9.0]]])).round(9).tolist()
    [[6.0]]
    """
    first = S.mean(axis=0)
    outer, inner = of_spectrum(first, np.sqrt), inverse_root(first)
    T = inner @ S @ inner  # of mean I: the steps begin near their end, and rounding stays small
    M, step, last = np.eye(len(first)), 1.0, np.inf
    for _ in range(most):
        root, around = of_spectrum(M, np.sqrt), inverse_root(M)
        tangent = of_spectrum(around @ T @ around, np.log).mean(axis=0)
        size = float(np.linalg.norm(tangent))
        if size <= tolerance:
            mean = outer @ M @ outer
            return np.asarray(0.5 * (mean + mean.T))
        step = step if size < last else step / 2
        last = min(last, size)
        M = root @ of_spectrum(step * tangent, np.exp) @ root
        M = 0.5 * (M + M.T)
    raise MedgraftError("The mean of the covariances was not found: leave out trials with artefacts.")
