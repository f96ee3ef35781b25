"""How well something that should tell nothing tells the label, for held-out patients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Standard errors from chance: by chance alone once in 300,000 tests.
SURE = 4.5
_FOLDS = 5
_MOST = 4000  # rows are enough to see an effect that matters


@dataclass(frozen=True)
class Agreement:
    """How well predictions of held-out rows agree with their class.

    Attributes
    ----------
    balanced_accuracy : float
        The mean over classes of the share recognised.
    chance : float
        What guessing gives: one over the number of classes.
    best : int
        The class that is told best from all others.
    informedness : float
        Of that class: share of its rows recognised minus share of other rows taken for it; 0 is chance, 1 is
        perfect (Youden 1950).
    z : float
        `informedness` in standard errors under chance; patients count once.
    rows : int
        Rows that were predicted.
    """

    balanced_accuracy: float
    chance: float
    best: int
    informedness: float
    z: float
    rows: int


def agreement(
    features: NDArray[Any], codes: NDArray[np.intp], units: NDArray[np.intp], model: Any = None
) -> Agreement | None:
    """Predict classes from features by five-fold cross-validation, patients kept together.

    Parameters
    ----------
    features : ndarray, (n, p)
        Numbers; NaN is allowed.
    codes : ndarray of int, (n,)
        Classes; rows with -1 are left out, and so are classes of fewer than five patients.
    units : ndarray of int, (n,)
        Rows of one unit are never on both sides.
    model : estimator, optional
        A forest of 40 shallow, balanced trees by default.

    Returns
    -------
    Agreement or None
        None where fewer than two classes have five patients.

    Notes
    -----
    Of more than 4000 rows a random 4000 are taken. The standard error is that of a prediction that does not
    depend on the class, with each class's number of patients; held-out predictions that know nothing agree
    less than that by chance, so the test errs on the safe side.
    """
    keep = _usable(codes, units)
    if keep is None:
        return None
    x, y, unit = features[keep], codes[keep], units[keep]
    levels, y = np.unique(y, return_inverse=True)
    predicted = np.full(len(y), -1)
    for train, test in _folds(y, unit):
        if len(np.unique(y[train])) > 1:
            fitted = (_forest() if model is None else model).fit(x[train], y[train])
            predicted[test] = fitted.predict(x[test])
    known = predicted >= 0
    return _judge(predicted[known], y[known], unit[known], levels)


def _usable(codes: NDArray[np.intp], units: NDArray[np.intp]) -> NDArray[np.intp] | None:
    keep = np.flatnonzero(codes >= 0)
    if len(keep) > _MOST:
        keep = np.sort(np.random.default_rng(0).choice(keep, _MOST, replace=False))
    pairs = np.unique(np.stack([codes[keep], units[keep]], axis=1), axis=0)
    levels, patients = np.unique(pairs[:, 0], return_counts=True)
    enough = levels[patients >= _FOLDS]
    return keep[np.isin(codes[keep], enough)] if len(enough) > 1 else None


def _folds(y: NDArray[np.intp], unit: NDArray[np.intp]) -> Any:
    """Yield training and test rows; units are dealt out class by class."""
    rng = np.random.default_rng(0)
    units, first, inverse = np.unique(unit, return_index=True, return_inverse=True)
    order = rng.permutation(len(units))
    order = order[np.argsort(y[first][order], kind="stable")]
    fold = np.empty(len(units), dtype=int)
    fold[order] = np.arange(len(units)) % _FOLDS
    for k in range(_FOLDS):
        yield np.flatnonzero(fold[inverse] != k), np.flatnonzero(fold[inverse] == k)


def _judge(
    predicted: NDArray[np.intp], y: NDArray[np.intp], unit: NDArray[np.intp], levels: NDArray[np.intp]
) -> Agreement:
    recalls, informed, z = [], [], []
    for k in range(len(levels)):
        own = y == k
        said = predicted == k
        recall, alarm = float(said[own].mean()), float(said[~own].mean())
        n_own, n_other = len(np.unique(unit[own])), len(np.unique(unit[~own]))
        rate = (said.sum() + 1) / (len(y) + 2)
        error = np.sqrt(rate * (1 - rate) * (1 / n_own + 1 / n_other))
        recalls.append(recall)
        informed.append(recall - alarm)
        z.append((recall - alarm) / error)
    best = int(np.argmax(informed))
    return Agreement(
        float(np.mean(recalls)), 1 / len(levels), int(levels[best]), informed[best], float(z[best]), len(y)
    )


def _forest() -> Any:
    from sklearn.ensemble import ExtraTreesClassifier

    return ExtraTreesClassifier(
        40, max_depth=8, min_samples_leaf=2, class_weight="balanced", random_state=0, n_jobs=1
    )


class Levels:
    """Predict the class that a level is most typical of: naive Bayes with one categorical feature.

    Levels that were not seen are taken for the class with most rows.
    """

    def fit(self, x: NDArray[Any], y: NDArray[np.intp]) -> Levels:
        """Count how often each level, (n, 1), comes with each class."""
        self._levels, at = np.unique(x[:, 0], return_inverse=True)
        counts = np.zeros((len(self._levels), int(y.max()) + 1))
        np.add.at(counts, (at.reshape(-1), y), 1)
        total = counts.sum(axis=0)
        self._common = int(total.argmax())
        # A share of each class, so that a rare class counts as much as a common one.
        shares = np.where(total > 0, (counts + 0.5 * (total > 0)) / np.maximum(total, 1), 0)
        self._class = shares.argmax(axis=1)
        return self

    def predict(self, x: NDArray[Any]) -> NDArray[np.intp]:
        """Return the class of each row."""
        at = np.searchsorted(self._levels, x[:, 0]).clip(max=len(self._levels) - 1)
        return np.where(self._levels[at] == x[:, 0], self._class[at], self._common)
