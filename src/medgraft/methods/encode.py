"""From a clinical table to numbers: impute, mark what is missing, scale, spread words out."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from medgraft.methods.splits import Floats
from medgraft.methods.table import InputError, Table


class TableEncoder(TransformerMixin, BaseEstimator):
    """Turn a table of numbers and words, with gaps, into an array without gaps on one scale.

    Use it in front of any learner that needs numbers. Not for images (use a backbone's features) nor for
    free text.

    Numbers: a gap becomes the median; a column that marks the gap joins where training has gaps; the value
    is centred and divided by the standard deviation of what was observed. Words and bools: two levels without
    gaps become one column of -1/2 and 1/2; else one 0/1 column a level, missing being a level of its own
    where training has gaps. What training never saw becomes all zeros at prediction, which is "no
    information". Columns that are constant or empty in training are dropped.

    Parameters
    ----------
    max_levels : int
        Words beyond this many most frequent ones are treated as unknown.

    Attributes
    ----------
    n_out_ : int
        Number of columns made.
    names_ : list of str
        Their names: ``"age"``, ``"age is missing"``, ``"sex=male"``.

    Raises
    ------
    InputError
        A number column that holds words at prediction; infinity; dates.

    Notes
    -----
    Cost O(n p), with a sort for the columns that have gaps. Only sums, medians and the levels of words are
    kept. An integer weight means the same as repeating the row.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> X = pd.DataFrame({"age": [40.0, 60.0, np.nan], "sex": ["f", "m", "m"]})
    >>> e = TableEncoder().fit(X)
    >>> e.names_
    ['age', 'age is missing', 'sex=m']
    >>> e.transform(X).tolist()
    [[-1.0, 0.0, -0.5], [1.0, 0.0, 0.5], [0.0, 1.0, 0.5]]
    """

    def __init__(self, *, max_levels: int = 30) -> None:
        self.max_levels = max_levels

    def fit(self, X: Any, y: None = None, sample_weight: ArrayLike | None = None) -> Self:
        """Learn from the rows of X (array, DataFrame or Table); weights (n,) are not negative."""
        table = Table.of(X)
        w = np.ones(len(table)) if sample_weight is None else np.asarray(sample_weight, dtype=float)
        if not (w > 0).all():
            table, w = table.take(w > 0), w[w > 0]
        self.number_ = list(table.number)
        self.n_features_in_ = len(table.number)
        self._fit_numbers(table, w)
        self._fit_words(table, w)
        self._name_columns(table)
        return self

    def _name_columns(self, table: Table) -> None:
        number_names = [n for n, is_number in zip(table.names, table.number, strict=True) if is_number]
        word_names = [n for n, is_number in zip(table.names, table.number, strict=True) if not is_number]
        self.names_ = [number_names[j] for j in self.value_columns_]
        self.names_ += [f"{number_names[j]} is missing" for j in self.gap_columns_]
        for name, levels, gap in zip(word_names, self.levels_, self.word_gap_, strict=True):
            shown = levels[1:] if len(levels) == 2 and not gap else levels
            self.names_ += [f"{name}={level}" for level in shown] + ([f"{name} is missing"] if gap else [])
        if not self.names_:  # learners need a column; this one says nothing
            self.names_ = ["(nothing varies)"]
        self.n_out_ = len(self.names_)

    def _fit_numbers(self, table: Table, w: Floats) -> None:
        A = table.numbers
        gap = np.isnan(A)
        some = gap.any(axis=0)
        filled = np.where(gap, 0.0, A)
        total = w @ ~gap
        safe = np.maximum(total, 1e-300)
        mean = w @ filled / safe
        spread = np.where(gap, 0.0, filled - mean)
        scale = np.sqrt(w @ spread**2 / safe)
        low = np.where(gap, np.inf, A).min(axis=0, initial=np.inf)
        high = np.where(gap, -np.inf, A).max(axis=0, initial=-np.inf)
        full = total > 0
        varies = full & (high - np.where(full, low, 0.0) > 1e-12 * np.maximum(np.abs(high), np.abs(low)))
        self.value_columns_ = np.flatnonzero(varies)
        self.gap_columns_ = np.flatnonzero(some & full)
        self.mean_, self.scale_ = mean[varies], scale[varies]
        fill = mean.copy()
        for j in np.flatnonzero(some & varies):
            seen = ~gap[:, j]
            fill[j] = weighted_median(A[seen, j], w[seen])
        # Gaps may turn up at prediction in columns that were full in training: they get the mean.
        self.fill_ = fill[varies]

    def _fit_words(self, table: Table, w: Floats) -> None:
        counts = [
            np.asarray(np.bincount(table.codes[:, j] + 1, w, minlength=len(words) + 1), dtype=np.float64)
            for j, words in enumerate(table.levels)
        ]
        self._keep_levels(table.levels, counts)

    def _keep_levels(self, levels: list[list[str]], counts: list[Floats]) -> None:
        """Choose the levels by their weights; the first weight is that of a missing word."""
        self.levels_: list[list[str]] = []
        self.word_gap_: list[bool] = []
        for words, weight in zip(levels, counts, strict=True):
            seen = [i for i in range(len(words)) if weight[i + 1] > 0]
            seen = sorted(sorted(seen, key=lambda i: -weight[i + 1])[: self.max_levels])
            gap = bool(weight[0] > 0) and len(seen) > 0
            # One level and no gap says nothing.
            self.levels_.append([words[i] for i in seen] if len(seen) > 1 or gap else [])
            self.word_gap_.append(gap)

    def transform(self, X: Any) -> Floats:
        """Encode rows (n, p) as (n, n_out_) float64."""
        check_is_fitted(self)
        table = Table.of(X, self.number_)
        if len(table.number) != self.n_features_in_:
            raise InputError(
                f"X has {len(table.number)} features, but TableEncoder is expecting {self.n_features_in_}."
            )
        A = table.numbers
        values = A[:, self.value_columns_]
        gap = np.isnan(values)
        if gap.any():
            values = np.where(gap, self.fill_, values)
        blocks = [(values - self.mean_) / self.scale_]
        if len(self.gap_columns_):
            blocks.append(np.isnan(A[:, self.gap_columns_]).astype(float))
        for j, (levels, with_gap) in enumerate(zip(self.levels_, self.word_gap_, strict=True)):
            if levels:
                blocks.append(_spread(table.codes[:, j], table.levels[j], levels, with_gap))
        out = np.hstack(blocks)
        return out if out.shape[1] else np.zeros((len(out), 1))

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names of the columns made."""
        return np.asarray(self.names_, dtype=object)


def _spread(code: NDArray[np.intp], words: list[str], levels: list[str], with_gap: bool) -> Floats:
    place = {w: i for i, w in enumerate(levels)}
    if len(levels) == 2 and not with_gap:
        rows = np.array([(-0.5, 0.5)[place[w]] if w in place else 0.0 for w in words] + [0.0])
        return np.asarray(rows[code][:, None])
    rows = np.zeros((len(words) + 1, len(levels) + with_gap))
    for i, w in enumerate(words):
        if w in place:
            rows[i, place[w]] = 1.0
    if with_gap:
        rows[-1, -1] = 1.0
    return np.asarray(rows[code])


def weighted_median(x: Floats, w: Floats) -> float:
    """Median of x with positive weights; for integer weights the median of the repeated values.

    Examples
    --------
    >>> weighted_median(np.array([1.0, 2.0, 5.0]), np.array([1.0, 1.0, 2.0]))
    3.5
    """
    order = np.argsort(x, kind="stable")
    x, cum = x[order], np.cumsum(w[order])
    half = 0.5 * cum[-1]
    tiny = 1e-9 * cum[-1]
    i = int(np.searchsorted(cum, half - tiny))
    on_edge = abs(cum[i] - half) <= tiny and i + 1 < len(x)
    return float(0.5 * (x[i] + x[i + 1])) if on_edge else float(x[i])
