"""Class shares read off probabilities."""

from __future__ import annotations

import numpy as np

from medgraft.evidence.metrics.base import Floats


def em_shares(p: Floats, train: Floats, weight: Floats | None = None, tol: float = 1e-10) -> Floats:
    r"""Class shares under which probabilities, brought over from other shares, agree with themselves.

    It maximises the likelihood :math:`\sum_i w_i \log \sum_c \pi_c \, p_{ic} / q_c` over shares
    :math:`\pi`, q being the training shares, by expectation maximisation; the problem is concave.

    Parameters
    ----------
    p : array (n, K)
        Probabilities of target rows by a classifier trained under the shares `train`.
    train : array (K,)
    weight : array (n,), optional
    tol : float
        Largest change of a share at which the steps end; at most 10 000 of them.

    Examples
    --------
    >>> em_shares(np.array([[0.9, 0.1]] * 3 + [[0.1, 0.9]]), np.array([0.5, 0.5])).round(3).tolist()
    [0.812, 0.188]
    """
    w = np.ones(len(p)) if weight is None else weight
    w = w / w.sum()
    A = np.divide(p, train, out=np.zeros_like(p), where=train > 0)
    shares = train.copy()
    for _ in range(10_000):
        part = A * shares
        part /= np.maximum(part.sum(axis=1, keepdims=True), 1e-300)
        new = w @ part
        done = np.abs(new - shares).max() < tol
        shares = new / new.sum()
        if done:
            break
    return np.asarray(shares)
