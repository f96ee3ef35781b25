"""A part of a cohort, drawn by patient, so that a study runs in minutes."""

from __future__ import annotations

import numpy as np

from medgraft.cohort import Cohort


def thin(cohort: Cohort, limit: int | None, seed: int) -> Cohort:
    """Return at most `limit` rows of each class (in all, for regression), patient by patient.

    Parameters
    ----------
    cohort : Cohort
    limit : int, optional
        None: the cohort itself.
    seed : int

    Examples
    --------
    >>> import medgraft as mg, pandas as pd
    >>> c = mg.read(pd.DataFrame({"x": range(40), "ill": ["no", "yes"] * 20}), label="ill")
    >>> thin(c, 5, seed=0).n
    10
    """
    if limit is None:
        return cohort
    codes = cohort.y if cohort.classes is not None and cohort.y.ndim == 1 else np.zeros(cohort.n, dtype=int)
    patients = np.arange(cohort.n) if cohort.group is None else cohort.groups
    order = np.random.default_rng([seed, 7]).permutation(np.unique(patients))
    left = dict.fromkeys(np.unique(codes).tolist(), limit)
    keep = np.zeros(cohort.n, dtype=bool)
    for rows in _rows_of(patients, order):
        for i in rows:
            if left[codes[i]] > 0:
                keep[i] = True
                left[codes[i]] -= 1
    return cohort.select(np.flatnonzero(keep))


def _rows_of(patients: np.ndarray, order: np.ndarray) -> list[np.ndarray]:
    by = np.argsort(patients, kind="stable")
    starts = np.searchsorted(patients[by], order)
    ends = np.searchsorted(patients[by], order, side="right")
    return [by[a:b] for a, b in zip(starts, ends, strict=True)]
