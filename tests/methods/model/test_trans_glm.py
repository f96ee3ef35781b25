"""Trans-GLM: both steps against scikit-learn's lasso, and detection on sources whose worth is known."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import Lasso

from medgraft.methods.base import InputError
from medgraft.methods.model.trans_glm import TransGLM, TwoStep
from medgraft.methods.rows import Rows
from medgraft.methods.sites import Sited
from medgraft.methods.table import Table


def sites(seed=0, n_source=120, n_target=45, p=20, task="regression"):
    """One source with the target's rule, one with nearly that rule, one with the opposite rule."""
    rng = np.random.default_rng(seed)
    beta = np.r_[1.5, -1.0, 1.0, np.zeros(p - 3)]
    near = beta + np.r_[np.zeros(3), 0.3, np.zeros(p - 4)]
    rules = {"same": beta, "near": near, "opposite": -beta, "here": beta}
    site = np.repeat(list(rules), [n_source] * 3 + [n_target])
    X = rng.normal(size=(len(site), p))
    eta = np.array([x @ rules[s] for x, s in zip(X, site, strict=True)])
    if task == "regression":
        return X, eta + 0.5 * rng.normal(size=len(site)), site
    return X, np.where(rng.random(len(site)) < 1 / (1 + np.exp(-2 * eta)), "ill", "well"), site


@pytest.mark.parametrize("task", ["regression", "binary"])
@pytest.mark.parametrize("seed", range(3))
def test_the_opposite_source_is_dropped_and_the_same_one_kept(task, seed):
    X, y, site = sites(seed, n_source=400, n_target=150, task=task)
    m = TransGLM(task=task).fit(X, y, domain=site, target="here")
    assert "opposite" not in m.kept_
    assert "same" in m.kept_
    assert m.losses_["opposite"] > m.threshold_ >= m.losses_["same"]


def test_both_steps_are_those_of_the_paper():
    X, y, site = sites()
    m = TransGLM(task="regression", detect=False).fit(X, y, domain=site, target="here")
    Z = m.encoder_.transform(X)
    v = (y - y.mean()) / y.std()
    pooled, own = m.pooled_coef_[0], m.correction_[0]
    # The penalty is what the active coefficients' gradient says it is.
    rest = v - Z @ pooled[:-1] - pooled[-1]
    lam = np.abs(Z.T @ rest / len(v)).max()
    peer = Lasso(alpha=lam, tol=1e-12, max_iter=100_000).fit(Z, v)
    np.testing.assert_allclose(pooled[:-1], peer.coef_, atol=1e-5)
    t = site == "here"
    rest = v[t] - Z[t] @ (pooled + own)[:-1] - (pooled + own)[-1]
    lam = np.abs(Z[t].T @ rest / t.sum()).max()
    peer = Lasso(alpha=lam, tol=1e-12, max_iter=100_000).fit(Z[t], v[t] - Z[t] @ pooled[:-1] - pooled[-1])
    np.testing.assert_allclose(own[:-1], peer.coef_, atol=1e-5)
    expected = (Z @ (pooled + own)[:-1] + (pooled + own)[-1]) * y.std() + y.mean()
    np.testing.assert_allclose(m.predict(X), expected, rtol=1e-9)


def test_without_detection_every_source_is_used():
    X, y, site = sites()
    m = TransGLM(task="regression", detect=False).fit(X, y, domain=site, target="here")
    assert m.kept_ == ["near", "opposite", "same"]
    assert m.losses_ == {}


def test_a_tolerant_detection_keeps_what_a_strict_one_drops():
    X, y, site = sites()
    loose = TransGLM(task="regression", tolerance=1e6).fit(X, y, domain=site, target="here")
    assert loose.kept_ == ["near", "opposite", "same"]


def test_folds_of_the_detection_hold_out_target_rows_only():
    X, y, site = sites()
    rows = Rows.of(Table.of(X), y, regression=True, domain=site, target="here")
    sited = Sited.of(rows, site)
    steps = TwoStep(sited, rows.encoder().transform(sited.rows.table), sited.rows.y, 0)
    target = sited.of_site(0)
    path = steps.detection(target | sited.of_site(1), target)
    assert path.losses.shape[1] == 3


def test_one_labelled_target_patient_a_class_corrects_nothing_and_says_so():
    X, y, site = sites(task="binary")
    labelled = site != "here"
    for c in ("ill", "well"):
        labelled[np.flatnonzero((site == "here") & (y == c))[0]] = True
    m = TransGLM().fit(X, y, domain=site, target="here", labelled=labelled)
    assert (m.correction_ == 0).all()
    assert "too few labels" in m.note_


def test_a_negative_tolerance_is_refused():
    X, y, site = sites()
    with pytest.raises(InputError, match="negative"):
        TransGLM(task="regression", tolerance=-1.0).fit(X, y, domain=site, target="here")
