"""Why steps stand inside a fit: on pure noise, resampling before the split looks like skill."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import roc_auc_score

from medgraft.methods.controls.pooled import Pooled
from medgraft.methods.prepare.rose import Rose
from medgraft.methods.splits import inner_folds


class Keep(ClassifierMixin, BaseEstimator):
    """A learner that only keeps what it is given."""

    def fit(self, X, y):
        self.classes_, self.rows_, self.y_ = np.unique(y), X, y
        return self

    def predict_proba(self, X):
        return np.full((len(X), 2), 0.5)


def scores(seed, n=64, p=100):
    """AUROC of one learner behind ROSE, fitted inside patient-wise folds and before them."""
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(n, p)), rng.permutation((np.arange(n) < n // 4).astype(int))
    fold = inner_folds(np.arange(n), k=4, seed=seed, stratum=y)
    learner = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.5)
    made = Rose(estimator=Keep(), random_state=seed).fit(X, y).learner_
    inside, before = np.empty(n), np.empty(n)
    for f in range(4):
        train, test = fold != f, fold == f
        model = Pooled(estimator=Rose(estimator=learner, random_state=seed))
        inside[test] = model.fit(X[train], y[train]).predict_proba(X[test])[:, 1]
        before[test] = learner.fit(made.rows_, made.y_).predict_proba(X[test])[:, 1]
    return roc_auc_score(y, inside), roc_auc_score(y, before)


def test_on_noise_steps_inside_the_folds_show_no_skill_and_before_them_they_do():
    inside, before = np.array([scores(seed) for seed in range(12)]).T
    error = inside.std(ddof=1) / np.sqrt(12)
    assert abs(inside.mean() - 0.5) < 3 * error  # the truth is a half
    assert before.min() > 0.8
