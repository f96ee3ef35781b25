"""Folds over several labels at once: every fold gets its share of each, as far as whole patients allow."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.intp]


def iterative_folds(there: NDArray[np.bool_], units: Ints, folds: int, seed: int) -> Ints:
    """Deal whole patients to folds, the rarest label first (iterative stratification).

    Use it where rows have several labels; with one, stratified folds are nearer to equal shares.

    Until every patient is dealt, the label that the fewest of the others have is taken, and its patients go
    one by one to the fold that still lacks most rows with that label; of several, to the one that lacks most
    rows at all; of these, by chance. Patients without a label come last.

    Parameters
    ----------
    there : array (n, L) of bool
        Which labels each row has.
    units : array (n,) of int
        Patients, 0 to U-1.
    folds : int
    seed : int

    Returns
    -------
    array (n,) of int
        The fold of each row.

    Notes
    -----
    Cost O(U L). The patients' codes and the seed decide, not the order of the rows.

    References
    ----------
    Sechidis, Tsoumakas and Vlahavas 2011, doi:10.1007/978-3-642-23808-6_10.

    Examples
    --------
    >>> there = np.array([[True, False], [True, False], [False, True], [False, True]])
    >>> fold = iterative_folds(there, np.arange(4), 2, 0)
    >>> sorted(fold[:2].tolist()), sorted(fold[2:].tolist())
    ([0, 1], [0, 1])
    """
    n_units = int(units.max()) + 1
    size = np.bincount(units, minlength=n_units).astype(float)
    count = np.zeros((n_units, there.shape[1]))
    np.add.at(count, units, there)
    lacks = np.tile(count.sum(axis=0) / folds, (folds, 1))  # rows with each label that a fold still lacks
    room = np.full(folds, size.sum() / folds)
    rng = np.random.default_rng(seed)
    order = rng.permutation(n_units)
    left = np.ones(n_units, dtype=bool)
    fold = np.empty(n_units, dtype=np.intp)

    def deal(unit: int, need: NDArray[np.float64]) -> None:
        best = np.flatnonzero(need >= need.max() - 1e-9)
        best = best[room[best] >= room[best].max() - 1e-9]
        to = int(best[rng.integers(len(best))]) if len(best) > 1 else int(best[0])
        fold[unit], left[unit] = to, False
        lacks[to] -= count[unit]
        room[to] -= size[unit]

    while True:
        having = ((count > 0) & left[:, None]).sum(axis=0)
        if not having.any():
            break
        label = int(np.argmin(np.where(having > 0, having, n_units + 1)))
        for unit in order[left[order] & (count[order, label] > 0)]:
            deal(int(unit), lacks[:, label])
    for unit in order[left[order]]:
        deal(int(unit), room)
    return fold[units]
