"""One-shot forests with weights for each patient: a naive re-implementation, and what it must not do."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from medgraft.methods.encode import TableEncoder
from medgraft.methods.federated.ftrf import FTRF
from medgraft.methods.rows import Rows
from medgraft.methods.sites import Sited
from medgraft.methods.splits import number_again
from medgraft.methods.table import Table


def cohort(seed=0, n=120, m=60, k=0, rule=(1.0, 1.0)):
    """Two sources, of which the second has another rule where x2 > 0, and a target."""
    r = np.random.default_rng(seed)
    X = r.normal(size=(2 * n + m, 3))
    site = np.repeat(["like", "half", "here"], [n, n, m])
    slope = np.where((site == "half") & (X[:, 1] > 0), -rule[0], rule[0])
    value = slope * X[:, 0] + 0.5 * X[:, 1] + 0.4 * r.normal(size=len(X)) + np.where(site == "like", 0.2, 0)
    y = value if not k else np.digitize(value, np.linspace(-0.5, 0.5, k - 1))
    return X, y, site


def naive(X, y, site, k, trees, leaf, new):
    """The docstring's formulas for one new patient at a time, with scikit-learn's trees."""

    def grow(Z, y, w, units):
        r = np.random.default_rng(0)
        made, seen = [], []
        u = units.max() + 1
        for _ in range(trees):
            drawn = np.bincount(r.integers(u, size=u), minlength=u)[units]
            kind = DecisionTreeClassifier if k else DecisionTreeRegressor
            tree = kind(
                min_samples_leaf=leaf,
                max_features="sqrt" if k else 1 / 3,
                random_state=int(r.integers(2**31)),
            )
            made.append(tree.fit(Z[drawn > 0], y[drawn > 0], sample_weight=(w * drawn)[drawn > 0]))
            seen.append(drawn > 0)
        return made, np.array(seen)

    def say(trees, Z):
        return np.mean([t.predict_proba(Z) if k else t.predict(Z)[:, None] for t in trees], axis=0)

    table = Table.of(X)
    rows = Sited.of(Rows.of(table, y, regression=not k, domain=site, target="here"), site)
    encoders, forests = [], []
    for s in (0, 1, 2):
        at = rows.of_site(s)
        encoders.append(TableEncoder().fit(rows.rows.table.take(at)))
        Z = encoders[s].transform(rows.rows.table.take(at))
        data = Z, rows.rows.y[at], rows.rows.weight[at], number_again(rows.rows.units[at])
        forests.append((data, *grow(*data)))
    (Z0, y0, _, _), own, seen = forests[0]
    raw = rows.rows.table.take(rows.of_site(0)).numbers
    p = np.stack([say(f[1], e.transform(raw)) for e, f in zip(encoders, forests, strict=True)], axis=1)
    for i in range(len(y0)):
        p[i, 0] = say([t for t, s in zip(own, seen, strict=True) if not s[i]], Z0[[i]])[0]
    aim = np.eye(k)[y0] if k else y0[:, None]

    def predict(x, pull):
        near = np.zeros(len(y0))
        for t in own:
            same = t.apply(Z0.astype(np.float32)) == t.apply(
                encoders[0].transform(x[None]).astype(np.float32)
            )
            near += same / same.sum() / trees
        near = np.full(len(y0), 1 / len(y0)) if np.isinf(pull) else near + pull / len(y0)

        def loss(w):
            return sum(a * np.sum((t - w @ q) ** 2) for a, t, q in zip(near, aim, p, strict=True))

        out = minimize(
            loss,
            np.full(3, 1 / 3),
            bounds=[(0, 1)] * 3,
            constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
            options={"ftol": 1e-15, "maxiter": 300},
        )
        f = np.stack([say(f[1], e.transform(x[None]))[0] for e, f in zip(encoders, forests, strict=True)])
        return out.x, out.x @ f, loss(out.x)

    return [predict, rows]


@pytest.mark.parametrize("k", [0, 3])
@pytest.mark.parametrize("pull", [np.inf, 0.1])
def test_weights_and_predictions_are_those_of_the_formulas(k, pull):
    X, y, site = cohort(n=40, m=30, k=k)
    m = FTRF(task="multiclass" if k else "regression", trees=12).fit(X, y, domain=site, target="here")
    assert m.transferred_
    m.learner_.pull = pull
    new = np.random.default_rng(5).normal(size=(6, 3))
    predict, rows = naive(X, y, site, k, 12, 5, new)
    ours = m.predict_proba(new) if k else m.predict(new)[:, None]
    weights = m.learner_.weights(m.encoder_.transform(new))
    for x, a, w in zip(new, ours, weights, strict=True):
        w_naive, out, _ = predict(x, pull)
        np.testing.assert_allclose(w, w_naive, atol=2e-4)
        np.testing.assert_allclose(a, out[np.argsort(rows.classes)] if k else out, atol=1e-4)


def test_weights_differ_where_a_site_is_right_only_for_some_patients():
    X, y, site = cohort(n=400, m=60, rule=(2.0, 1.0))
    y = y + 6.0 * (X[:, 1] > 0)  # so that the target's leaves tell these patients from the others
    keep = site != "like"
    m = FTRF(task="regression", trees=60).fit(X[keep], y[keep], domain=site[keep], target="here")
    new = np.random.default_rng(1).normal(size=(400, 3))
    new[:, 1] = np.where(np.arange(400) < 200, 1.0, -1.0)
    w = m.learner_.weights(m.encoder_.transform(new))[:, 1]
    assert m.pull_ < np.inf
    assert w[200:].mean() > w[:200].mean() + 0.2


def test_the_targets_forest_alone_is_kept_when_no_mixture_is_better():
    r, kept = np.random.default_rng(0), 0
    for seed in range(6):
        X, y, site = cohort(seed=seed, n=60, m=80)
        y = np.where(site == "here", y, 20 * r.normal(size=len(y)))
        m = FTRF(task="regression", trees=20, random_state=seed).fit(X, y, domain=site, target="here")
        alone = FTRF(task="regression", trees=20, random_state=seed).fit(X[site == "here"], y[site == "here"])
        if not m.transferred_:
            kept += 1
            assert m.gain_ < 0 and "alone" in m.note_
            np.testing.assert_array_equal(m.predict(X), alone.predict(X))
        else:
            assert m.sites_["here"]["weight"] > 0.9
    assert kept >= 1


def test_on_average_it_is_no_worse_than_the_target_alone_and_better_with_a_like_site():
    for helpful in (True, False):
        gain = []
        for seed in range(5):
            X, y, site = cohort(seed=seed, n=150, m=240)
            if not helpful:
                y = np.where(site == "here", y, -y)
            train = np.r_[:340, :0]
            m = FTRF(task="regression", trees=40).fit(X[train], y[train], domain=site[train], target="here")
            own = np.arange(300, 340)
            alone = FTRF(task="regression", trees=40).fit(X[own], y[own])
            test = np.arange(340, 540)
            gain.append(
                1
                - np.mean((y[test] - m.predict(X[test])) ** 2)
                / np.mean((y[test] - alone.predict(X[test])) ** 2)
            )
        assert np.mean(gain) > (0.1 if helpful else -0.05)


def test_the_error_of_the_gain_is_that_of_a_mean_over_patients():
    X, y, site = cohort(m=30)
    here = np.flatnonzero(site == "here")
    patient = np.arange(len(y))
    patient[here] = here[0] + np.arange(30) // 3  # ten patients of three rows
    m = FTRF(task="regression", trees=10).fit(X, y, domain=site, target="here", groups=patient)
    sited = Sited.of(
        Rows.of(Table.of(X), y, regression=True, domain=site, target="here", groups=patient), site
    )
    rows, at = sited.rows, sited.of_site(0)
    own = rows.encoder(rows.target)
    target = m._target(sited, own.transform(rows.table.take(at)))
    Z = m.encoder_.transform(rows.table.take(at))
    given = [f.predict_values(Z) for f in m.learner_.forests[1:]]
    losses = replace(target, given=given).held_out(0)
    total = losses.sum(axis=0)
    less = losses[:, 0] - losses[:, 1 + total[1:].argmin()]
    won = [less[target.units == u].sum() for u in range(10)]
    assert m.gain_ == pytest.approx(np.mean(won) / 3)
    assert m.gain_error_ == pytest.approx(np.std(won, ddof=1) / np.sqrt(10) / 3)


def test_one_round_and_every_byte_logged():
    X, y, site = cohort()
    m = FTRF(task="regression", trees=10).fit(X, y, domain=site, target="here")
    assert m.rounds_ == 1 and len(m.log_) == 4
    assert m.bytes_ == sum(e["bytes"] for e in m.log_)
    assert set(m.sites_) == {"like", "half", "here"}
    assert m.sites_["like"]["loss"] < m.sites_["half"]["loss"]


def test_too_few_target_labels_give_the_average_of_federated_forests():
    X, y, site = cohort()
    labelled = (site != "here") | (np.arange(len(y)) < 246)
    m = FTRF(task="regression", trees=20).fit(X, y, domain=site, target="here", labelled=labelled)
    assert "averaged" in m.note_ and np.isnan(m.gain_)
    assert len(m.learner_.roots) == 10 + 10 + 1  # of 120, 120 and 6 patients, rounded
