"""Shapley transfer, step by step against plain computations."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from medgraft.methods.controls.target_only import TargetOnly
from medgraft.methods.instance.shapley import knn_shapley
from medgraft.methods.instance.shapley_game import PROPORTIONS
from medgraft.methods.instance.shapley_transfer import ShapleyTransfer
from medgraft.methods.learner import RidgeLearner
from medgraft.methods.splits import inner_folds
from medgraft.methods.table import InputError


def sites(n_sites=5, n=30, seed=0, noise=0.3):
    """Sites whose rule turns round step by step from like to unlike; the target is like the first."""
    rng = np.random.default_rng(seed)
    site = np.repeat([f"s{i}" for i in range(n_sites)] + ["t"], n)
    slope = np.repeat(np.r_[np.linspace(1, -1, n_sites), 1.0], n)
    X = rng.normal(size=(len(site), 2))
    return X, slope * X[:, 0] + noise * rng.normal(size=len(site)), site


def fitted(**settings):
    X, y, site = sites()
    return ShapleyTransfer(task="regression", **settings).fit(X, y, domain=site, target="t"), X, y, site


def test_values_are_those_of_the_closed_form_and_sites_sum_them():
    m, X, y, site = fitted()
    Z, own = m.encoder_.transform(X), site == "t"
    centre = y[own].mean()
    values = knn_shapley(Z[~own], y[~own] - centre, Z[own], y[own] - centre, n_neighbours=5, regression=True)
    np.testing.assert_allclose(m.values_[~own], values, atol=1e-12)
    assert np.isnan(m.values_[own]).all()
    for name, worth in m.site_values_.items():
        assert worth == pytest.approx(m.values_[site == name].sum())


def test_the_rows_taken_are_the_most_valuable_share_of_the_sites_worth_something():
    m, _, _, site = fitted()
    good = [name for name, worth in m.site_values_.items() if worth > 0]
    pool = np.flatnonzero(np.isin(site, good))
    order = pool[np.argsort(-m.values_[pool])]
    taken = order[: int(np.ceil(m.proportion_ * len(order) - 1e-9))]
    assert set(np.flatnonzero((m.weights_ > 0) & (site != "t"))) == set(taken.tolist())
    assert (m.weights_[site == "t"] == 1).all()


def test_losses_are_those_of_an_independent_loop():
    m, X, y, site = fitted(estimator=RidgeLearner(penalties=[1.0]))
    Z, own = m.encoder_.transform(X), np.flatnonzero(site == "t")
    src = np.flatnonzero(site != "t")
    patient = [f"p{i:03d}" for i in range(len(y))]
    m = m.fit(X, y, domain=site, target="t", groups=patient)
    fold = inner_folds(np.arange(len(own)), k=5, seed=0)
    total = np.zeros(11)
    for f in range(5):
        train, held = own[fold != f], own[fold == f]
        c = y[train].mean()
        v = knn_shapley(Z[src], y[src] - c, Z[train], y[train] - c, n_neighbours=5, regression=True)
        keep = [s for s in np.unique(site[src]) if v[site[src] == s].sum() > 0]
        order = sorted((i for i in range(len(src)) if site[src[i]] in keep), key=lambda i: -v[i])
        for j, p in enumerate(PROPORTIONS):
            rows = np.r_[train, src[order[: int(np.ceil(p * len(order) - 1e-9))]]]
            model = RidgeLearner(penalties=[1.0]).fit(Z[rows], y[rows])
            total[j] += np.abs(model.predict(Z[held]) - y[held]).sum()
    np.testing.assert_allclose(m.losses_, total, rtol=1e-9)


def test_with_times_a_patient_followed_for_long_is_never_on_both_sides():
    X, y, site = sites(n_sites=2)
    own = np.flatnonzero(site == "t")
    day, patient = np.zeros(len(y)), np.arange(len(y))
    patient[own] = 1000 + np.arange(30) // 6
    day[own] = np.tile(np.arange(6), 5) + 2.0 * (np.arange(30) // 6)  # each starts two days after the other
    frame = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "day": day})
    m = ShapleyTransfer(task="regression", time="day", estimator=RidgeLearner(penalties=[1.0]))
    m.fit(frame, y, domain=site, target="t", groups=patient)
    Z, loss = m.encoder_.transform(frame), 0.0
    for last in range(1, 5):  # nothing transferred: proportion zero
        train = own[patient[own] < 1000 + last]
        held = own[(day[own] > day[train].max()) & (day[own] <= 2 * last + 5)]
        model = RidgeLearner(penalties=[1.0]).fit(Z[train], y[train])
        loss += np.abs(model.predict(Z[held]) - y[held]).sum()
    assert m.losses_[0] == pytest.approx(loss, rel=1e-9)


def test_with_times_the_losses_are_of_forecasts_from_earlier_stretches():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"x": rng.normal(size=60), "day": np.tile(np.arange(20.0), 3)})
    site = np.repeat(["a", "b", "t"], 20)
    y = X["x"].to_numpy() + 0.1 * X["day"].to_numpy() + 0.1 * rng.normal(size=60)
    learner = RidgeLearner(penalties=[1.0])
    m = ShapleyTransfer(task="regression", time="day", estimator=learner).fit(X, y, domain=site, target="t")
    Z, total = m.encoder_.transform(X), 0.0
    for f in range(1, 5):  # nothing transferred: the first of the eleven proportions
        train, held = np.arange(40, 40 + 4 * f), np.arange(40 + 4 * f, 44 + 4 * f)
        model = RidgeLearner(penalties=[1.0]).fit(Z[train], y[train])
        total += np.abs(model.predict(Z[held]) - y[held]).sum()
    np.testing.assert_allclose(m.losses_[0], total, rtol=1e-9)


def test_sites_of_another_sign_of_trend_are_no_players_and_the_nearest_slopes_are_kept():
    t = np.tile(np.arange(10.0), 5)
    slope = np.repeat([1.0, 3.0, 1.2, -1.0, 1.1], 10)
    site = np.repeat(["a", "b", "c", "d", "t"], 10)
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"voice": rng.normal(size=50), "day": t})
    y = slope * t + 0.01 * rng.normal(size=50)
    m = ShapleyTransfer(task="regression", time="day", max_sites=2).fit(X, y, domain=site, target="t")
    assert set(m.site_values_) == {"a", "c"}
    m = ShapleyTransfer(task="regression", time="day").fit(X, y, domain=site, target="t")
    assert set(m.site_values_) == {"a", "b", "c"}


def test_a_source_worth_nothing_leaves_the_targets_own_model():
    X, y, site = sites(n_sites=1, noise=0.01)
    y = np.where(site == "t", y, -y)
    learner = RidgeLearner(penalties=[1.0])
    m = ShapleyTransfer(task="regression", estimator=learner).fit(X, y, domain=site, target="t")
    assert m.site_values_["s0"] < 0
    assert m.proportion_ == 0
    assert m.weights_[site != "t"].sum() == 0
    alone = TargetOnly(task="regression", estimator=learner).fit(
        m.encoder_.transform(X), y, domain=site, target="t"
    )
    off = np.abs(m.predict(X) - alone.predict(m.encoder_.transform(X)))
    assert off.max() < 0.1  # the same rows, on a scale that all sites share


def test_sampled_values_of_sites_rank_them_as_the_closed_form_does():
    knn = fitted()[0].site_values_
    sampled = fitted(value="monte-carlo", estimator=RidgeLearner(penalties=[1.0]))[0].site_values_
    names = sorted(knn)
    assert spearmanr([knn[n] for n in names], [sampled[n] for n in names]).statistic > 0.8


def test_held_out_target_rows_have_no_say_in_the_order(monkeypatch):
    X, y, site = sites()
    seen = []
    from medgraft.methods.instance import shapley_game as module

    def spy(A, b, judges, t, **more):
        seen.append((len(judges), t.copy()))
        return knn_shapley(A, b, judges, t, **more)

    monkeypatch.setattr(module, "knn_shapley", spy)
    ShapleyTransfer(task="regression").fit(X, y, domain=site, target="t")
    assert [n for n, _ in seen] == [30] + [24] * 5


@pytest.mark.parametrize("value", ["knn", "monte-carlo"])
def test_source_rows_of_a_held_out_patient_neither_play_nor_teach(monkeypatch, value):
    X, y, site = sites(n_sites=2, n=20)
    patient = np.array([f"p{i}" for i in range(60)])
    patient[:20] = patient[40:]  # everyone of the target is at the first source, too
    seen = []

    class Spy(RidgeLearner):
        def fit(self, Z, y, sample_weight=None):
            seen.append({tuple(z) for z in Z})
            return super().fit(Z, y, sample_weight=sample_weight)

        def predict(self, Z):
            rows = {tuple(z) for z in Z}
            held = {who[z] for z in rows}
            assert not held & {who[z] for z in seen[-1]}
            return super().predict(Z)

    own = site == "t"
    plain = ShapleyTransfer(task="regression").fit(X, y, domain=site, target="t")
    who = {tuple(z): p for z, p in zip(plain.encoder_.transform(X), patient, strict=True)}
    from medgraft.methods.instance import shapley_game as module

    def spy(A, b, judges, t, **more):
        if len(judges) < own.sum():
            away = set(patient[own]) - {who[tuple(z)] for z in judges}
            assert not away & {who[tuple(z)] for z in A}
        return knn_shapley(A, b, judges, t, **more)

    monkeypatch.setattr(module, "knn_shapley", spy)
    m = ShapleyTransfer(task="regression", estimator=Spy(penalties=[1.0]), value=value, permutations=2)
    m.fit(X, y, domain=site, target="t", groups=patient)
    assert len(m.losses_) == 11
    assert len(seen) > 11


def test_without_target_labels_everybody_is_pooled_and_it_says_so():
    X, y, site = sites()
    m = ShapleyTransfer(task="regression").fit(X, y, domain=site, target="t", labelled=site != "t")
    assert "label" in m.note_


@pytest.mark.parametrize(
    "wrong", [{"max_sites": 0}, {"n_neighbours": 0}, {"value": "guess"}, {"permutations": 1}]
)
def test_senseless_settings_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        fitted(**wrong)
