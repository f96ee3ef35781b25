"""The target's class shares: closed forms, naive loops, and what the models make of them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import norm

from medgraft.evidence.calibration.em import em_shares
from medgraft.methods.instance.bbse import BBSE, least_squares_shares
from medgraft.methods.instance.label_shift_em import LabelShiftEM
from medgraft.methods.learner import LogisticLearner
from medgraft.methods.table import InputError


def shifted(n=4000, share=0.1, seed=0):
    """Two normal classes, half and half in the source, `share` of the second in the target."""
    rng = np.random.default_rng(seed)
    y = np.r_[np.repeat([0, 1], n // 2), (rng.random(n) < share).astype(int)]
    x = y + 0.8 * rng.normal(size=2 * n)
    site = np.repeat(["s", "t"], n)
    return x[:, None], y, {"domain": site, "target": "t", "labelled": site == "s"}


def test_shares_are_recovered_exactly_from_exact_confusions():
    C = np.array([[0.7, 0.2, 0.1], [0.2, 0.6, 0.3], [0.1, 0.2, 0.6]])
    shares = np.array([0.2, 0.5, 0.3])
    np.testing.assert_allclose(least_squares_shares(C, C @ shares), shares, atol=1e-7)


def test_shares_that_would_be_negative_are_the_best_of_the_simplex():
    C, mean = np.array([[0.9, 0.4], [0.1, 0.6]]), np.array([0.99, 0.01])
    got = least_squares_shares(C, mean)
    grid = np.linspace(0, 1, 2001)
    loss = [np.sum((C @ [1 - g, g] - mean) ** 2) for g in grid]
    assert got[1] == pytest.approx(grid[np.argmin(loss)], abs=1e-3)


def test_expectation_maximisation_is_the_maximum_of_the_likelihood():
    rng = np.random.default_rng(0)
    p = rng.dirichlet([1, 2, 1], size=200)
    q, w = np.array([0.3, 0.3, 0.4]), rng.uniform(0.5, 2, 200)

    def loss(z):
        s = np.exp(z) / np.exp(z).sum()
        return -w @ np.log(p @ (s / q))

    best = minimize(loss, np.zeros(3), tol=1e-12).x
    np.testing.assert_allclose(em_shares(p, q, w), np.exp(best) / np.exp(best).sum(), atol=1e-4)


def test_with_true_posteriors_shares_and_corrected_posteriors_are_the_true_ones():
    x, y, _ = shifted(n=40_000)
    own = x[40_000:, 0]
    a, b = norm(0, 0.8).pdf(own), norm(1, 0.8).pdf(own)
    p = np.column_stack([a, b]) / (a + b)[:, None]
    shares = em_shares(p, np.array([0.5, 0.5]))
    assert shares[1] == pytest.approx(y[40_000:].mean(), abs=0.01)


@pytest.mark.parametrize("cls", [BBSE, LabelShiftEM])
def test_the_targets_prevalence_is_found_and_the_model_brought_to_it(cls):
    X, y, rows = shifted()
    m = cls(estimator=LogisticLearner(penalties=[1e-2])).fit(X, y, **rows)
    own = rows["domain"] == "t"
    assert m.shares_[1] == pytest.approx(y[own].mean(), abs=0.02)
    # Bayes: the log-odds move by the log of the ratio of the odds.
    new = np.array([[-0.5], [0.5], [1.5]])
    p = m.predict_proba(new)[:, 1]
    truth = (
        0.1
        * norm(1, 0.8).pdf(new[:, 0])
        / (0.1 * norm(1, 0.8).pdf(new[:, 0]) + 0.9 * norm(0, 0.8).pdf(new[:, 0]))
    )
    np.testing.assert_allclose(p, truth, atol=0.04)
    np.testing.assert_array_equal(m.predict(new), m.classes_[m.predict_proba(new).argmax(axis=1)])


def test_the_correction_is_that_of_the_paper():
    X, y, rows = shifted(n=300)
    m = LabelShiftEM().fit(X, y, **rows)
    raw = m.learner_.predict_proba(m.encoder_.transform(X))
    by_hand = raw * m.shares_ / 0.5
    by_hand /= by_hand.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(m.predict_proba(X), by_hand, atol=1e-12)


def test_the_retrained_model_weights_the_classes_by_the_ratio_of_shares():
    X, y, rows = shifted(n=300)
    m = BBSE().fit(X, y, **rows)
    source = rows["domain"] == "s"
    np.testing.assert_allclose(m.weights_[source], (m.shares_ / 0.5)[y[source]])
    assert (m.weights_[~source] == 0).all()


def test_a_classifier_that_knows_nothing_leaves_everybody_pooled_and_says_so():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 2)), rng.integers(0, 2, 300)
    site = np.repeat(["s", "t"], [200, 100])
    m = BBSE().fit(X, y, domain=site, target="t", labelled=site == "s")
    assert "cannot tell" in m.note_
    assert set(m.weights_[:200]) == {1.0}


def test_a_class_estimated_to_be_absent_is_named_and_gets_neither_weight_nor_probability():
    rng = np.random.default_rng(0)
    y = np.r_[np.tile(["a", "b", "c"], 60), np.tile(["a", "b"], 60)]
    X = 3.0 * (y[:, None] == ["a", "b", "c"]) + 0.3 * rng.normal(size=(300, 3))
    site = np.repeat(["s", "t"], [180, 120])
    m = BBSE().fit(X, y, domain=site, target="t", labelled=site == "s")
    assert m.shares_[2] == 0
    assert (m.weights_[(y == "c") & (site == "s")] == 0).all()
    assert (m.predict_proba(X)[:, 2] == 0).all()
    assert "'c'" in m.note_
    assert "'a'" not in m.note_
    X, y, rows = shifted(n=300)
    assert BBSE().fit(X, y, **rows).note_ == ""


def test_values_have_no_classes_to_be_shifted():
    with pytest.raises(InputError, match="cannot do regression"):
        BBSE(task="regression").fit([[0.0], [1.0]], [0.5, 1.5])
