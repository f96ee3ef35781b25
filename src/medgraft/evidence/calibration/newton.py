"""Logistic regression of a few coefficients, by Newton's steps."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from medgraft.base import MedgraftError
from medgraft.evidence.metrics.base import Floats

STEPS = 100


def logistic_fit(X: Floats, target: Floats, w: Floats, offset: Floats) -> Floats:
    r"""Return the coefficients (q,) that maximise :math:`\sum_i w_i (t_i \eta_i - \log(1 + e^{\eta_i}))`.

    :math:`\eta = X \beta + ` offset; targets between 0 and 1. A step that does not improve is halved.

    Raises
    ------
    MedgraftError
        There is no maximum: the rows are told apart perfectly, or the columns of X are dependent.

    Examples
    --------
    >>> logistic_fit(np.ones((4, 1)), np.array([0.0, 0, 0, 1]), np.ones(4), np.zeros(4)).round(4)
    array([-1.0986])
    """

    def loss(b: Floats) -> float:
        eta = X @ b + offset
        return float(w @ (np.logaddexp(0, eta) - target * eta))

    beta = np.zeros(X.shape[1])
    now = loss(beta)
    for _ in range(STEPS):
        chance = expit(X @ beta + offset)
        gradient = X.T @ (w * (target - chance))
        hessian = information(X, w, chance)
        if np.linalg.cond(hessian) > 1e12:
            break
        step = np.linalg.solve(hessian, gradient)
        while (then := loss(beta + step)) > now + 1e-12 * abs(now) and np.abs(step).max() > 1e-14:
            step = step / 2
        beta, now = beta + step, then
        if np.abs(step).max() <= 1e-10 * (1 + np.abs(beta).max()):
            return beta
    raise MedgraftError("The logistic curve has no best fit: the predictions are all equal, or separate all.")


def information(X: Floats, w: Floats, chance: Floats) -> Floats:
    """Return minus the second derivative of the log-likelihood, (q, q)."""
    return np.asarray((X * (w * chance * (1 - chance))[:, None]).T @ X)
