"""Time-ordered splits: each patient's early records teach, the later ones test."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medgraft.base import MedgraftError
from medgraft.cohort.cohort import Cohort
from medgraft.cohort.splits import Split, Splits

BLOCKS = 5
_NONE = np.empty(0, dtype=np.intp)


def clock(cohort: Cohort) -> NDArray[np.float64]:
    """Return the time of each row as a number, (n,): dates as days since the first one.

    Raises
    ------
    MedgraftError
        There is no column of times, it holds words, or a row has no time.
    """
    if cohort.time is None:
        raise MedgraftError("Time-ordered folds need times: say with --time which column holds them.")
    values = cohort.table[cohort.time]
    if pd.api.types.is_datetime64_any_dtype(values):
        out = ((values - values.min()) / pd.Timedelta(days=1)).to_numpy(dtype=float)
    elif pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        out = values.to_numpy(dtype=float, na_value=np.nan)
    else:
        raise MedgraftError(f"The column '{cohort.time}' must hold numbers or dates to order rows by.")
    if missing := int((~np.isfinite(out)).sum()):
        raise MedgraftError(
            f"{missing} rows have no time in '{cohort.time}': fill it in, or drop these rows."
        )
    return out


def timed(cohort: Cohort) -> Cohort:
    """Return the cohort as a time-ordered trial sees it: patients are the domains, time is a feature."""
    time = str(cohort.time)
    features = (*(f for f in cohort.features if f != time), time)
    table = cohort.table.assign(**{time: clock(cohort)})
    return replace(cohort, table=table, features=features, domain=cohort.group)


def time_splits(cohort: Cohort, *, first: float = 0.3) -> Splits:
    """Each patient in turn is the target: the first share of the records is labelled, the rest tested.

    All records of all other patients teach, too. Records of one time are never torn apart: they all count
    as early when one of them does. There is no chance in it.

    Parameters
    ----------
    cohort : Cohort
        With a column of patients and one of times; fold k tests the k-th patient of the alphabet.
    first : float, default 0.3
        Share of a patient's records, rounded down to whole records.

    Raises
    ------
    MedgraftError
        There is no column of patients or of times; `first` is not between 0 and 1; no patient has two early
        records of different times and a later one.

    Notes
    -----
    Patients with too few records are never tested, but teach.
    """
    if not 0 < first < 1:
        raise MedgraftError(f"--first is a share above 0 and below 1, not {first}.")
    if cohort.group is None:
        raise MedgraftError("Time-ordered folds need patients: say with --group which column names them.")
    when, groups = clock(cohort), cohort.groups

    def deal() -> Iterator[Split]:
        for fold, patient in enumerate(np.unique(groups)):
            own = np.flatnonzero(groups == patient)
            early = _early(when[own], first)
            if len(np.unique(when[own[early]])) < 2 or early.all():
                continue
            train = np.setdiff1d(np.arange(cohort.n), own[~early])
            yield Split(0, fold, -1, train, _NONE, own[~early])

    splits = Splits.of(deal())
    if not len(splits.table):
        raise MedgraftError(
            f"No patient has two early records and a later one when the first {first:.0%} of the records "
            "are early: raise --first, or leave out --folds time."
        )
    return splits


def _early(when: NDArray[np.float64], first: float) -> NDArray[np.bool_]:
    count = int(np.floor(first * len(when) + 1e-9))
    if count == 0:
        return np.zeros(len(when), dtype=bool)
    return np.asarray(when <= np.sort(when)[count - 1])


def time_blocks(when: NDArray[np.float64], count: int = BLOCKS) -> NDArray[np.intp]:
    """Cut records into blocks of neighbouring times, (n,) codes from 0, about equally many in each.

    Inner splits hold out whole blocks: neighbours in time are nearly copies of each other.

    Examples
    --------
    >>> time_blocks(np.array([9.0, 1.0, 2.0, 8.0]), 2).tolist()
    [1, 0, 0, 1]
    """
    order = np.unique(when, return_inverse=True)[1].reshape(-1)
    share = np.cumsum(np.bincount(order))
    block = np.minimum((share - 1) * count // len(when), count - 1)
    return np.asarray(block[order], dtype=np.intp)


def early_blocks(cohort: Cohort, splits: Iterable[Split]) -> NDArray[np.intp]:
    """Return the block of time of each patient's early records, (n,); 0 for the others."""
    when, out = clock(cohort), np.zeros(cohort.n, dtype=np.intp)
    for split in splits:
        own = split.labelled[cohort.groups[split.labelled] == cohort.groups[split.test[0]]]
        out[own] = time_blocks(when[own])
    return out
