from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from medgraft.base import MedgraftError
from medgraft.methods.controls.pooled import Pooled
from medgraft.methods.feature.combat import Combat
from medgraft.methods.feature.site_scales import Sites, shrunken


def naive(Y, site, X, reference):
    """Parametric empirical Bayes harmonisation with a reference, loop by loop; Y is (features, rows)."""
    Y, names = Y.copy(), sorted(set(site) - {reference})
    D = np.column_stack([np.ones(len(site)), *[(site == s).astype(float) for s in names], X])
    B = np.linalg.solve(D.T @ D, D.T @ Y.T)
    own = site == reference
    pooled = ((Y[:, own] - (D[own] @ B).T) ** 2).mean(axis=1)
    E = D.copy()
    E[:, 1 : 1 + len(names)] = 0
    stand = (E @ B).T
    s = (Y - stand) / np.sqrt(pooled)[:, None]
    for name in names:
        at = site == name
        n = at.sum()
        g_hat, d_hat = s[:, at].mean(axis=1), s[:, at].var(axis=1, ddof=1)
        g_bar, t2 = g_hat.mean(), g_hat.var(ddof=1)
        m, s2 = d_hat.mean(), d_hat.var(ddof=1)
        a, b = (2 * s2 + m**2) / s2, (m * s2 + m**3) / s2
        for f in range(len(Y)):
            g, d = g_hat[f], d_hat[f]
            for _ in range(500):
                g_new = (t2 * n * g_hat[f] + d * g_bar) / (t2 * n + d)
                d_new = (0.5 * ((s[f, at] - g_new) ** 2).sum() + b) / (n / 2 + a - 1)
                g, d = g_new, d_new
            Y[f, at] = (s[f, at] - g) / np.sqrt(d) * np.sqrt(pooled[f]) + stand[f, at]
    return Y


def data(n=(50, 40, 60), q=8, seed=0):
    rng = np.random.default_rng(seed)
    site = np.repeat(["a", "b", "t"], n)
    age = rng.normal(50, 10, len(site)) + 8 * (site == "a")
    A = rng.normal(size=(len(site), q)) + np.outer(age, rng.normal(0, 0.05, q)) + rng.normal(0, 3, q)
    clean = A.copy()
    for name in "ab":
        at = site == name
        A[at] = A[at] * np.exp(rng.normal(0.3, 0.3, q)) + rng.normal(1.0, 1.0, q)
    X = pd.DataFrame(A, columns=[f"g{j}" for j in range(q)]).assign(age=age)
    return X, clean, site, (clean[:, 0] > np.median(clean[:, 0])).astype(int)


def moved(model, X, site):
    """The number columns as the learner saw them: the model's own formula, from what it keeps."""
    model._domain = site
    from medgraft.methods.rows import Rows
    from medgraft.methods.table import Table

    rows = Rows.of(Table.of(X), np.arange(len(site)) % 2, regression=False, domain=site, target="t")
    table = model._harmonised(rows, {X.columns.get_loc("age")} if model.keep else set())
    del model._domain
    return table.numbers


@pytest.mark.parametrize("keep", [(), "age"])
def test_harmonised_rows_agree_with_the_papers_formulas_loop_by_loop(keep):
    X, _, site, y = data()
    model = Combat(keep=keep).fit(X, y, domain=site, target="t")
    ours = moved(model, X, site)
    if keep:
        expected = naive(X.to_numpy()[:, :8].T, site, X[["age"]].to_numpy(), "t").T
        np.testing.assert_allclose(ours[:, :8], expected, rtol=1e-6, atol=1e-6)
        np.testing.assert_array_equal(ours[:, 8], X["age"])
    else:
        expected = naive(X.to_numpy().T, site, np.empty((150, 0)), "t").T
        np.testing.assert_allclose(ours, expected, rtol=1e-6, atol=1e-6)


def test_the_model_is_the_learner_on_the_harmonised_rows_and_target_rows_stay():
    X, _, site, y = data()
    labelled = np.arange(150) < 110
    model = Combat().fit(X, y, domain=site, target="t", labelled=labelled)
    expected = naive(X.to_numpy().T, site, np.empty((150, 0)), "t").T
    np.testing.assert_array_equal(expected[site == "t"], X.to_numpy()[site == "t"])
    plain = Pooled().fit(
        pd.DataFrame(expected, columns=X.columns), y, domain=site, target="t", labelled=labelled
    )
    np.testing.assert_allclose(model.predict_proba(X), plain.predict_proba(X), rtol=1e-5)


def test_the_rows_of_one_patient_give_a_shift_but_no_scale():
    X, _, site, y = data(n=(12, 40, 60), q=8)
    one = np.where(site == "a", 0, np.arange(112))  # twelve rows, one patient
    model = Combat().fit(X, y, domain=site, target="t", groups=one)
    a = model.sites_.index("a")
    np.testing.assert_array_equal(model.scale_[a], 1.0)
    assert (model.shift_[a] != 0).all() and (model.scale_[1 - a] != 1).all()


def test_a_column_that_one_target_patient_has_is_left_alone():
    X, _, site, y = data()
    X.loc[(site == "t") & (np.arange(150) > 92), "g0"] = np.nan  # three rows left, of one patient
    people = np.where((site == "t") & (np.arange(150) <= 92), -1, np.arange(150))
    model = Combat().fit(X, y, domain=site, target="t", groups=people)
    assert (model.shift_[:, 0] == 0).all() and (model.scale_[:, 0] == 1).all()
    assert (model.shift_[:, 1] != 0).all()
    alone = Combat().fit(X, y, domain=site, target="t", groups=np.where(site == "t", -1, np.arange(150)))
    assert "two different target patients" in alone.note_


def test_planted_shifts_and_scales_are_found():
    rng = np.random.default_rng(1)
    q, site = 40, np.repeat(["a", "b", "t"], 4000)
    A = rng.normal(size=(12_000, q)) * rng.uniform(0.5, 4, q) + rng.normal(0, 5, q)
    sd = A[8000:].std(axis=0)
    shift, scale = rng.normal(0.5, 1, (2, q)), rng.uniform(0.5, 2, (2, q))
    centre = A[8000:].mean(axis=0)
    for k, name in enumerate("ab"):
        at = site == name
        A[at] = (A[at] - centre) * scale[k] + centre + shift[k] * sd
    model = Combat().fit(A, rng.random(12_000) < 0.5, domain=site, target="t")
    order = [model.sites_.index(name) for name in "ab"]
    np.testing.assert_allclose(model.shift_[order], shift, atol=0.15)  # four standard errors
    np.testing.assert_allclose(model.scale_[order], scale, rtol=0.07)


def test_a_kept_column_that_differs_between_sites_keeps_its_effect():
    rng = np.random.default_rng(2)
    site = np.repeat(["a", "t"], 3000)
    age = rng.normal(size=6000) + 1.5 * (site == "a")
    A = np.column_stack([2 * age + rng.normal(size=6000), -age + rng.normal(size=6000)])
    X = pd.DataFrame(A, columns=["u", "v"]).assign(age=age)
    y = rng.random(6000) < 0.5
    kept = Combat(keep=["age"]).fit(X, y, domain=site, target="t")
    lost = Combat().fit(X, y, domain=site, target="t")
    np.testing.assert_allclose(kept.shift_[0], 0.0, atol=0.1)  # the sites' scanners are the same
    assert np.abs(lost.shift_[0]).min() > 0.8  # their patients are not


def test_gaps_stay_gaps_and_each_column_uses_the_rows_that_have_it():
    X, _, site, _ = data()
    A = X.to_numpy()[:, :8]
    code = np.searchsorted(["a", "b"], site) + 1
    code[site == "t"] = 0
    holes = A.copy()
    holes[np.random.default_rng(0).random(A.shape) < 0.2] = np.nan
    both = Sites.of(holes, np.empty((150, 0)), code, np.ones(150), np.arange(150), 2)
    for j in range(8):
        seen = ~np.isnan(holes[:, j])
        alone = Sites.of(
            holes[seen][:, [j]],
            np.empty((seen.sum(), 0)),
            code[seen],
            np.ones(seen.sum()),
            np.arange(seen.sum()),
            2,
        )
        np.testing.assert_allclose(both.alpha[j], alone.alpha[0], rtol=1e-9)
        np.testing.assert_allclose(both.sigma[j], alone.sigma[0], rtol=1e-9)


def test_one_feature_alone_gets_its_own_mean_and_variance():
    z = np.array([1.0, 3.0, 5.0])
    on = np.array([True])
    shift, scale = shrunken(np.array([3.0]), z[None].sum(axis=1), (z[None] ** 2).sum(axis=1), on, on)
    assert shift[0] == pytest.approx(3.0)
    assert scale[0] == pytest.approx(2.0)


def test_sites_of_one_patient_are_shifted_and_not_scaled():
    X, _, site, y = data(n=(1, 40, 60))
    model = Combat().fit(X, y, domain=site, target="t")
    alone = model.sites_.index("a")
    np.testing.assert_array_equal(model.scale_[alone], 1.0)
    assert (model.shift_[alone] != 0).all()


def test_the_label_is_kept_for_labelled_rows_and_no_other_label_is_read():
    X, _, site, y = data(n=(90, 90, 120))
    labelled = (site != "t") | (np.arange(300) % 3 == 0)
    X["g0"] += 3.0 * y
    a = Combat(keep_label=True).fit(X, y, domain=site, target="t", labelled=labelled)
    hidden = np.where(labelled, y, 7)
    b = Combat(keep_label=True).fit(X, hidden, domain=site, target="t", labelled=labelled)
    np.testing.assert_array_equal(a.predict_proba(X), b.predict_proba(X))
    without = Combat().fit(X, y, domain=site, target="t", labelled=labelled)
    assert np.abs(a.shift_ - without.shift_).max() > 0.01
    nobody = Combat(keep_label=True).fit(X, y, domain=site, target="t", labelled=site != "t")
    assert "No target patient has a label" in nobody.note_


def test_the_label_that_is_kept_is_a_column_that_is_kept():
    X, _, site, y = data()
    by_label = Combat(keep_label=True).fit(X.drop(columns="age"), y, domain=site, target="t")
    frame = X.drop(columns="age").assign(age=y.astype(float))
    by_column = Combat(keep="age").fit(frame, y, domain=site, target="t")
    np.testing.assert_allclose(by_label.shift_, by_column.shift_[:, :8], atol=1e-8)
    np.testing.assert_allclose(by_label.scale_, by_column.scale_[:, :8], rtol=1e-8)


def test_a_kept_column_that_goes_by_site_is_said():
    X, _, site, y = data()
    model = Combat(keep="age;sex").fit(
        X.assign(sex=np.where(site == "a", "f", "m")), y, domain=site, target="t"
    )
    assert "goes by site" in model.note_
    assert Combat(keep="age").fit(X, y, domain=site, target="t").note_ == ""


def test_an_unknown_column_to_keep_is_an_error():
    X, _, site, y = data()
    with pytest.raises(MedgraftError, match="keep 'sex', but the columns are g0"):
        Combat(keep="sex").fit(X, y, domain=site, target="t")
