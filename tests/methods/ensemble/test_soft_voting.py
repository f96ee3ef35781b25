from __future__ import annotations

import numpy as np
import pytest

from medgraft.base import MedgraftError
from medgraft.evidence.metrics import metrics
from medgraft.methods.controls.majority import Majority
from medgraft.methods.controls.pooled import Pooled
from medgraft.methods.ensemble.base import HeldOut
from medgraft.methods.ensemble.soft_voting import SoftVoting, mean_of
from medgraft.methods.learner import LogisticLearner
from medgraft.search import searches


def held(n=300, seed=0):
    """Two members that err independently, and one that knows nothing."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    P = []
    for skill in (1.5, 1.0, 0.0):
        p = 1 / (1 + np.exp(-(skill * (2 * y - 1) + rng.normal(size=n))))
        P.append(np.column_stack([1 - p, p]))
    weight = rng.uniform(0.5, 2, n)
    return HeldOut(np.stack(P, axis=1), y, weight, np.arange(n), np.arange(n) % 3, 2)


def test_equal_weights_give_the_mean_of_the_members():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    y = (X[:, 0] + rng.normal(size=60) > 0).astype(int)
    arms = {"a": Pooled(estimator=LogisticLearner(penalties=[1.0])), "b": Majority()}
    m = SoftVoting(arms).fit(X, y)
    each = [arm.fit(X, y).predict_proba(X) for arm in arms.values()]
    np.testing.assert_allclose(m.predict_proba(X), (each[0] + each[1]) / 2, rtol=1e-14)
    values = SoftVoting({n: type(a)(task="regression") for n, a in arms.items()}, task="regression")
    values.fit(X, X[:, 0])
    told = [type(a)(task="regression").fit(X, X[:, 0]).predict(X) for a in arms.values()]
    np.testing.assert_allclose(values.predict(X), (told[0] + told[1]) / 2, rtol=1e-14)


@pytest.mark.parametrize("search", ["pso", "firefly", "slime-mould", "random"])
def test_searched_weights_come_near_the_best_of_a_grid_and_are_never_worse_than_equal_ones(search):
    h = held()
    m = SoftVoting(weights="search", search=search, budget=150)
    w = m._learn(h, 3)

    def loss(w):
        return metrics["log_loss"].value(h.y, mean_of(h.P, np.asarray(w)), h.weight)

    grid = [(i / 50, j / 50, 1 - (i + j) / 50) for i in range(51) for j in range(51 - i)]
    best, equal = min(map(loss, grid)), loss(np.full(3, 1 / 3))
    assert loss(w) <= equal
    assert loss(w) - best < 0.25 * (equal - best)
    assert w.min() >= 0 and w.sum() == pytest.approx(1.0)


def test_the_same_seed_finds_the_same_weights_and_one_call_keeps_equal_ones():
    h = held()
    a, b = (SoftVoting(weights="search", budget=40, random_state=3)._learn(h, 3) for _ in range(2))
    np.testing.assert_array_equal(a, b)
    np.testing.assert_allclose(SoftVoting(weights="search", budget=1)._learn(h, 3), 1 / 3)


def test_by_metric_searches_the_metric_within_folds():
    h = held()
    asked = []

    def spy(f, space, *, budget, seed, start):
        asked.append(f({"weights": np.full(3, 1 / 3)}))
        return searches["random"].minimise(f, space, budget=budget, seed=seed, start=start)

    m = SoftVoting(weights="search", by="metric", metric="auroc", search="random", budget=5)
    found = pytest.MonkeyPatch()
    found.setattr(
        "medgraft.methods.ensemble.soft_voting.searches", {"random": type("S", (), {"minimise": spy})}
    )
    m._learn(h, 3)
    found.undo()
    p = mean_of(h.P, np.full(3, 1 / 3))
    assert asked == [pytest.approx(-metrics["auroc"].value(h.y, p, h.weight, h.fold))]


def test_words_that_do_not_exist_are_refused():
    X, y = np.arange(20.0)[:, None], np.arange(20) % 2
    for wrong in (
        {"weights": "best"},
        {"weights": "search", "by": "luck"},
        {"weights": "search", "search": "psso"},
    ):
        with pytest.raises(MedgraftError):
            SoftVoting({"a": Pooled(), "b": Majority()}, **wrong).fit(X, y)


def test_weights_are_searched_by_the_metric_of_patients_where_the_trial_is_by_patients():
    patient, row = np.divmod(np.arange(400), 10)
    y = patient % 2
    blurred, sharp = row < 6, patient // 2 % 4 > 0  # right for 6 of 10 rows of each; for all rows of 3 in 4
    P = []
    for right, sure in ((blurred, 0.9), (sharp, 0.97)):
        p = np.where(right == (y == 1), sure, 1 - sure)
        P.append(np.column_stack([1 - p, p]))
    rows = HeldOut(np.stack(P, axis=1), y, np.ones(400), patient, patient % 3, 2)
    weights = {}
    for how in (None, "mean"):
        m = SoftVoting(weights="search", by="metric", metric="accuracy", search="random", budget=40)
        m.set_params(aggregate=how)
        weights[how] = m._learn(rows, 2)
    assert weights[None][1] >= 0.5 > weights["mean"][1]
