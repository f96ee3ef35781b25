"""The inner split: some training patients are held out to know when to stop."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from medgraft.cohort.multilabel import rarity
from medgraft.methods.splits import Ints, inner_folds

MIN_HELD = 8  # fewer rows than this say nothing about when to stop


def note_on(share: float, held: Ints) -> str:
    """Return a sentence where an inner split was asked for, and there are too few rows for one; else ""."""
    return "" if share <= 0 or len(held) else "Too few rows for an inner split: no early stopping."


def hold_out(y: NDArray[Any], units: Ints, share: float, seed: int, classes: int) -> tuple[Ints, Ints]:
    """Hold out whole patients, stratified by class (or by thirds of the values).

    Parameters
    ----------
    y : array (n,), or (n, L)
        Class codes, or values when `classes` is 0; several labels.
    units : array (n,) of int
        Patients.
    share : float
        Share of the rows to hold out; 0 for none.
    seed : int
    classes : int

    Returns
    -------
    train, held : arrays of int
        Row numbers, sorted. `held` is empty when there is too little data: fewer than eight rows would be
        held out, or a class would be missing from either part (of several labels: from the training part).

    Examples
    --------
    >>> train, held = hold_out(np.repeat([0, 1], 40), np.arange(80), 0.25, 0, 2)
    >>> len(train), len(held)
    (60, 20)
    """
    n = len(y)
    everything, nothing = np.arange(n), np.arange(0)
    if share <= 0 or share * n < MIN_HELD:
        return everything, nothing
    several = y.ndim == 2
    if several:
        stratum = rarity(y)
    else:
        stratum = np.asarray(y) if classes else np.searchsorted(np.quantile(y, [1 / 3, 2 / 3]), y)
    fold = inner_folds(units, k=max(round(1 / share), 2), seed=seed, stratum=stratum.astype(np.intp))
    train, held = np.flatnonzero(fold != 0), np.flatnonzero(fold == 0)
    if len(held) < MIN_HELD or not len(train):
        return everything, nothing
    if several and any(len(np.unique(y[train, j])) < len(np.unique(y[:, j])) for j in range(y.shape[1])):
        return everything, nothing
    if not several and classes and any(len(np.unique(y[part])) < len(np.unique(y)) for part in (train, held)):
        return everything, nothing
    return train, held
