"""What a figure gains by learning outside the folds: chronic kidney disease, and patients of pure noise.

    python benchmarks/selection_optimism.py [--data FOLDER] [--seeds 20] [--repeats 5]

FOLDER holds UCI's chronic kidney disease as ckd.csv (doi:10.24432/C5G020; empty cells are gaps). Every pair
of figures is of the same learner on the same folds of patients, tested on the same real patients; in the
honest one filling gaps, scaling, selection, resampling and tuning see the training part alone, in the leaky
one they, or the one named, have seen everybody. In the leaky resampling a held-out patient is still not in
the training part, only the rows made from him or her are. Noise: 100 patients, 5,000 independent normal
features, labels drawn by lot, so that the truth is an AUROC and a balanced accuracy of .5; the learner is
ridge regression on 0/1 labels. Intervals: 95 % for the mean over seeds (Student's t). SMOTE needs
imbalanced-learn and is left out without it.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier, VotingClassifier
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_limits

from medgraft.base import MedgraftError
from medgraft.methods import entries
from medgraft.methods.encode import TableEncoder
from medgraft.methods.learner import LogisticLearner
from medgraft.methods.prepare import steps
from medgraft.methods.ridge import RidgePath
from medgraft.methods.splits import inner_folds

Figures = tuple[float, float]  # AUROC and balanced accuracy


class Keep(ClassifierMixin, BaseEstimator):
    """A learner that only keeps what it is given: the rows that a step makes."""

    def fit(self, X: Any, y: Any) -> Keep:
        self.rows_, self.classes_, self.y_ = X, np.unique(y), y
        return self

    def predict_proba(self, X: Any) -> Any:
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))


def made(step: str, X: Any, y: Any, seed: int) -> tuple[Any, Any]:
    """Rows and labels that a step hands to its learner."""
    kept = steps[step].cls(estimator=Keep(), random_state=seed).fit(X, y).learner_
    return kept.rows_, kept.y_


def folds(y: Any, seed: int, k: int = 5) -> Iterator[tuple[Any, Any]]:
    fold = inner_folds(np.arange(len(y)), k=k, seed=seed, stratum=y)
    for f in range(k):
        yield np.flatnonzero(fold != f), np.flatnonzero(fold == f)


def crossed(y: Any, seed: int, fit: Callable[[Any, Any], Any]) -> Any:
    """Probability of class 1 for every patient, each predicted by the other folds."""
    p = np.empty(len(y))
    for train, test in folds(y, seed):
        p[test] = fit(train, test)
    return p


class Line(ClassifierMixin, BaseEstimator):
    """Ridge regression on 0/1 labels in closed form; its value, bent by a logistic curve, as probability."""

    def __init__(self, penalty: float = 10.0) -> None:
        self.penalty = penalty

    def fit(self, X: Any, y: Any) -> Line:
        self.classes_ = np.array([0, 1])
        self.b_, self.c_ = RidgePath.of(X, y.astype(float), np.ones(len(y))).coef(self.penalty)
        return self

    def predict_proba(self, X: Any) -> Any:
        p = expit(4.0 * (X @ self.b_ + self.c_ - 0.5))
        return np.column_stack([1 - p, p])


def figures(y: Any, p: Any) -> Figures:
    return float(roc_auc_score(y, p)), float(balanced_accuracy_score(y, p > 0.5))


# Noise ------------------------------------------------------------------------------------------------


def best(X: Any, y: Any, k: int) -> Any:
    """Columns with the largest F statistic."""
    return np.argsort(-f_classif(X, y)[0])[:k]


def proba(learner: Any, X: Any, y: Any, new: Any) -> Any:
    return learner.fit(X, y).predict_proba(new)[:, 1]


def selection(X: Any, y: Any, seed: int) -> tuple[Figures, Figures]:
    """The 20 best of all features."""
    seen = best(X, y, 20)

    def leaky(train: Any, test: Any) -> Any:
        return proba(Line(), X[np.ix_(train, seen)], y[train], X[np.ix_(test, seen)])

    def honest(train: Any, test: Any) -> Any:
        own = best(X[train], y[train], 20)
        return proba(Line(), X[np.ix_(train, own)], y[train], X[np.ix_(test, own)])

    return figures(y, crossed(y, seed, leaky)), figures(y, crossed(y, seed, honest))


def resampling(step: str) -> Callable[[Any, Any, int], tuple[Figures, Figures]]:
    def both(X: Any, y: Any, seed: int) -> tuple[Figures, Figures]:
        rows, labels = made(step, X, y, seed)

        def leaky(train: Any, test: Any) -> Any:
            held = {row.tobytes() for row in X[test]}
            rest = np.array([row.tobytes() not in held for row in rows])
            return proba(Line(), rows[rest], labels[rest], X[test])

        def honest(train: Any, test: Any) -> Any:
            learner = steps[step].cls(estimator=Line(), correct=False, random_state=seed)
            return proba(learner, X[train], y[train], X[test])

        return figures(y, crossed(y, seed, leaky)), figures(y, crossed(y, seed, honest))

    return both


def tuning(X: Any, y: Any, seed: int) -> tuple[Figures, Figures]:
    """The best of 42 settings, selection itself being inside the folds in both."""
    grid = [(k, lam) for k in (5, 10, 20, 50, 100, 200) for lam in 10.0 ** np.arange(-1, 6)]

    def all_settings(A: Any, b: Any, seed: int) -> Any:
        p = np.empty((len(grid), len(b)))
        for train, test in folds(b, seed):
            order = best(A[train], b[train], 200)
            for i, (k, lam) in enumerate(grid):
                if i == 0 or k != grid[i - 1][0]:
                    path = RidgePath.of(
                        A[np.ix_(train, order[:k])], b[train].astype(float), np.ones(len(train))
                    )
                slope, level = path.coef(lam)
                p[i, test] = A[np.ix_(test, order[:k])] @ slope + level
        return p

    def chosen(p: Any, b: Any) -> int:
        return int(np.argmax([roc_auc_score(b, q) for q in p]))

    p = all_settings(X, y, seed)

    def honest(train: Any, test: Any) -> Any:
        k, lam = grid[chosen(all_settings(X[train], y[train], seed), y[train])]
        use = best(X[train], y[train], k)
        return proba(Line(lam), X[np.ix_(train, use)], y[train], X[np.ix_(test, use)])

    return figures(y, p[chosen(p, y)]), figures(y, crossed(y, seed, honest))


def noise(seeds: int, n: int = 100, p: int = 5000) -> None:
    print(f"\nPure noise: {n} patients, {p} features, {seeds} seeds; mean [95 % interval of the mean]")
    print(f"{'outside the folds':26s} ill   figure     leaky                honest               optimism")
    for name, ill, both in (
        ("selection of 20", n // 2, selection),
        ("selection of 20", n // 5, selection),
        ("ROSE", n // 5, resampling("rose")),
        ("SMOTE", n // 5, resampling("smote")),
        ("tuning (best of 42)", n // 2, tuning),
    ):
        pairs = []
        for seed in range(seeds):
            rng = np.random.default_rng(seed)
            X, y = rng.normal(size=(n, p)), rng.permutation((np.arange(n) < ill).astype(int))
            try:
                pairs.append(both(X, y, seed))
            except MedgraftError as error:
                print(f"{name:26s} left out: {error}")
                break
        if len(pairs) < seeds:
            continue
        values = np.array(pairs)  # (seeds, leaky/honest, AUROC/accuracy)
        for j, what in enumerate(("AUROC", "bal. acc.")):
            leak, own = values[:, 0, j], values[:, 1, j]
            row = "  ".join(mean_of(v) for v in (leak, own, leak - own))
            print(f"{name if j == 0 else '':26s} {ill if j == 0 else '':3}   {what:9s}  {row}")


def mean_of(v: Any) -> str:
    half = stats.t.ppf(0.975, len(v) - 1) * v.std(ddof=1) / np.sqrt(len(v)) if len(v) > 1 else 0.0
    return f"{v.mean():.3f} [{v.mean() - half:.3f}, {v.mean() + half:.3f}]"


# Chronic kidney disease -------------------------------------------------------------------------------


def vote(seed: int) -> Any:
    trees = {"n_estimators": 200, "random_state": seed, "n_jobs": 1}
    return VotingClassifier(
        [("rf", RandomForestClassifier(**trees)), ("et", ExtraTreesClassifier(**trees))], voting="soft"
    )


def selected(seed: int) -> Any:
    return make_pipeline(SelectKBest(k=10), LogisticLearner(penalties=[1.0]))


def logistic(seed: int) -> Any:
    return LogisticLearner(random_state=seed)


def ckd(folder: Path, repeats: int) -> None:
    table = pd.read_csv(folder / "ckd.csv")
    y = (table.pop("class") == "ckd").to_numpy(dtype=int)
    print(f"\nChronic kidney disease: {len(y)} patients ({y.sum()} ill), {table.shape[1]} columns, ", end="")
    print(
        f"{int(table.isna().sum().sum())} gaps; errors of {len(y)}, 5 folds, {repeats} repeats: mean (range)"
    )
    print(f"{'arm':44s} leaky           honest          AUROC honest")
    for name, fill, step, learner in (
        ("logistic, tuned", None, None, logistic),
        ("10 columns, logistic", None, None, selected),
        ("KNN filling, logistic, tuned", "knn-impute", None, logistic),
        ("KNN filling, ROSE, logistic", "knn-impute", "rose", logistic),
        ("KNN filling, SMOTE, logistic", "knn-impute", "smote", logistic),
        ("RF + ET vote", None, None, vote),
        ("KNN filling, SMOTE, RF + ET vote", "knn-impute", "smote", vote),
    ):
        try:
            runs = [one_repeat(table, y, fill, step, learner, seed) for seed in range(repeats)]
        except MedgraftError as error:
            print(f"{name:44s} left out: {error}")
            continue
        wrong = [[int(((p > 0.5) != y).sum()) for p in pair] for pair in runs]
        leak, own = (np.array(column) for column in zip(*wrong, strict=True))
        auroc = np.mean([roc_auc_score(y, p) for _, p in runs])
        shown = [f"{v.mean():.1f} ({v.min()} to {v.max()})" for v in (leak, own)]
        print(f"{name:44s} {shown[0]:15s} {shown[1]:15s} {auroc:.4f}")
    print("Saturated: both columns are a few patients of 400, so it tells neither methods nor leaks apart.")


def one_repeat(
    table: Any, y: Any, fill: str | None, step: str | None, learner: Any, seed: int
) -> tuple[Any, Any]:
    """Probabilities with everything learnt from all patients first, and with everything inside the folds."""
    target_only = entries["target-only"].cls

    def method(inner: Any) -> Any:
        whole = target_only(estimator=inner, random_state=seed)
        return whole if fill is None else steps[fill].cls(whole, random_state=seed)

    # All patients: filled, scaled and encoded; then selected or resampled; then the folds.
    shown = table if fill is None else method(None).fit(table, y)._features(table)
    Z = TableEncoder().fit_transform(shown)
    if learner is selected:
        Z = SelectKBest(k=10).fit_transform(Z, y)
    rows, labels = (Z, y) if step is None else made(step, Z, y, seed)

    def leaky(train: Any, test: Any) -> Any:
        held = {row.tobytes() for row in Z[test]}
        rest = np.array([row.tobytes() not in held for row in rows])
        last = LogisticLearner(penalties=[1.0]) if learner is selected else learner(seed)
        return proba(last, rows[rest], labels[rest], Z[test])

    def honest(train: Any, test: Any) -> Any:
        inner = learner(seed) if step is None else steps[step].cls(estimator=learner(seed), random_state=seed)
        if step is not None and learner is logistic:
            inner = steps[step].cls(random_state=seed)  # its penalty is chosen on real rows
        model = method(inner).fit(table.iloc[train], y[train])
        return model.predict_proba(table.iloc[test])[:, 1]

    return crossed(y, seed, leaky), crossed(y, seed, honest)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--data", type=Path, help="folder with ckd.csv")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    warnings.simplefilter("ignore")  # a constant column in a fold
    with threadpool_limits(1):  # small matrices: more threads only wait for each other
        if given.data is not None:
            ckd(given.data, given.repeats)
        noise(given.seeds)


if __name__ == "__main__":
    main()
