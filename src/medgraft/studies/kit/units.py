"""Scores of users, queries or folds as one figure with its interval, for experiments that are no trial."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from medgraft.evidence import Interval, interval
from medgraft.evidence.paired import paired_t


def mean_score(values: ArrayLike, *, group: ArrayLike | None = None) -> Interval:
    """Return the mean of scores from 0 to 1, with its bootstrap interval over independent units.

    Parameters
    ----------
    values : array (n,)
        What each unit scored.
    group : array (n,), optional
        What belongs together; default each value is a unit of its own.

    Examples
    --------
    >>> found = mean_score([0.5, 0.7, 0.9, 0.6])
    >>> round(found.value, 3), 0.5 <= found.lo <= found.value <= found.hi <= 0.9
    (0.675, True)
    """
    scores = np.asarray(values, dtype=float)
    if np.isin(scores, (0.0, 1.0)).all():  # a share, whose interval has a width at 0 and 1 too
        shares = np.stack([1 - scores, scores], axis=1)
        return interval("accuracy", np.ones(len(scores), dtype=int), shares, group=group)
    return interval("mae", np.zeros(len(scores)), scores, group=group)


def mean_gain(values: ArrayLike, control: ArrayLike, *, group: ArrayLike | None = None) -> Interval:
    """Return the mean of what each unit scored more than under a control, with Student's interval.

    Parameters
    ----------
    values, control : array (n,)
        Scores of the same units (see `medgraft.evidence.paired.paired_t`).
    group : array (n,), optional
        As in `mean_score`.

    Examples
    --------
    >>> found = mean_gain([0.5, 0.7, 1.0], [0.4, 0.6, 0.8])  # 0.1, 0.1, 0.2
    >>> round(found.value, 3), round(found.lo, 3)
    (0.133, -0.01)
    """
    found = paired_t(values, control, group=group)
    return Interval(found.value, found.lo, found.hi, note=found.note)
