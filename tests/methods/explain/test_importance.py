from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from medgraft.base import MedgraftError
from medgraft.evidence.metrics import metrics
from medgraft.methods.controls.pooled import Pooled
from medgraft.methods.explain.importance import deal, permutation_importance
from samples import two_sites


@pytest.fixture(scope="module")
def fitted():
    frame = two_sites(n=(100, 60))
    X = frame[["colour", "x1", "x2", "x3"]]
    return Pooled().fit(X.iloc[:100], frame["ill"].iloc[:100]), X.iloc[100:], frame["ill"].to_numpy()[100:]


def test_the_loss_is_the_metric_s_fall_over_the_deals(fitted):
    m, X, y = fitted
    found = {i.column: i for i in permutation_importance(m, X, y, repeats=3, n_boot=200)}
    codes = (y == "yes").astype(int)
    plain = metrics["auroc"].value(codes, m.predict_proba(X))
    for column in X:
        dealt = []
        for r in range(3):
            rows = deal(np.arange(len(X)), np.random.default_rng([0, r]))
            other = X.reset_index(drop=True).copy()
            other[column] = other[column].to_numpy()[rows]
            dealt.append(metrics["auroc"].value(codes, m.predict_proba(other)))
        assert found[column].loss == pytest.approx(plain - np.mean(dealt), abs=1e-9)
        assert found[column].lo <= found[column].loss <= found[column].hi
    assert next(iter(found)) == "x1" and found["x1"].lo > 0
    assert found["x1"].comparison.verdict == "helps"


def test_an_error_s_loss_is_positive_where_the_column_helps():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(80, 2)), columns=["dose", "noise"])
    m = Pooled(task="regression").fit(X, 3 * X["dose"])
    dose, noise = permutation_importance(m, X, 3 * X["dose"], metric="mae", n_boot=200)
    assert dose.column == "dose" and 0 < dose.lo < dose.loss < dose.hi
    assert abs(noise.loss) < 1e-2


def test_patients_are_dealt_out_with_all_their_rows():
    rng = np.random.default_rng(0)
    who = np.array([2, 0, 1, 1, 0, 2, 2, 3, 3])
    for seed in range(20):
        rows = deal(who, np.random.default_rng(seed))
        given = {g: set(who[rows[who == g]]) for g in range(4)}
        assert all(len(one) == 1 for one in given.values())  # each patient's values come from one patient
        assert sorted(next(iter(one)) for one in given.values()) == [0, 1, 2, 3]
    assert rng.random() < 1


def test_intervals_are_over_patients_not_rows(fitted):
    m, X, y = fitted
    X2, y2, who = pd.concat([X, X]), np.r_[y, y], np.tile(np.arange(len(X)), 2)
    (once, *_), (twice, *_) = (
        permutation_importance(m, X, y, n_boot=500),
        permutation_importance(m, X2, y2, group=who, n_boot=500),
    )
    assert twice.comparison.n_groups == len(X)
    assert twice.hi - twice.lo == pytest.approx(once.hi - once.lo, rel=0.25)
    wrong = permutation_importance(m, X2, y2, n_boot=500)[0]
    assert wrong.hi - wrong.lo < 0.85 * (once.hi - once.lo)


def test_labels_that_the_model_does_not_know_are_refused(fitted):
    m, X, y = fitted
    with pytest.raises(MedgraftError, match="no class 'maybe'"):
        permutation_importance(m, X, np.where(y == "yes", "maybe", y))
    with pytest.raises(MedgraftError, match="3 labels for 60 rows"):
        permutation_importance(m, X, y[:3])
    with pytest.raises(MedgraftError, match="'group' has shape"):
        permutation_importance(m, X, y, group=[1])
