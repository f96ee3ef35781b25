"""The inner split: some training patients are held out to know when to stop."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from medgraft.cohort.multilabel import rarity
from medgraft.methods.splits import Ints, inner_folds

MIN_HELD = 8  # fewer rows than this say nothing about when to stop
SHARE = 0.15  # held out by default, once there are
ENOUGH = 400  # patients: with fewer, the luck of who is held out chooses the epoch, and they teach more


def share_to_hold(
    asked: float | None, units: Ints, target: NDArray[np.bool_], *, needed: bool = False
) -> float:
    """Return the share of the rows to hold out: what was asked for, else what pays.

    Parameters
    ----------
    asked : float or None
        None: 0.15 where the target (or the cohort, without one) has 400 patients or more, else 0.
    units : array (n,) of int
        Patients.
    target : array (n,) of bool
        Rows of the target domain.
    needed : bool, default False
        Something chosen depends on held-out rows, whatever their number.

    Examples
    --------
    >>> everyone = np.ones(500, dtype=bool)
    >>> share_to_hold(None, np.arange(500), everyone), share_to_hold(None, np.arange(500) // 2, everyone)
    (0.15, 0.0)
    """
    if asked is not None:
        return asked
    patients = len(np.unique(units[target] if target.any() else units))
    return SHARE if needed or patients >= ENOUGH else 0.0


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
    if y.ndim == 2:
        stratum = rarity(y)
    else:
        stratum = np.asarray(y) if classes else np.searchsorted(np.quantile(y, [1 / 3, 2 / 3]), y)
    fold = inner_folds(units, k=max(round(1 / share), 2), seed=seed, stratum=stratum.astype(np.intp))
    train, held = np.flatnonzero(fold != 0), np.flatnonzero(fold == 0)
    if len(held) < MIN_HELD or _lacking(y, train, held, classes):
        return everything, nothing
    return train, held


def hold_out_target(
    y: NDArray[Any], units: Ints, target: NDArray[np.bool_], share: float, seed: int, classes: int
) -> tuple[Ints, Ints]:
    """Hold out patients of the target where it has enough, else patients of all domains, as `hold_out` does.

    The epoch that is best for the source's patients need not be the target's. Enough are eight held-out
    patients of the target, with every class among them. What the source has of these patients is in neither
    part.

    Parameters
    ----------
    target : array (n,) of bool
        Rows of the target domain.
    y, units, share, seed, classes
        As in `hold_out`; `share` is then one of the target's rows.

    Returns
    -------
    train, held : arrays of int

    Examples
    --------
    >>> y, target = np.arange(200) % 2, np.arange(200) < 80
    >>> train, held = hold_out_target(y, np.arange(200), target, 0.25, 0, 2)
    >>> len(train), len(held), bool(held.max() < 80)
    (180, 20, True)
    """
    here = np.flatnonzero(target)
    if 0 < len(here) < len(y):
        held = here[hold_out(y[here], units[here], share, seed, classes)[1]]
        train = np.flatnonzero(~np.isin(units, units[held]))
        if len(np.unique(units[held])) >= MIN_HELD and not _lacking(y, train, held, classes):
            return train, held
    return hold_out(y, units, share, seed, classes)


def _lacking(y: NDArray[Any], train: Ints, held: Ints, classes: int) -> bool:
    """Whether a class is missing from either part; of several labels, from the training part."""
    if not len(train):
        return True
    if y.ndim == 2:
        return any(len(np.unique(y[train, j])) < len(np.unique(y[:, j])) for j in range(y.shape[1]))
    return bool(classes) and any(len(np.unique(y[part])) < len(np.unique(y)) for part in (train, held))
