"""Fill gaps from what else is known of a patient, before a method reads the table."""

from __future__ import annotations

import warnings
from abc import ABCMeta, abstractmethod
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_iterative_imputer  # noqa: F401 - IterativeImputer asks for it
from sklearn.impute import IterativeImputer, KNNImputer
from sklearn.tree import DecisionTreeRegressor

from medgraft.methods.pipeline import Pipeline
from medgraft.methods.prepare.registry import step
from medgraft.methods.sites import patients_with
from medgraft.methods.splits import Floats, Ints, number_again, units_of
from medgraft.methods.table import InputError, Table

MAX_PATIENTS = 5_000  # from whom filling is learnt
NEAREST = 30  # other columns that a column is predicted from
MIN_PATIENTS = 3  # behind a kept mean: from that of two, each of them could tell the other's value


class Impute(Pipeline, metaclass=ABCMeta):
    """Base of the steps that fill gaps in number columns, learnt on the training rows alone.

    Derive from it and implement ``_learn_gaps(A, units)`` and ``_fill(A)``, both on columns of mean 0 and
    standard deviation 1 over what was observed. Labels are never read. A column seen in fewer than three
    patients is not filled, and nothing of it is kept: its gaps stay gaps.

    Parameters
    ----------
    estimator : estimator
        A method with ``fit(X, y, *, domain, target, labelled, sample_weight, groups)``.
    mark : bool
        Whether a 0/1 column for each column with gaps goes on to the method, so that being missing stays
        information.
    random_state : int
        Seed of the draw of patients where there are more than 5,000.
    """

    featuriser = None

    def __init__(self, estimator: Any = None, *, mark: bool = True, random_state: int = 0) -> None:
        self.estimator = estimator
        self.mark = mark
        self.random_state = random_state

    def fit(self, X: Any, y: Any, **rows: Any) -> Self:
        """Learn to fill gaps, then fit the method; keywords as in `TransferEstimator.fit`."""
        table = Table.of(X)
        self.number_, A = table.number, table.numbers
        used = _column(rows.get("sample_weight"), len(A))
        used = np.ones(len(A), dtype=bool) if used is None else used > 0
        groups = _column(rows.get("groups"), len(A))
        units = units_of(table.keys(), groups=None if groups is None else groups.astype(str))
        A, units = A[used], units[used]
        seen = ~np.isnan(A)
        self.gaps_ = seen.any(axis=0) & ~seen.all(axis=0)
        A, units = self._some(A, units, table.keys()[used])
        self.columns_ = np.flatnonzero(patients_with(~np.isnan(A), units) >= MIN_PATIENTS)
        A = A[:, self.columns_]
        self.mean_ = np.nanmean(A, axis=0)
        scale = np.nanstd(A, axis=0)
        self.scale_ = np.where(scale > 1e-12 * np.abs(self.mean_), scale, 1.0)
        if len(self.columns_):
            self._learn_gaps((A - self.mean_) / self.scale_, units)
        return super().fit(X, y, **rows)

    def _some(self, A: Floats, units: Ints, keys: NDArray[np.uint64]) -> tuple[Floats, Ints]:
        """Distinct rows of at most 5,000 patients, in an order that belongs to their content."""
        order = np.lexsort([keys, units])
        new = np.r_[True, (np.diff(units[order]) != 0) | (keys[order][1:] != keys[order][:-1])]
        at = order[new[: len(order)]]
        known = np.unique(units[at])
        if len(known) > MAX_PATIENTS:
            drawn = np.random.default_rng(self.random_state).choice(known, MAX_PATIENTS, replace=False)
            at = at[np.isin(units[at], drawn)]
        return A[at], units[at]

    @property
    def n_features_in_(self) -> int:
        """Number of columns of X."""
        self._fitted()  # raises where there was no fit
        return len(self.number_)

    def _features(self, X: Any) -> Any:
        table = Table.of(X, self.number_)
        if len(table.number) != len(self.number_):
            name = type(self).__name__
            raise InputError(
                f"X has {len(table.number)} features, but {name} is expecting {len(self.number_)} "
                "features as input."
            )
        A = table.numbers.copy()
        gap = np.isnan(A)
        rows = np.flatnonzero(gap[:, self.columns_].any(axis=1))
        if len(rows):
            part = A[np.ix_(rows, self.columns_)]
            filled = self._fill((part - self.mean_) / self.scale_) * self.scale_ + self.mean_
            A[np.ix_(rows, self.columns_)] = np.where(np.isnan(part), filled, part)
        marks = gap[:, self.gaps_].astype(float) if self.mark else np.empty((len(A), 0))
        if all(table.number) and not isinstance(X, pd.DataFrame):
            return np.hstack([A, marks])
        return _frame(table, A, marks, np.flatnonzero(self.gaps_))

    @abstractmethod
    def _learn_gaps(self, A: Floats, units: Ints) -> None:
        """Learn from scaled rows A (n, q), NaN where missing, of patients `units` (n,)."""

    @abstractmethod
    def _fill(self, A: Floats) -> Floats:
        """Return scaled rows A (n, q) without gaps where that is possible."""


@step("knn-impute", around="method", refs=("Troyanskaya et al. 2001, doi:10.1093/bioinformatics/17.6.520",))
class KNNImpute(Impute):
    """Fill gaps by the mean of the most similar groups of patients, then run the method.

    Use it when what is missing depends on the other columns in a curved way. Not when being missing says more
    than the value would: the methods alone fill with the median and mark the gap. Only number columns are
    filled; a missing word stays a level of its own.

    Distance is Euclidean over the columns that both have, on scaled columns. A gap becomes the mean of the
    nearest `n_neighbours` donors that have the column.

    Parameters
    ----------
    estimator, mark, random_state
        See `Impute`.
    n_neighbours : int
        Donors that are averaged.
    n_donors : int
        Number of donors, at most.

    Attributes
    ----------
    imputer_ : sklearn.impute.KNNImputer
        Fitted on the donors.
    note_ : str
        What the method fell back to, if it did.

    Notes
    -----
    A donor is the mean of three patients or more that a regression tree of all columns on themselves puts
    together: the patients themselves would have to be kept in the fitted model, and are not. A column that
    fewer than three patients of a donor have is a gap in it; where that is so in every donor, a gap becomes
    the column's mean, and where fewer than three patients in all have it, it stays a gap. A copy of a row
    counts once. At prediction O(n m q) for m donors.

    Examples
    --------
    >>> from medgraft.methods.controls.pooled import Pooled
    >>> X = np.repeat([[0.0, 0.0], [5.0, 9.0]], 30, axis=0) + np.linspace(0, 0.1, 60)[:, None]
    >>> m = KNNImpute(Pooled(), mark=False, n_neighbours=1).fit(X, np.repeat(["well", "ill"], 30))
    >>> m._features([[5.0, np.nan]]).round(0).tolist()
    [[5.0, 9.0]]
    """

    def __init__(
        self,
        estimator: Any = None,
        *,
        mark: bool = True,
        n_neighbours: int = 5,
        n_donors: int = 300,
        random_state: int = 0,
    ) -> None:
        super().__init__(estimator, mark=mark, random_state=random_state)
        self.n_neighbours = n_neighbours
        self.n_donors = n_donors

    def fit(self, X: Any, y: Any, **rows: Any) -> Self:
        """Learn to fill gaps, then fit the method; keywords as in `TransferEstimator.fit`."""
        for name in ("n_neighbours", "n_donors"):
            if not (isinstance(getattr(self, name), int | np.integer) and getattr(self, name) >= 1):
                raise InputError(f"{name} must be a whole number from 1 on, not {getattr(self, name)!r}.")
        return super().fit(X, y, **rows)

    def _learn_gaps(self, A: Floats, units: Ints) -> None:
        people = _means(A, number_again(units))
        together = np.zeros(len(people), dtype=np.intp)
        if self.n_donors > 1:
            # Rounded, because sums in another order may have moved the last digits.
            known = np.round(np.nan_to_num(people), 7)
            tree = DecisionTreeRegressor(
                min_samples_leaf=MIN_PATIENTS, max_leaf_nodes=int(self.n_donors), random_state=0
            )
            together = number_again(tree.fit(known, known).apply(known))
        donors = _means(people, together, MIN_PATIENTS)
        imputer = KNNImputer(n_neighbors=min(int(self.n_neighbours), len(donors)), keep_empty_features=True)
        self.imputer_ = imputer.fit(donors)

    def _fill(self, A: Floats) -> Floats:
        return np.asarray(self.imputer_.transform(A))


@step(
    "iterative-impute",
    around="method",
    refs=("van Buuren and Groothuis-Oudshoorn 2011, doi:10.18637/jss.v045.i03",),
)
class IterativeImpute(Impute):
    r"""Fill gaps by regressions of each column on the others, then run the method.

    Use it when columns are correlated and the relations are straight. Not when being missing says more than
    the value would: the methods alone fill with the median and mark the gap. Only number columns are filled;
    a missing word stays a level of its own.

    It is scikit-learn's IterativeImputer with Bayesian ridge regression: gaps start at the mean, and in up to
    ten rounds each column is predicted by :math:`x_{-j}^\top b_{rj} + c_{rj}` from the others, at most 30 of
    them. It gives one filled table, not several: intervals do not hold the uncertainty of the filling.

    Parameters
    ----------
    estimator, mark, random_state
        See `Impute`.

    Attributes
    ----------
    target_ : array (T,) of int, coef_ : array (T, q), intercept_ : array (T,)
        The regressions in the order in which they are applied: column, coefficients, intercept.

    Notes
    -----
    A copy of a row counts once. Cost O(n q min(q, 30)^2) a round to fit, O(n q) a regression to fill.

    Examples
    --------
    >>> from medgraft.methods.controls.pooled import Pooled
    >>> x = np.linspace(-1, 1, 60)
    >>> m = IterativeImpute(Pooled(), mark=False).fit(np.c_[x, 3 * x + 1], x > 0)
    >>> m._features([[0.5, np.nan]]).round(3).tolist()
    [[0.5, 2.5]]
    """

    def _learn_gaps(self, A: Floats, units: Ints) -> None:
        q = A.shape[1]
        imputer = IterativeImputer(
            n_nearest_features=NEAREST if q > NEAREST + 1 else None, random_state=int(self.random_state)
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            imputer.fit(A)
        # Kept as plain arrays, which a file without code can hold.
        sequence = imputer.imputation_sequence_
        self.target_ = np.array([s.feat_idx for s in sequence], dtype=np.intp)
        self.intercept_ = np.array([s.estimator.intercept_ for s in sequence], dtype=np.float64)
        self.coef_ = np.zeros((len(sequence), q))
        for row, s in zip(self.coef_, sequence, strict=True):
            row[s.neighbor_feat_idx] = s.estimator.coef_

    def _fill(self, A: Floats) -> Floats:
        gap = np.isnan(A)
        out = np.where(gap, 0.0, A)
        for j, coef, intercept in zip(self.target_, self.coef_, self.intercept_, strict=True):
            rows = gap[:, j]
            out[rows, j] = out[rows] @ coef + intercept
        return out


def _means(A: Floats, code: Ints, fewest: int = 1) -> Floats:
    """Means of what is observed, group by group (G, q); NaN where fewer than `fewest` rows of it have it."""
    seen = ~np.isnan(A)
    total, count = np.zeros((code.max() + 1, A.shape[1])), np.zeros((code.max() + 1, A.shape[1]))
    np.add.at(total, code, np.where(seen, A, 0.0))
    np.add.at(count, code, seen)
    return np.where(count >= fewest, total / np.maximum(count, 1.0), np.nan)


def _column(values: Any, n: int) -> NDArray[Any] | None:
    """Values (n,) as an array; None where they are no such thing, of which the method will complain."""
    array = None if values is None else np.asarray(values)
    return array if array is not None and array.shape == (n,) else None


def _frame(table: Table, A: Floats, marks: Floats, gaps: Ints) -> pd.DataFrame:
    """Put filled numbers, words and marks together under the caller's names."""
    at = iter(range(A.shape[1]))
    words = iter(range(len(table.levels)))
    columns: list[Any] = []
    for number in table.number:
        if number:
            columns.append(A[:, next(at)])
        else:
            j = next(words)
            columns.append(np.array([*table.levels[j], None], dtype=object)[table.codes[:, j]])
    names = list(table.names)
    if marks.shape[1]:
        own = [n for n, number in zip(table.names, table.number, strict=True) if number]
        columns += list(marks.T)
        names += [f"{own[j]} is missing" for j in gaps]
    frame = pd.DataFrame(dict(enumerate(columns)))
    frame.columns = pd.Index(names)
    return frame
