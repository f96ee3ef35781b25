"""From scores of classes to probabilities, fitted on rows that the scores did not learn from."""

from __future__ import annotations

import numpy as np

from medgraft.methods.logistic import Problem, probabilities, row_loss, solve
from medgraft.methods.splits import Floats, Ints

RIDGE = 0.1  # keeps the slope finite where held-out scores separate the classes


def calibrate(M: Floats, y: Ints, weight: Floats, k: int) -> tuple[Floats, float]:
    r"""Fit the sigmoid (or softmax) of held-out scores.

    It minimises :math:`\sum_i w_i \ell(y_i, B m_i + c) + \frac{0.1}{2}\|B\|^2`, the log loss: for two classes
    Platt's sigmoid of one score.

    Parameters
    ----------
    M : array (n, m)
        Scores of held-out rows, m = 1 for two classes.
    y : array (n,) of int
        Class codes.
    weight : array (n,)
    k : int
        Number of classes.

    Returns
    -------
    array (m', m + 1)
        Coefficients B and, last, intercepts c.
    float
        Mean log loss in nats.

    References
    ----------
    Platt 1999, Probabilistic outputs for support vector machines.

    Examples
    --------
    >>> scores, y = np.array([[-1.0], [-2.0], [1.0], [2.0]]), np.array([0, 0, 1, 1])
    >>> beta, loss = calibrate(scores, y, np.ones(4), 2)
    >>> bool(beta[0, 0] > 0), bool(loss < np.log(2))
    (True, True)
    """
    problem = Problem(M, y, k)
    beta = solve(problem, weight[None, :], RIDGE)[0]
    return beta, float(weight @ row_loss(problem.scores(beta), y) / weight.sum())


def plain(m: int) -> Floats:
    """Coefficients (m, m + 1) that leave scores as they are, where there is too little to calibrate by."""
    return np.column_stack([np.eye(m), np.zeros(m)])


def calibrated(M: Floats, beta: Floats) -> Floats:
    """Probabilities (n, K) of scores M (n, m)."""
    return probabilities(M @ beta[:, :-1].T + beta[:, -1])
