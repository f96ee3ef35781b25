"""BDA: its ends are TCA and JDA, and the balance follows from where the domains differ."""

from __future__ import annotations

import numpy as np
import pytest

from medgraft.base import MedgraftError
from medgraft.methods.feature.bda import BDA
from medgraft.methods.feature.jda import JDA
from medgraft.methods.feature.tca import TCA
from medgraft.methods.learner import LogisticLearner

from .test_jda import data, dense_kernel, naive_jda

LABELLED = np.arange(200) < 100


def test_balance_nought_is_tca():
    X, y, rows = data()
    a = BDA(balance=0.0).fit(X, y, **rows, labelled=LABELLED)
    b = TCA().fit(X, y, **rows, labelled=LABELLED)
    np.testing.assert_allclose(a.predict_proba(X), b.predict_proba(X), atol=1e-9)


def test_one_half_is_jda_with_twice_the_penalty():
    X, y, rows = data()
    a = BDA(balance=0.5, penalty=1.0).fit(X, y, **rows, labelled=LABELLED)
    b = JDA(penalty=2.0).fit(X, y, **rows, labelled=LABELLED)
    # The first components, TCA's, differ in the penalty; the pseudo-labels must still settle on the same.
    np.testing.assert_allclose(a.predict_proba(X), b.predict_proba(X), atol=1e-6)


def test_the_model_is_the_learner_after_the_papers_loop():
    X, y, rows = data()
    m = BDA(n_components=4, balance=0.8).fit(X, y, **rows, labelled=LABELLED)
    K = dense_kernel(m, m.encoder_.transform(X))
    E = naive_jda(K, y, LABELLED, LABELLED, 1.0, 4, 10, share=(0.2, 0.8))
    naive = LogisticLearner(penalties=[m.learner_.penalty_]).fit(E[LABELLED], y[LABELLED])
    np.testing.assert_allclose(m.predict_proba(X), naive.predict_proba(E), atol=1e-6)


def test_the_balance_follows_where_the_domains_differ():
    rng = np.random.default_rng(0)
    domain = np.repeat(["s", "t"], 300)
    # Another prevalence and equal classes: the domains differ overall, not within a class.
    y = np.r_[rng.random(300) < 0.2, rng.random(300) < 0.8].astype(int)
    X = rng.normal(size=(600, 2)) + np.outer(y, [4.0, 0.0])
    m = BDA(max_rounds=1).fit(X, y, domain=domain, target="t")
    assert m.balance_ < 0.2
    # Classes that move in opposite directions: overall equal, within a class different.
    y = rng.integers(0, 2, 600)
    X = rng.normal(size=(600, 2))
    X[:, 1] += 3.0 * np.where(domain == "t", 1, -1) * np.where(y == 1, 1, -1)
    m = BDA(max_rounds=1).fit(X, y, domain=domain, target="t")
    assert m.balance_ > 0.8


def test_where_nothing_can_be_told_the_balance_is_one_half():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(7, 2)), np.array([0, 1, 0, 1, 0, 1, 0])
    m = BDA().fit(X, y, domain=np.array(list("ssssstt")), target="t")
    assert m.balance_ == 0.5 or np.isnan(m.balance_)  # nan where too few for components


@pytest.mark.parametrize("balance", [-0.1, 1.5, "half"])
def test_a_balance_that_is_no_share_is_an_error(balance):
    X, y, rows = data()
    with pytest.raises(MedgraftError, match="between 0 and 1"):
        BDA(balance=balance).fit(X, y, **rows)
