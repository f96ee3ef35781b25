import numpy as np
import pytest

from medgraft.base import MedgraftError
from medgraft.evidence.conformal import ConformalSets, cv_plus, cv_plus_sets
from medgraft.evidence.conformal.scores import class_scores


def ridge(x, y):
    slope = (x @ y) / (x @ x + 1)
    return lambda z: slope * z


def crossed(rng, n, m, folds):
    x = rng.normal(size=n + m)
    y = x + rng.normal(size=n + m)
    fold = np.arange(n) % folds
    models = [ridge(x[:n][fold != f], y[:n][fold != f]) for f in range(folds)]
    p = np.array([models[f](v) for f, v in zip(fold, x, strict=False)])
    new = np.stack([g(x[n:]) for g in models], axis=1)
    return y[:n], p, fold, new, y[n:]


@pytest.mark.parametrize("folds", [5, 23])
def test_ends_are_the_order_statistics_of_the_definition(folds):
    y, p, fold, new, _ = crossed(np.random.default_rng(0), 23, 6, folds)
    r = np.abs(y - p)
    found = cv_plus(y, p, fold, new, alpha=0.1)
    for j in range(6):
        low, high = np.sort(new[j, fold] - r), np.sort(new[j, fold] + r)
        assert found[j].tolist() == [low[2 - 1], high[22 - 1]]  # floor(2.4) and ceil(21.6) of 24


def test_intervals_hold_the_truth_as_often_as_promised():
    rng = np.random.default_rng(1)
    hits = []
    for _ in range(300):
        *args, truth = crossed(rng, 30, 10, 5)
        ends = cv_plus(*args, alpha=0.1)
        hits.append(((ends[:, 0] <= truth) & (truth <= ends[:, 1])).mean())
    assert abs(np.mean(hits) - 0.9) < 4 * np.std(hits) / np.sqrt(300) + 0.01
    assert np.mean(hits) >= 0.8


def test_copies_of_a_patients_rows_change_nothing():
    y, p, fold, new, _ = crossed(np.random.default_rng(2), 23, 6, 5)
    i = np.repeat(np.arange(23), np.arange(23) % 3 + 1)
    np.testing.assert_allclose(cv_plus(y[i], p[i], fold[i], new, group=i), cv_plus(y, p, fold, new))


def test_too_few_patients_give_infinite_ends():
    y, p, fold, new, _ = crossed(np.random.default_rng(3), 8, 2, 4)
    assert cv_plus(y, p, fold, new, alpha=0.1).tolist() == [[-np.inf, np.inf]] * 2


@pytest.mark.parametrize("score", ["lac", "aps"])
def test_sets_count_the_scores_that_are_better(score):
    rng = np.random.default_rng(4)
    n, k, folds = 29, 3, 4
    p, new = rng.dirichlet(np.ones(k), n), rng.dirichlet(np.ones(k), (10, folds))
    y, fold = rng.integers(0, k, n), np.arange(n) % folds
    own = class_scores(p, score)[np.arange(n), y]
    found = cv_plus_sets(y, p, fold, new, alpha=0.2, score=score)
    for j in range(10):
        theirs = class_scores(new[j], score)[fold]
        np.testing.assert_array_equal(found[j], (own[:, None] < theirs).sum(axis=0) < 0.8 * 30)


def test_with_one_model_for_all_the_sets_are_those_of_a_split():
    rng = np.random.default_rng(5)
    p, new, y = rng.dirichlet(np.ones(3), 40), rng.dirichlet(np.ones(3), 20), rng.integers(0, 3, 40)
    found = cv_plus_sets(y, p, np.zeros(40, dtype=int), new[:, None], alpha=0.15)
    np.testing.assert_array_equal(found, ConformalSets(0.15).fit(p, y).predict(new))


def test_a_patient_in_two_folds_and_folds_that_do_not_fit_are_refused():
    y, p, fold, new, _ = crossed(np.random.default_rng(6), 20, 2, 4)
    with pytest.raises(MedgraftError, match="several folds"):
        cv_plus(y, p, fold, new, group=np.arange(20) // 2)
    with pytest.raises(MedgraftError, match="from 0 to 2"):
        cv_plus(y, p, fold, new[:, :3])
    with pytest.raises(MedgraftError, match="finite"):
        cv_plus(np.r_[np.nan, y[1:]], p, fold, new)
    with pytest.raises(MedgraftError, match="'new' must be"):
        cv_plus_sets(y > 0, np.full((20, 2), 0.5), fold, new)
