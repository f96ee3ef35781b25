from __future__ import annotations

import numpy as np
import pytest
import torch

from medgraft.base import MedgraftError
from medgraft.methods.learner import LogisticLearner, RidgeLearner
from medgraft.methods.omics.frozen_generative import FrozenGenerative, told_losses

QUICK = {"hidden": 8, "latent": 2, "epochs": 5}


def cohort(n_source=60, n_target=20, p=20, seed=0):
    rng = np.random.default_rng(seed)
    factor = rng.normal(size=(n_source + n_target, 2))
    X = factor @ rng.normal(size=(2, p)) + 0.3 * rng.normal(size=(n_source + n_target, p))
    rows = {"domain": np.repeat(["s", "t"], [n_source, n_target]), "target": "t"}
    return X, factor[:, 0], rows


def codes(m, X):
    """The encoder written out."""
    Z = m.encoder_.transform(X)
    (W1, b1, W2, b2) = m.layers_
    return np.maximum(Z @ W1.T + b1, 0) @ W2.T + b2


@pytest.mark.parametrize("beta", [0.0, 1.0])
def test_the_head_is_the_default_learner_on_the_codes_of_the_targets_labelled_rows_alone(beta):
    X, y, rows = cohort()
    labelled = np.arange(80) < 72
    m = FrozenGenerative(task="regression", beta=beta, **QUICK).fit(X, y, **rows, labelled=labelled)
    naive = RidgeLearner().fit(codes(m, X[60:72]), y[60:72])
    np.testing.assert_allclose(m.predict(X), naive.predict(codes(m, X)), rtol=1e-6)
    ill = (y > 0).astype(int)
    m = FrozenGenerative(beta=beta, **QUICK).fit(X, ill, **rows, labelled=labelled)
    naive = LogisticLearner().fit(codes(m, X[60:72]), ill[60:72])
    np.testing.assert_allclose(m.predict_proba(X), naive.predict_proba(codes(m, X)), rtol=1e-5)


def test_the_trunk_and_its_scales_come_from_the_source_alone():
    X, y, rows = cohort()
    a = FrozenGenerative(task="regression", **QUICK).fit(X, y, **rows)
    other = X.copy()
    other[60:] = 5 * other[60:] + 100
    b = FrozenGenerative(task="regression", **QUICK).fit(other, np.r_[y[:60], -y[60:]], **rows)
    for one, two in zip(a.layers_, b.layers_, strict=True):
        np.testing.assert_array_equal(one, two)
    Z = codes(a, X[:60])
    np.testing.assert_allclose(Z.mean(axis=0), 0, atol=1e-9)
    assert Z.var(axis=0).mean() == pytest.approx(1)


def test_labels_of_the_source_are_read_only_if_they_are_to_be_told():
    X, y, rows = cohort()
    rows["groups"] = np.arange(80)  # else rows are told apart by their values, too
    turned = np.r_[y[:60][::-1], y[60:]]
    a, b, c, d = (
        FrozenGenerative(task="regression", told=told, **QUICK).fit(X, values, **rows)
        for told, values in ((0.0, y), (0.0, turned), (1.0, y), (1.0, turned))
    )
    np.testing.assert_array_equal(a.layers_[0], b.layers_[0])
    assert np.abs(c.layers_[0] - d.layers_[0]).max() > 1e-4
    known = np.arange(80) >= 60
    e = FrozenGenerative(task="regression", told=1.0, **QUICK).fit(X, y, **rows, labelled=known)
    np.testing.assert_array_equal(e.layers_[0], a.layers_[0])


def test_unlabelled_rows_lack_the_labels_loss():
    out = torch.tensor([[2.0, 0.5], [1.0, 1.0], [0.0, 3.0]])
    t = torch.tensor([1.0, float("nan"), 0.0])
    each = told_losses(out, t, 2)
    p = torch.softmax(out, dim=1)
    torch.testing.assert_close(each, torch.stack([-p[0, 1].log(), torch.tensor(0.0), -p[2, 0].log()]))
    out.requires_grad_()
    values = told_losses(out, t, 0)
    torch.testing.assert_close(values, torch.tensor([1.0, 0.0, 0.0]))
    values.sum().backward()
    assert torch.isfinite(out.grad).all() and out.grad[1].abs().sum() == 0


def test_a_finite_pull_moves_the_last_layer_only_and_a_strong_one_hardly():
    X, y, rows = cohort()
    frozen, weak, strong = (
        FrozenGenerative(task="regression", pull=pull, **QUICK).fit(X, y, **rows)
        for pull in (np.inf, 1.0, 1e9)
    )
    for i in (0, 1, 3):
        np.testing.assert_array_equal(frozen.layers_[i], weak.layers_[i])
    assert np.abs(frozen.layers_[2] - weak.layers_[2]).max() > 1e-3
    np.testing.assert_allclose(frozen.predict(X), strong.predict(X), atol=1e-3)
    error = [np.mean((m.predict(X[60:]) - y[60:]) ** 2) for m in (frozen, weak)]
    assert error[1] < error[0]  # on the rows that it learns from: its objective starts from the frozen one


def test_patients_of_the_source_stay_whole_when_it_decides_when_to_stop(monkeypatch):
    seen = []
    import medgraft.methods.omics.frozen_generative as module

    def watched(weights, losses, lesson, draw, **settings):
        fold = lesson.folds(5, settings["seed"])
        seen.append([len(np.unique(fold[lesson.units == u])) for u in np.unique(lesson.units)])
        return module_train(weights, losses, lesson, draw, **settings)

    module_train = module.train
    monkeypatch.setattr(module, "train", watched)
    X, y, rows = cohort()
    FrozenGenerative(task="regression", **QUICK).fit(X, y, **rows, groups=np.arange(80) // 4)
    assert seen == [[1] * 15]


def test_codes_of_an_unlabelled_source_carry_the_factor_that_its_rows_share():
    X, y, rows = cohort(60, 20, 40)
    m = FrozenGenerative(task="regression", hidden=16, latent=2, lr=0.01)
    m.fit(X, y, **rows, labelled=np.arange(80) >= 60)
    A = np.column_stack([codes(m, X[:60]), np.ones(60)])
    rest = y[:60] - A @ np.linalg.lstsq(A, y[:60], rcond=None)[0]
    assert rest.var() < 0.2 * y[:60].var()


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"latent": 0}, "latent must be more than 0"),
        ({"pull": 0.0}, "pull must be more than 0"),
        ({"beta": -1.0}, "beta must be 0 or more"),
        ({"told": -1.0}, "told must be 0 or more"),
        ({"hidden": []}, "hidden must be widths"),
        ({"hidden": [4, 0]}, "hidden must be widths"),
        ({"pull": 1.0, "estimator": RidgeLearner()}, "leave estimator unset"),
    ],
)
def test_a_setting_out_of_range_is_refused(settings, why):
    X, y, rows = cohort()
    with pytest.raises(MedgraftError, match=why):
        FrozenGenerative(task="regression", **settings).fit(X, y, **rows)
