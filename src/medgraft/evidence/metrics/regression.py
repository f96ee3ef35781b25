"""Metrics of predicted values."""

from __future__ import annotations

import numpy as np

from medgraft.evidence.metrics.base import REGRESSION, Floats, Ints, metric, share, weighted_mean


def values(y: Floats, p: Floats, block: Ints) -> Floats:
    """Return the predictions as one column."""
    return p.reshape(len(y), 1)


@metric(
    "mae",
    tasks=REGRESSION,
    better="lower",
    label="MAE",
    view=values,
    meaning=("Mean absolute error: how far a prediction is from the truth on average, in the label's units."),
)
def mae(y: Floats, p: Floats, w: Floats, block: Ints) -> Floats:
    r"""Mean absolute error, in the units of the label: :math:`\sum_i w_i |y_i - p_i| / \sum_i w_i`."""
    return weighted_mean(np.abs(y - p), w)


@metric(
    "rmse",
    tasks=REGRESSION,
    better="lower",
    label="RMSE",
    view=values,
    meaning="Root mean squared error: like the mean absolute error, but large mistakes weigh more.",
)
def rmse(y: Floats, p: Floats, w: Floats, block: Ints) -> Floats:
    r"""Root of the mean squared error: :math:`\sqrt{\sum_i w_i (y_i - p_i)^2 / \sum_i w_i}`."""
    return np.sqrt(weighted_mean((y - p) ** 2, w))


@metric(
    "r2",
    tasks=REGRESSION,
    better="higher",
    label="R²",
    view=values,
    meaning=(
        "The share of the differences between patients that the model explains: 1 is perfect; 0 is no"
        " better than predicting the mean for everyone."
    ),
)
def r2(y: Floats, p: Floats, w: Floats, block: Ints) -> Floats:
    r"""Share of the label's variance that is explained.

    .. math:: 1 - \sum_i w_i (y_i - p_i)^2 / \sum_i w_i (y_i - \bar y_w)^2

    nan when the weighted labels do not vary. Negative when the weighted mean would have done better.
    """
    centred = y - y.mean()  # near the weighted mean already, so that little cancels below
    square, mass = w @ centred**2, w.sum(axis=1)
    spread = square - share((w @ centred) ** 2, mass)
    spread = np.where(spread > 1e-12 * square, spread, 0.0)
    return 1 - share(w @ (y - p) ** 2, spread)
