"""The difference of two arms as a test sees it, and what all tests here share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr, stdtrit

from medgraft.base import MedgraftError
from medgraft.evidence.interval import jsonable
from medgraft.evidence.metrics.base import Floats, Ints


@dataclass(frozen=True)
class Difference:
    """An arm minus its control, with a test of no difference.

    Attributes
    ----------
    value : float
        Arm minus control.
    lo, hi : float
        Its interval; nan where it cannot be given (`note` says why).
    p_value : float
        Two-sided, of no difference; nan where there is no test.
    se : float
        Standard error of the value.
    freedom : float
        Degrees of freedom with which `se` is known.
    n_groups : int
        Patients (or splits, where those are what is compared).
    level : float
        Nominal coverage.
    note : str
        What the reader should know, or "".
    """

    value: float
    lo: float
    hi: float
    p_value: float
    se: float
    freedom: float
    n_groups: int
    level: float = 0.95
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON knows it: nan becomes None."""
        return {
            "difference": jsonable(self.value),
            "ci": [jsonable(self.lo), jsonable(self.hi)],
            "p_value": jsonable(self.p_value),
            "se": jsonable(self.se),
            "freedom": jsonable(self.freedom),
            "n_groups": self.n_groups,
            "level": self.level,
            "note": self.note,
        }


def student(value: float, se: float, freedom: float, n_groups: int, level: float) -> Difference:
    r"""Return the difference with :math:`\theta \pm t_{1-\alpha/2,\,\nu}\, s` and the p-value that fits it.

    Without spread there is a test only where the difference is zero, too: the arms then do not differ.
    """
    if math.isnan(value) or math.isnan(se):
        return Difference(value, math.nan, math.nan, math.nan, math.nan, freedom, n_groups, level)
    if se == 0:
        if value == 0:
            note = "The arm and its control do not differ on any patient."
            return Difference(0.0, 0.0, 0.0, 1.0, 0.0, freedom, n_groups, level, note)
        note = "The difference is the same on every patient: no spread is seen, so no interval can be given."
        return Difference(value, math.nan, math.nan, math.nan, 0.0, freedom, n_groups, level, note)
    half = -float(stdtrit(freedom, (1 - level) / 2)) * se
    p = 2 * float(stdtr(freedom, -abs(value) / se))
    return Difference(value, value - half, value + half, p, se, freedom, n_groups, level)


def column(name: str, values: ArrayLike, n: int | None = None) -> Floats:
    """Return one finite number per row, or refuse."""
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise MedgraftError(f"'{name}' must hold numbers: give one per row.") from None
    if array.ndim != 1 or len(array) == 0 or (n is not None and len(array) != n):
        rows = "at least one row" if n is None else f"{n} rows"
        raise MedgraftError(f"'{name}' has shape {array.shape}, but needs one number for each of {rows}.")
    if not np.isfinite(array).all():
        bad = int((~np.isfinite(array)).sum())
        raise MedgraftError(f"{bad} of {len(array)} values of '{name}' are not finite: drop these rows.")
    return array


def yes_no(name: str, values: ArrayLike, n: int | None = None) -> Floats:
    """Return one 0 or 1 per row, or refuse."""
    array = column(name, values, n)
    if not np.isin(array, (0.0, 1.0)).all():
        raise MedgraftError(f"'{name}' must be 0 or 1 (or False and True) in every row.")
    return array


def patients(group: ArrayLike | None, n: int) -> Ints:
    """Number the patients of n rows from 0; every row its own without `group`."""
    array = np.arange(n) if group is None else np.asarray(group)
    if array.shape != (n,):
        raise MedgraftError(f"'group' has shape {array.shape}, but there are {n} rows: give one per row.")
    return np.asarray(np.unique(array, return_inverse=True)[1], dtype=np.int64)


def mean_of_rows(rows: Floats, group: Ints) -> tuple[float, float, int]:
    r"""Return the mean of the rows, its standard error over patients, and the number of patients.

    With :math:`d_k` the sum of the :math:`n_k` rows of patient k of K, the mean
    :math:`D = \sum d_k / \sum n_k` is a ratio of two sums, and

    .. math:: s^2 = \frac{K}{K - 1} \frac{\sum_k (d_k - n_k D)^2}{(\sum_k n_k)^2}

    With one row a patient this is the usual standard error. nan for one patient.
    """
    k = int(group.max()) + 1
    mean = float(rows.mean())
    if k < 2:
        return mean, math.nan, k
    off = np.bincount(group, weights=rows - mean, minlength=k)
    # Rows that are all alike leave a rounding error only, which is no spread.
    spread = float(off @ off) if np.ptp(rows) > 1e-9 * np.abs(rows).max() else 0.0
    return mean, math.sqrt(k / (k - 1) * spread) / len(rows), k
