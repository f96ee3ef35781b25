"""Concepts on the code of frozen-generative."""

from __future__ import annotations

import numpy as np
import pytest

from medgraft.base import MedgraftError
from medgraft.methods.omics.concepts import _slopes, code_concept
from medgraft.methods.omics.frozen_generative import FrozenGenerative


@pytest.fixture(scope="module")
def told():
    """Three classes along three columns of eight; the code is nearly linear in them."""
    rng = np.random.default_rng(0)
    y = np.arange(300) % 3
    X = rng.normal(size=(300, 8))
    X[:, :3] += 3 * np.eye(3)[y]
    site = np.where(np.arange(300) < 200, "a", "b")
    model = FrozenGenerative(latent=4, hidden=16, epochs=30).fit(X, y, domain=site, target="b")
    return model, X, y


def test_the_gradient_is_that_of_the_log_probability(told):
    model, X, _ = told
    head, Z = model.learner_, model._encode(X[:5])
    for place in range(3):
        slopes = _slopes(head, Z, place)
        for j in range(Z.shape[1]):
            step = np.zeros(Z.shape[1])
            step[j] = 1e-5
            up, down = (np.log(head.predict_proba(Z + sign * step)[:, place]) for sign in (1, -1))
            assert np.allclose(slopes[:, j], (up - down) / 2e-5, atol=1e-5)


def test_samples_that_look_like_a_class_move_it_up_and_another_class_down(told):
    model, X, y = told
    rng = np.random.default_rng(1)
    like = rng.normal(size=(30, 8)) + np.r_[3.0, np.zeros(7)]  # as class 0, of nobody above
    up = code_concept(model, like, X[:150], X[150:][y[150:] == 0], target=0)
    down = code_concept(model, like, X[:150], X[150:][y[150:] == 1], target=1)
    assert up.score > 0.9 and up.p < 0.01
    assert down.score < 0.5


def test_what_cannot_be_asked_is_refused_in_a_sentence(told):
    model, X, _ = told
    with pytest.raises(MedgraftError, match="no class '7'"):
        code_concept(model, X, X, X, target=7)
    with pytest.raises(MedgraftError, match="random rows"):
        code_concept(model, X, X[:20], X, target=0)
    with pytest.raises(MedgraftError, match="frozen-generative"):
        code_concept(FrozenGenerative(), X, X, X, target=0)
