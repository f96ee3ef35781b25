"""The first stage: a linear head on frozen features, tuned like every other linear learner."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medgraft.methods.learner import LogisticLearner, default_learner
from medgraft.methods.splits import Floats, Ints

FLOOR = 0.1


def scaling(F: NDArray[Any], weight: Floats) -> tuple[Floats, Floats]:
    """Return mean and scale (d,) that bring features to one scale.

    A feature that hardly varies keeps a tenth of the common scale, lest it explode on other images.

    Examples
    --------
    >>> mean, scale = scaling(np.array([[0.0, 1.0], [2.0, 1.0]]), np.ones(2))
    >>> mean.tolist(), scale[0].round(2).item()
    ([1.0, 1.0], 1.0)
    """
    X = np.asarray(F, dtype=np.float64)
    share = weight / weight.sum()
    mean = share @ X
    variance = share @ (X - mean) ** 2
    floor = FLOOR * np.sqrt(variance.mean())
    return mean, np.maximum(np.sqrt(variance), floor if floor > 0 else 1.0)


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep the linear algebra on one core: threads cost more than they give on matrices this small."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        yield


def class_weights(y: NDArray[Any], k: int, weight: Floats) -> Floats:
    """Return weights (n,) that let every class count the same, with mean 1.

    Examples
    --------
    >>> class_weights(np.array([0, 0, 0, 1]), 2, np.ones(4)).round(3).tolist()
    [0.667, 0.667, 0.667, 2.0]
    """
    total = np.bincount(y, weights=weight, minlength=k)
    out = weight / total[y]
    return np.asarray(out / out.mean())


def fit_head(
    F: NDArray[Any], y: NDArray[Any], weight: Floats, units: Ints, k: int, seed: int
) -> tuple[Floats, Floats, Floats, Floats]:
    """Fit the default learner on features, and return it as a linear layer.

    Parameters
    ----------
    F : array (n, d)
        Features.
    y : array (n,)
        Class codes, or standardised values when k is 0.
    weight, units : arrays (n,)
        Weights and patients.
    k : int
        Number of classes, 0 for regression.
    seed : int
        Seed of the learner's inner splits.

    Returns
    -------
    mean, scale : arrays (d,)
    weight : array (k or 1, d)
    bias : array (k or 1,)
        Scores are ``(x - mean) / scale @ weight.T + bias``.
    """
    mean, scale = scaling(F, weight)
    learner = default_learner("regression" if k == 0 else "classification", seed)
    with one_thread():
        learner.fit((F - mean) / scale, y, sample_weight=weight, groups=units)
    if not isinstance(learner, LogisticLearner):
        return mean, scale, learner.coef_[None, :], np.array([learner.intercept_])
    coef, intercept = learner.coef_, learner.intercept_
    if len(coef) == 1:  # one score for two classes: half of it for, half against
        coef, intercept = np.vstack([-coef, coef]) / 2, np.concatenate([-intercept, intercept]) / 2
    if len(coef) != k:  # a class that the training part of the inner split lacks
        full, bias = np.zeros((k, coef.shape[1])), np.full(k, intercept.min() - 5.0)
        codes = np.asarray(learner.classes_, dtype=int)
        full[codes], bias[codes] = coef[: len(codes)], intercept[: len(codes)]
        coef, intercept = full, bias
    return mean, scale, coef, intercept
