"""Moments of samples along the last axis."""

from __future__ import annotations

import numpy as np

from medgraft.sources.views.signal.base import Floats

NAMES = ("mean", "sd", "skew", "kurtosis")


def moments(X: Floats) -> Floats:
    """Return mean, standard deviation, skewness and excess kurtosis (..., 4); NaN where there is no spread.

    Divisors are n: moments of the samples themselves, not estimates of a population's.

    Examples
    --------
    >>> moments(np.array([-1.0, 1.0, -1.0, 1.0])).tolist()
    [0.0, 1.0, 0.0, -2.0]
    """
    mean, sd = X.mean(axis=-1), X.std(axis=-1)
    flat = sd <= 1e-12 * np.abs(X).max(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        Z = (X - mean[..., None]) / np.where(flat, np.nan, sd)[..., None]
    return np.stack([mean, sd, (Z**3).mean(axis=-1), (Z**4).mean(axis=-1) - 3.0], axis=-1)
