"""Shapley values of training rows or patients: exact for k nearest neighbours, by sampling for any learner.

Jia et al. 2019, Proc. VLDB Endow. 12(11):1610-1623; Ghorbani and Zou 2019, ICML (PMLR 97:2242-2251).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from medgraft.methods.rows import Mask
from medgraft.methods.splits import Floats

BLOCK_CELLS = 2_000_000


def knn_shapley(
    X: Floats,
    y: NDArray[Any],
    X_test: Floats,
    y_test: NDArray[Any],
    *,
    n_neighbours: int = 5,
    regression: bool = False,
) -> Floats:
    r"""Value of each training row to a k-nearest-neighbour rule, averaged over the test rows, in closed form.

    Use it to rank many rows cheaply. Not when distance says little (many features that do not matter).

    The game of one test row with label :math:`t` and the nearest :math:`m = \min(k, |S|)` rows of S is
    :math:`v(S) = \frac1k \sum_{j \le m} [y_j = t]`, or :math:`v(S) = -(\frac1k \sum_{j \le m} y_j - t)^2` for
    regression. The sum is divided by k even for fewer rows, as in the paper; so centre y for regression.
    The values sum to v(all) - v(empty), with v(empty) = 0 or :math:`-t^2`.

    Parameters
    ----------
    X, y : arrays (n, p), (n,)
        Training rows without gaps on one scale; class codes, or values.
    X_test, y_test : arrays (t, p), (t,)
        Rows by which the training rows are valued.
    n_neighbours : int
        k.
    regression : bool
        Whether y holds values.

    Returns
    -------
    array (n,)
        In the unit of v. Equal rows have equal values.

    Notes
    -----
    Cost O(t n (p + log n)) in time; test rows are taken in blocks of at most 2 000 000 distances. Where
    rows stand at one distance, v is the mean of its value with the smallest :math:`[y_j = t]`, or
    :math:`y_j`, counted as the nearest and of that with the largest: names of classes play no part.

    Examples
    --------
    >>> X, y = np.array([[0.0], [1.0]]), np.array([1, 0])
    >>> knn_shapley(X, y, np.array([[0.1]]), np.array([1]), n_neighbours=1).tolist()
    [1.0, 0.0]
    """
    n, k = len(X), n_neighbours
    total = np.zeros(n)
    step = max(1, BLOCK_CELLS // n)
    for at in range(0, len(X_test), step):
        distance = cdist(X_test[at : at + step], X)
        t = y_test[at : at + step, None]
        worth = np.tile(y.astype(float), (len(t), 1)) if regression else (y == t).astype(float)
        for first in (worth, -worth):
            order = np.lexsort((first, distance), axis=-1)
            near = np.take_along_axis(worth, order, axis=1)
            values = _linear(near, k)
            if regression:
                values = 2.0 * t * values - _square(near, k) / k**2
            total += np.bincount(order.ravel(), weights=values.ravel(), minlength=n)
    return np.asarray(total / (2 * len(X_test)))


def _linear(a: Floats, k: int) -> Floats:
    """Shapley values of S -> sum of the nearest k of a / k; rows of a (b, n) are sorted by distance."""
    n = a.shape[1]
    i = np.arange(1, n)
    step = (a[:, :-1] - a[:, 1:]) * (np.minimum(k, i) / (i * k))
    return _summed(step, a[:, -1] / max(n, k))


def _square(a: Floats, k: int) -> Floats:
    """Shapley values of S -> (sum of the nearest k of a) squared.

    Neighbours i and i + 1 differ only in sets S with fewer than k rows nearer than i; the size of a random
    coalition restricted to any set of rows is uniform, which gives the chance that row l is summed too.
    """
    n = a.shape[1]
    place = np.arange(1, n + 1, dtype=float)
    m = np.minimum(k, place)
    before = np.cumsum(a, axis=1) - a
    nearer = np.divide(m * (m - 1), place * (place - 1), out=np.zeros(n), where=place > 1)
    last = a[:, -1] ** 2 * m[-1] / n + a[:, -1] * before[:, -1] * nearer[-1]
    if n == 1:
        return np.asarray(last[:, None])
    M = np.minimum(k - 1, place - 2)
    beyond = np.divide(M * (M + 1), (place - 1) * (place - 2), out=np.zeros(n), where=place > 2)
    after = np.zeros_like(a)  # sum over l >= i + 2
    after[:, :-2] = np.cumsum((a * beyond)[:, ::-1], axis=1)[:, ::-1][:, 2:]
    both = (m / place)[:-1] * (a[:, :-1] + a[:, 1:])
    step = (a[:, :-1] - a[:, 1:]) * (both + nearer[:-1] * before[:, :-1] + after[:, :-1])
    return _summed(step, last)


def _summed(step: Floats, last: Floats) -> Floats:
    """Values from the farthest one and the differences of neighbours."""
    both = np.column_stack([step, last])
    return np.asarray(np.cumsum(both[:, ::-1], axis=1)[:, ::-1])


def monte_carlo_shapley(
    n: int,
    value: Callable[[Mask], float],
    *,
    n_permutations: int = 100,
    tolerance: float = 0.0,
    seed: int = 0,
) -> tuple[Floats, Floats]:
    """Estimate Shapley values of n players (patients, or rows) by truncated permutation sampling.

    Use it for any learner and score: `value` fits on the rows of some players and returns a score, larger
    being better. Not for more players than you can afford fits: see the cost.

    Parameters
    ----------
    n : int
        Number of players.
    value : function
        From a mask (n,) of the players taken to a number; also called for nobody.
    n_permutations : int
        Random orders, at least two.
    tolerance : float
        In an order, players after the point where v is this near to v(all) get zero; 0 truncates nothing.
    seed : int

    Returns
    -------
    values, errors : arrays (n,)
        Means over orders, and their standard errors (truncation's bias not included).

    Notes
    -----
    At most 2 + n_permutations (n - 1) calls of `value`. With tolerance 0 the values sum to
    v(all) - v(empty) exactly. Here the order is stopped after a fixed number, not by the paper's convergence
    rule, so that the cost is known.

    Examples
    --------
    >>> monte_carlo_shapley(2, lambda taken: float(taken @ [1.0, 3.0]), n_permutations=5)[0].tolist()
    [1.0, 3.0]
    """
    rng = np.random.default_rng(seed)
    nobody, everyone = value(np.zeros(n, dtype=bool)), value(np.ones(n, dtype=bool))
    gains = np.zeros((n_permutations, n))
    for gain in gains:
        taken, now = np.zeros(n, dtype=bool), nobody
        order = rng.permutation(n)
        for place, player in enumerate(order):
            if tolerance > 0 and abs(everyone - now) < tolerance:
                break
            taken[player] = True
            new = everyone if place == n - 1 else value(taken.copy())
            gain[player], now = new - now, new
    return gains.mean(axis=0), gains.std(axis=0, ddof=1) / np.sqrt(n_permutations)
