"""What a method sees when it is fitted: checked rows, told apart into source and target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils import assert_all_finite, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_consistent_length

from medgraft.methods.encode import TableEncoder
from medgraft.methods.splits import Floats, Ints, units_of
from medgraft.methods.table import InputError, Table

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Rows:
    """The rows of one fit whose weight is not zero.

    Parameters
    ----------
    table : Table
        The features, n rows.
    y : array (n,)
        Class codes (-1 where there is no label), or values (NaN where there is none).
    classes : array (K,) or None
        Labels, sorted; None for regression.
    weight : array (n,)
        Positive weights.
    source, labelled : arrays (n,) of bool
        Rows of other domains; rows whose label may be used.
    units : array (n,) of int
        Patients (see `units_of`).
    index : array (n,) of int
        Places of these rows in what the caller gave.
    n_given : int
        How many rows the caller gave.
    """

    table: Table
    y: NDArray[Any]
    classes: NDArray[Any] | None
    weight: Floats
    source: Mask
    labelled: Mask
    units: Ints
    index: Ints
    n_given: int

    @property
    def target(self) -> Mask:
        """Rows of the target domain."""
        return ~self.source

    @property
    def k(self) -> int:
        """Number of classes; 0 for regression."""
        return 0 if self.classes is None else len(self.classes)

    def encoder(self, where: Mask | None = None) -> TableEncoder:
        """Return an encoder fitted on all rows, or only on those of `where`."""
        if where is None or where.all():
            return TableEncoder().fit(self.table, sample_weight=self.weight)
        return TableEncoder().fit(self.table.take(where), sample_weight=self.weight[where])

    @classmethod
    def of(
        cls,
        table: Table,
        y: Any,
        *,
        regression: bool,
        domain: Any = None,
        target: str | None = None,
        labelled: Any = None,
        sample_weight: Any = None,
        groups: Any = None,
    ) -> Rows:
        """Check everything a caller may give to ``fit``; nothing of it is changed or kept."""
        n = len(table)
        if y is None:
            raise InputError("This estimator requires y to be passed, but the target y is None.")
        y_all = np.asarray(column_or_1d(y, warn=True))
        check_consistent_length(np.empty(n), y_all)
        w = np.asarray(
            _check_sample_weight(sample_weight, table.numbers, dtype=np.float64, ensure_non_negative=True)
        )
        has_label = _mask(labelled, n)
        source = _source(domain, target, n)
        names = None if groups is None else _names(groups, n, "groups")
        used = w > 0
        if not (used & has_label).any():
            raise InputError("No row has a label that may be used and a weight above zero: give some labels.")
        index = np.flatnonzero(used)
        if not used.all():
            table, y_all, w, has_label, source = (
                table.take(used),
                y_all[used],
                w[used],
                has_label[used],
                source[used],
            )
            names = None if names is None else names[used]
        classes, values = _labels(y_all, has_label, regression)
        units = cls._units(table, values, names, regression)
        return cls(table, values, classes, w, source, has_label, units, index, n)

    @staticmethod
    def _units(table: Table, y: NDArray[Any], names: NDArray[Any] | None, regression: bool) -> Ints:
        if names is not None:
            return units_of(np.empty(0, dtype=np.uint64), groups=names)
        return units_of(table.keys(y)) if regression else units_of(table.keys(), stratum=y)


def _labels(y: NDArray[Any], has_label: Mask, regression: bool) -> tuple[NDArray[Any] | None, NDArray[Any]]:
    """Read the labels of labelled rows only; the others are never looked at."""
    seen = y[has_label]
    if seen.dtype == object:
        if pd.isna(seen).any():
            raise InputError("Input y contains NaN: mark rows without a label by labelled=False.")
        seen = np.asarray(seen.tolist())
    if seen.dtype.kind == "f":
        assert_all_finite(seen, input_name="y")
    if regression:
        if seen.dtype.kind not in "fiub":
            try:
                seen = seen.astype(float)
            except ValueError:
                raise InputError("y must hold numbers for regression, but holds words.") from None
        values = np.full(len(y), np.nan)
        values[has_label] = seen
        return None, values
    check_classification_targets(seen)
    classes, codes = np.unique(seen, return_inverse=True)
    values = np.full(len(y), -1, dtype=np.intp)
    values[has_label] = codes.reshape(-1)
    return classes, values


def _mask(labelled: Any, n: int) -> Mask:
    if labelled is None:
        return np.ones(n, dtype=bool)
    mask = np.asarray(labelled)
    if mask.shape != (n,) or mask.dtype != bool:
        raise InputError(f"labelled must be {n} values of true or false, one a row.")
    return mask.copy()


def _names(values: Any, n: int, what: str) -> NDArray[Any]:
    names = np.asarray(values)
    if names.shape != (n,):
        raise InputError(f"{what} must have one value a row: {n} are needed, the shape is {names.shape}.")
    return names.astype(str) if names.dtype.kind not in "iu" else names


def _source(domain: Any, target: str | None, n: int) -> Mask:
    if domain is None:
        return np.zeros(n, dtype=bool)
    names = _names(domain, n, "domain").astype(str)
    if target is None:
        known = np.unique(names)
        if len(known) > 1:
            raise InputError(f"target must name the target domain, one of: {', '.join(known)}.")
        return np.zeros(n, dtype=bool)
    # A target without a row is no mistake: its patients may all be in the test part.
    return np.asarray(names != str(target))
