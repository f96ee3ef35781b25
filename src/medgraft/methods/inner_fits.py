"""Fits inside a training part: predictions of rows that an arm did not learn from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from medgraft.evidence.aggregate import aggregate, aggregate_labels
from medgraft.methods.clock import times
from medgraft.methods.rows import Rows
from medgraft.methods.splits import Floats, Ints, forward_folds, inner_folds, number_again


class Given:
    """What the caller of a guard gave, to be cut by rows; lives only while fitting."""

    def __init__(self, X: Any, y: NDArray[Any], columns: dict[str, NDArray[Any]], target: str | None) -> None:
        self.X, self.y, self.columns, self.target = X, y, columns, target

    def take(self, rows: Ints) -> Any:
        """Features of some rows."""
        return self.X.iloc[rows] if isinstance(self.X, pd.DataFrame) else self.X[rows]

    def fit(self, arm: Any, rows: Ints) -> Any:
        """Fit a clone of an arm on some rows."""
        return self._fit(arm, rows, self.y[rows], {k: v[rows] for k, v in self.columns.items()}, self.target)

    def fit_back(self, arm: Any, taught: Ints, labels: NDArray[Any], others: Ints) -> Any:
        """Fit a clone with the roles exchanged: `taught` rows, labelled so, are the source of `others`."""
        rows = np.r_[taught, others]
        # An unlabelled row's y is never read; any label of the right kind will do.
        y = np.r_[labels, np.repeat(labels[:1], len(others))]
        columns = {k: v[rows] for k, v in self.columns.items() if k not in ("domain", "labelled")}
        here = np.arange(len(rows)) >= len(taught)
        columns |= {"domain": np.where(here, "there", "here"), "labelled": ~here}
        return self._fit(arm, rows, y, columns, "there")

    def _fit(
        self, arm: Any, rows: Ints, y: NDArray[Any], columns: dict[str, NDArray[Any]], target: str | None
    ) -> Any:
        model = clone(arm)
        progress = getattr(arm, "progress", None)
        if progress is not None:  # a callback is no setting, so that clone leaves it behind
            model.progress = progress
        return model.fit(self.take(rows), y, target=target, **columns)


def aligned(model: Any, X: Any, classes: NDArray[Any]) -> Floats:
    """Probabilities of a model laid out over all classes."""
    place = {c: i for i, c in enumerate(classes.tolist())}
    proba = np.asarray(model.predict_proba(X))
    out = np.zeros((len(proba), len(place)))
    out[:, [place[c] for c in model.classes_.tolist()]] = proba
    return out


def _predicted(model: Any, X: Any, rows: Rows) -> Floats:
    return np.asarray(model.predict(X)) if rows.classes is None else aligned(model, X, rows.classes)


def _empty(rows: Rows, n: int) -> Floats:
    return np.full((n, rows.k) if rows.k else n, np.nan)


def out_of_fold(
    given: Given, rows: Rows, at: Ints, fold: Ints, parts: list[int], arm: Any, *, forward: bool = False
) -> Floats:
    """Predict rows `at`, each by a fit without its fold; rows of folds not in `parts` stay NaN.

    Going forward, folds are stretches of time (see `forward_folds`), and a fit is without every patient who
    has a row in this or a later one.
    """
    out = _empty(rows, len(at))
    for f in parts:
        test = at[fold >= f] if forward else at[fold == f]
        # Not only the held-out rows: what else is known of these patients, at any site, goes too.
        model = given.fit(arm, rows.index[~np.isin(rows.units, rows.units[test])])
        out[fold == f] = _predicted(model, given.take(rows.index[at[fold == f]]), rows)
    return out


def there_and_back(given: Given, rows: Rows, at: Ints, fold: Ints, parts: list[int], arm: Any) -> Floats:
    """Predict source rows `at` by a model learned from target rows, which a fit without the fold labelled.

    Circular validation: the arm labels the target's rows, is fitted again with the roles exchanged, and must
    find the way back to labels that it never saw.
    """
    out = _empty(rows, len(at))
    there = rows.index[rows.target]
    for f in parts:
        test = at[fold == f]
        kept = ~np.isin(rows.units, rows.units[test])
        labels = np.asarray(given.fit(arm, rows.index[kept]).predict(given.take(there)))
        back = given.fit_back(arm, there, labels, rows.index[kept & rows.source])
        out[fold == f] = _predicted(back, given.take(rows.index[test]), rows)
    return out


def held_out_folds(
    rows: Rows, at: Ints, k: int, seed: int, time: str | None = None
) -> tuple[Ints, list[int]]:
    """Fold of each of the rows `at`, patients whole, and the folds that are held out in turn.

    One fold (``k=1``) means one split: a quarter is held out. With a column of times, folds are stretches of
    time, of which all but the first are predicted.
    """
    patients = number_again(rows.units[at])
    if time is not None:
        fold = forward_folds(patients, times(rows.table, time)[at])
        return fold, np.unique(fold)[1:].tolist()
    fold = inner_folds(
        patients,
        k=4 if k == 1 else max(k, 1),
        seed=seed,
        stratum=rows.y[at] if rows.k else None,
        weight=rows.weight[at],
    )
    return fold, [0] if k == 1 else np.unique(fold).tolist()


def nothing_to_compare(rows: Rows, at: Ints) -> str:
    """Why held-out rows `at` cannot tell how good an arm is, or an empty string."""
    if not len(at):
        return "no target patient has a label, so that nothing can be compared"
    if rows.k == 1:
        return "all labels are the same"
    if len(np.unique(rows.units[at])) < 2:
        return "one labelled patient is too few to compare by"
    if rows.k and min(len(np.unique(rows.units[at][rows.y[at] == c])) for c in np.unique(rows.y[at])) < 2:
        return "a class has fewer than two labelled patients"
    return ""


def by_patient(
    y: NDArray[Any], preds: dict[str, Floats], told: dict[str, NDArray[Any]], how: str
) -> tuple[NDArray[Any], dict[str, Floats], dict[str, NDArray[Any]]]:
    """Join the rows of each patient (``told["group"]``), who is of one fold and weighs the mean of his rows.

    What else is told is that of the first row.
    """
    group = told["group"]
    first, code, rows = np.unique(group, return_index=True, return_inverse=True, return_counts=True)[1:]
    kept = {k: v[first] for k, v in told.items()}
    kept["weight"] = np.bincount(code.reshape(-1), weights=told["weight"]) / rows
    joined = {k: aggregate(p, group, how) for k, p in preds.items()}
    return aggregate_labels(y, group, how)[0], joined, kept
