"""Do sets and intervals hold what they promise, and for whom?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv

from medgraft.base import MedgraftError
from medgraft.evidence.conformal.quantile import patient_weights
from medgraft.evidence.interval import check_level, jsonable
from medgraft.evidence.metrics.base import Floats


def clopper_pearson(successes: float, n: float, level: float = 0.95) -> tuple[float, float]:
    r"""Return the exact interval of a share: those that one-sided binomial tests at :math:`\alpha/2` allow.

    Use it where too short an interval is worse than too long a one; `wilson` is nearer the nominal on
    average. Clopper and Pearson 1934, doi:10.1093/biomet/26.4.404.

    Examples
    --------
    >>> [round(end, 4) for end in clopper_pearson(8, 10)]
    [0.4439, 0.9748]
    """
    tail = (1 - level) / 2
    low = 0.0 if successes <= 0 else float(betaincinv(successes, n - successes + 1, tail))
    return low, 1.0 if successes >= n else float(betaincinv(successes + 1, n - successes, 1 - tail))


def covered(y: ArrayLike, sets: ArrayLike) -> NDArray[np.bool_]:
    """Return whether each set of classes (n, K), or interval (n, 2), holds what is true.

    Raises
    ------
    MedgraftError
        The arrays do not fit each other.

    Examples
    --------
    >>> covered([1, 0], [[True, True], [False, True]]).tolist(), covered([1.0], [[0.5, 1.0]]).tolist()
    ([True, False], [True])
    """
    truth, given = np.asarray(y), np.asarray(sets)
    n = len(truth)
    if truth.ndim != 1 or given.ndim != 2 or len(given) != n or n == 0:
        raise MedgraftError(f"There are labels of shape {truth.shape} for sets of shape {given.shape}.")
    if given.dtype == bool:
        if not np.isin(truth, np.arange(given.shape[1])).all():
            raise MedgraftError(f"Labels of these sets are class codes 0 to {given.shape[1] - 1}.")
        return np.asarray(given[np.arange(n), truth.astype(np.int64)])
    if given.shape[1] != 2:
        raise MedgraftError("Sets of classes are true and false, (n, K); intervals are numbers, (n, 2).")
    return np.asarray((given[:, 0] <= truth) & (truth <= given[:, 1]))


def _line(
    hit: Floats, size: Floats, group: ArrayLike | None, rows: NDArray[Any], level: float
) -> dict[str, Any]:
    w = patient_weights(int(rows.sum()), None if group is None else np.asarray(group)[rows])
    patients = round(float(w.sum()))
    share = min(float(w @ hit[rows]) / patients, 1.0)
    lo, hi = clopper_pearson(share * patients, patients, level)
    return {
        "rows": int(rows.sum()),
        "patients": patients,
        "coverage": share,
        "lo": lo,
        "hi": hi,
        "size": jsonable(float(w @ size[rows] / patients)),
    }


def coverage(
    y: ArrayLike,
    sets: ArrayLike,
    *,
    group: ArrayLike | None = None,
    by: Mapping[str, ArrayLike] | None = None,
    level: float = 0.95,
) -> dict[str, Any]:
    """Return how often sets or intervals hold the truth: over all, by class and by subgroup.

    Use it on rows that neither trained nor calibrated. The promise is for all; a class or a subgroup that is
    covered far less is why Mondrian thresholds exist.

    Patients count once: the coverage is the mean over patients of the share of their rows that is covered.
    Its interval is Clopper and Pearson's for so many patients: exact with one row each, and too long, never
    too short, with several.

    Parameters
    ----------
    y : (n,) array
        Class codes, or values.
    sets : (n, K) bool or (n, 2) array
        Classes in the set, or the ends of intervals.
    group : (n,) array, default every row its own
        Patients.
    by : mapping of name to (n,) array, optional
        Subgroups.
    level : float
        Coverage of the intervals.

    Returns
    -------
    dict
        "marginal": {"rows", "patients", "coverage", "lo", "hi", "size"}; "by_class": the same by code (sets
        only); "by": the same by name and value. "size" is the mean number of classes, or the mean width (None
        where infinite).

    Raises
    ------
    MedgraftError
        The arrays do not fit each other.

    Notes
    -----
    Cost O(n log n).

    Examples
    --------
    >>> made = coverage([0, 1, 1], np.array([[True, False], [True, True], [True, False]]))
    >>> made["marginal"]["coverage"].__round__(3), made["by_class"]["1"]["coverage"]
    (0.667, 0.5)
    """
    check_level(level)
    given, truth = np.asarray(sets), np.asarray(y)
    hit = covered(truth, given).astype(float)
    n = len(hit)
    patient_weights(n, group)  # checks
    size = given.sum(axis=1).astype(float) if given.dtype == bool else given[:, 1] - given[:, 0]
    made: dict[str, Any] = {"marginal": _line(hit, size, group, np.ones(n, dtype=bool), level)}
    names = {} if by is None else {name: np.asarray(values).astype(str) for name, values in by.items()}
    for name, values in names.items():
        if values.shape != (n,):
            raise MedgraftError(f"'{name}' has shape {values.shape} for {n} rows: give one per row.")
    if given.dtype == bool:
        codes = np.unique(truth)
        made["by_class"] = {str(int(c)): _line(hit, size, group, truth == c, level) for c in codes}
    made["by"] = {
        name: {str(v): _line(hit, size, group, values == v, level) for v in np.unique(values)}
        for name, values in names.items()
    }
    return made
