"""Metrics of classes in order, such as stages: a mistake by two levels is worse than one by one."""

from __future__ import annotations

import numpy as np

from medgraft.evidence.metrics.base import ORDERED, Floats, Ints, metric, share, weighted_mean
from medgraft.evidence.metrics.classification import decisions


@metric(
    "quadratic_kappa",
    tasks=ORDERED,
    better="higher",
    label="Quadratic kappa",
    view=decisions,
    meaning=(
        "Quadratic kappa: agreement with the true level beyond chance, where a mistake by two levels "
        "counts four times one by one; 1 is perfect, 0 is chance."
    ),
)
def quadratic_kappa(y: Floats, p: Floats, w: Floats, block: Ints) -> Floats:
    r"""Agreement of the most probable level with the true one beyond chance, by the squared distance.

    .. math:: \kappa = 1 - \frac{\sum_i w_i (\hat y_i - y_i)^2}
                                 {\frac1W \sum_{i,j} w_i w_j (\hat y_i - y_j)^2}

    with :math:`W = \sum_i w_i`: 1 is perfect, 0 is chance, below 0 is worse. The decision is the most
    probable level, as a graft predicts it, and not the expected one. nan where all labels and all decisions
    are one level. Cohen 1968, doi:10.1037/h0026256.
    """
    guess, truth = p.argmax(axis=1).astype(float), np.asarray(y, dtype=float)
    observed = w @ (guess - truth) ** 2
    mass = w.sum(axis=1)
    squares = w @ guess**2 + w @ truth**2
    expected = squares - 2.0 * share((w @ guess) * (w @ truth), mass)
    expected = np.where(expected > 1e-12 * squares, expected, 0.0)
    return 1.0 - share(observed, expected)


@metric(
    "mae_levels",
    tasks=ORDERED,
    better="lower",
    label="Levels off",
    view=decisions,
    meaning="How many levels the most probable one is off on average: 0 is perfect.",
)
def mae_levels(y: Floats, p: Floats, w: Floats, block: Ints) -> Floats:
    r"""How many levels the most probable one is off, on average: :math:`\sum_i w_i |\hat y_i - y_i| / W`."""
    return weighted_mean(np.abs(p.argmax(axis=1) - y).astype(float), w)
