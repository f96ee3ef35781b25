"""Multi-view transfer against a naive re-implementation of the published steps, and its views."""

import numpy as np
import pandas as pd
import pytest

from medgraft.methods.model.multi_view import View, laplacian, refine, scores, source_model
from medgraft.methods.model.mvtl_lsr import MVTLLSR, origin, prefix, temperature
from medgraft.methods.table import InputError

rng = np.random.default_rng(0)


def rows(n=40, p=4, k=3, seed=0):
    r = np.random.default_rng(seed)
    code = r.integers(0, k, n)
    X = r.normal(size=(n, p)) + 0.8 * np.eye(k, p)[code]
    return X, code, np.eye(k)[code]


def naive_laplacian(X, code):
    n = len(X)
    W = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            if i != j and code[i] == code[j]:
                W[i, j] = np.exp(-np.sum((X[i] - X[j]) ** 2) / 2)
    return X.T @ (np.diag(W.sum(axis=1)) - W) @ X


def naive_source(X, Y, code, M, turns):
    B = 2 * Y - 1
    L = naive_laplacian(X, code)
    for _ in range(turns):
        A = np.linalg.inv(X.T @ X + 0.01 * L + 0.01 * np.eye(X.shape[1])) @ X.T @ (Y + B * M)
        M = np.maximum(B * (X @ A - Y), 0)
    return A, M


def naive_target(Xs, Y, code, start, lam, gam, eta, sweeps):
    K = len(Xs)
    w = np.full(K, 1 / K)
    for _ in range(sweeps):
        A = [
            np.linalg.inv(w[k] * X.T @ X + lam * naive_laplacian(X, code) + gam * np.eye(X.shape[1]))
            @ (w[k] * X.T @ Y + gam * start[k])
            for k, X in enumerate(Xs)
        ]
        e = np.array([np.exp(-(np.linalg.norm(X @ a - Y) ** 2) / eta) for X, a in zip(Xs, A, strict=True)])
        w = e / e.sum()
    return A, w


def test_the_laplacian_term_is_that_of_a_double_loop_and_takes_weights_as_copies():
    X, code, _ = rows()
    np.testing.assert_allclose(laplacian(X, np.ones(40), code, 0), naive_laplacian(X, code), atol=1e-10)
    w = np.random.default_rng(1).integers(1, 4, 40)
    i = np.repeat(np.arange(40), w)
    np.testing.assert_allclose(
        laplacian(X, w.astype(float), code, 0), naive_laplacian(X[i], code[i]), atol=1e-9
    )


def test_a_drawn_laplacian_is_near_that_of_all_rows():
    X, code, _ = rows(1500, 3)
    a = laplacian(X, np.ones(1500), code, 0)
    b = naive_like(X, code)
    assert np.abs(a - b).max() < 0.1 * np.abs(b).max()


def naive_like(X, code):
    W = np.exp(-((X[:, None] - X[None]) ** 2).sum(axis=2) / 2) * (code[:, None] == code)
    np.fill_diagonal(W, 0)
    return X.T @ (np.diag(W.sum(axis=1)) - W) @ X


def test_the_sources_model_is_that_of_the_published_turns_from_any_start():
    X, code, Y = rows(60)
    one = np.ones(60)
    ours = source_model(X, Y, one, View.of(X, Y, one, code, 0))
    from_zero, M = naive_source(X, Y, code, np.zeros_like(Y), 3000)
    np.testing.assert_allclose(ours, from_zero, atol=1e-6)
    drawn, _ = naive_source(X, Y, code, rng.random(Y.shape), 3000)
    np.testing.assert_allclose(ours, drawn, atol=1e-6)
    assert (M >= 0).all()


@pytest.mark.parametrize("setting", [(0.1, 1.0, 10.0), (10.0, 0.01, 100.0)])
def test_the_targets_models_are_those_of_the_published_sweeps(setting):
    a, code, Y = rows(30, 3)
    b = rows(30, 5, seed=3)[0]
    start = [rng.normal(size=(3, 3)), rng.normal(size=(5, 3))]
    one = np.ones(30)
    models, w = refine([View.of(x, Y, one, code, 0) for x in (a, b)], start, *setting)
    expected, weights = naive_target([a, b], Y, code, start, *setting, sweeps=100)
    np.testing.assert_allclose(w, weights, atol=1e-8)
    for A, B in zip(models, expected, strict=True):
        np.testing.assert_allclose(A, B, atol=1e-8)
    sums = sum(v * x @ A for v, x, A in zip(weights, (a, b), expected, strict=True))
    np.testing.assert_allclose(scores([a, b], models, w), sums, atol=1e-8)


def test_a_huge_pull_gives_the_sources_model_and_none_the_targets_own():
    X, code, Y = rows(50)
    view = View.of(X, Y, np.ones(50), code, 0)
    start = [rng.normal(size=(4, 3))]
    np.testing.assert_allclose(refine([view], start, 0.0, 1e12, 1.0)[0][0], start[0], atol=1e-8)
    own = np.linalg.lstsq(X, Y, rcond=None)[0]
    np.testing.assert_allclose(refine([view], start, 0.0, 0.0, 1.0)[0][0], own, atol=1e-8)


def cohort(n=160, m=40):
    r = np.random.default_rng(0)
    X = pd.DataFrame(r.normal(size=(n + m, 4)), columns=["eeg__a", "eeg__b", "lab.na", "lab.k"])
    X["eeg__state"] = r.choice(["rest", "sleep", None], n + m)
    y = np.where(X["eeg__a"] + 0.3 * r.normal(size=n + m) > 0, "ill", "well")
    return X, y, np.repeat(["a", "here"], [n, m])


def test_views_are_read_from_names_and_from_the_setting():
    X, y, site = cohort()
    m = MVTLLSR().fit(X, y, domain=site, target="here")
    assert set(m.views_) == {"eeg", "lab"}
    assert m.views_["lab"] == ["lab.na", "lab.k"]
    assert "eeg__state is missing" in m.views_["eeg"] or "eeg__state=rest" in m.views_["eeg"]
    assert m.view_weights_["eeg"] > m.view_weights_["lab"]
    given = MVTLLSR(views={"one": ["eeg__a"], "both": ["eeg__a", "lab.k"]})
    assert given.fit(X, y, domain=site, target="here").views_ == {
        "one": ["eeg__a"],
        "both": ["eeg__a", "lab.k"],
    }
    with pytest.raises(InputError, match=r"eeg\.a"):
        MVTLLSR(views={"eeg": ["eeg.a"]}).fit(X, y, domain=site, target="here")


def test_names_of_encoded_columns_lead_back_to_their_column():
    assert origin(
        ["age", "age is missing", "sex=f", "sex=at birth=f"], ["age", "sex", "sex=at birth"]
    ).tolist() == [
        "age",
        "age",
        "sex",
        "sex=at birth",
    ]
    assert prefix("a.b__c") == "a" and prefix("__x") == ""


def test_the_fitted_scores_are_those_of_the_steps_put_together():
    X, y, site = cohort()
    X = X.drop(columns="eeg__state")
    m = MVTLLSR().fit(X, y, domain=site, target="here")
    code = (y == "well").astype(int)
    Z = m.encoder_.transform(X)
    made = []
    for s in ("a", "here"):
        at = site == s
        std = (Z[at] - Z[at].mean(axis=0)) / Z[at].std(axis=0)
        made.append((np.column_stack([std, np.ones(at.sum())]), code[at], np.eye(2)[code[at]]))
    parts = [[0, 1, 4], [2, 3, 4]]
    (A, ca, Ya), (T, ct, Yt) = made
    start = [naive_source(A[:, c], Ya, ca, np.zeros_like(Ya), 400)[0] for c in parts]
    models, w = naive_target([T[:, c] for c in parts], Yt, ct, start, m.lambda_, m.gamma_, m.eta_, sweeps=100)
    total = sum(v * T[:, c] @ B for v, c, B in zip(w, parts, models, strict=True)) / m.learner_.temperature
    chance = np.exp(total) / np.exp(total).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(m.predict_proba(X[site == "here"]), chance, atol=1e-6)


def test_the_temperature_has_the_least_log_loss():
    out, code, w = rng.normal(size=(60, 3)), rng.integers(0, 3, 60), np.ones(60)
    out[np.arange(60), code] += 1.0
    best = temperature(out, code, w)

    def loss(t):
        p = np.exp(out / t)
        return -np.log((p / p.sum(axis=1, keepdims=True))[np.arange(60), code]).sum()

    assert loss(best) <= min(loss(best * 1.01), loss(best * 0.99))


def test_without_target_labels_the_sources_models_are_used():
    X, y, site = cohort()
    m = MVTLLSR().fit(X, y, domain=site, target="here", labelled=site == "a")
    assert "label" in m.note_ and np.isnan(m.gamma_)
    assert (m.predict(X) == y).mean() > 0.7
