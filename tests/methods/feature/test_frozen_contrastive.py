"""frozen-contrastive: codes of the source's contrastive autoencoder, and a head on the target alone."""

from __future__ import annotations

import numpy as np
import pytest

from medgraft.methods.feature.frozen_contrastive import NO_CONTRAST, FrozenContrastive
from medgraft.methods.learner import LogisticLearner
from medgraft.methods.learners.forest import ForestLearner

SETTINGS = {"shared": 2, "salient": 2, "epochs": 60, "random_state": 0}


def patients(seed=0, n=160):
    """Both classes vary in two strong patterns; the ill (fewer) in a third one, whose mean is zero."""
    rng = np.random.default_rng(seed)
    y = (np.arange(n) % 5 < 2).astype(int)
    patterns = np.linalg.qr(rng.normal(size=(12, 3)))[0].T
    codes = np.column_stack([4 * rng.normal(size=(n, 2)), 3 * y * rng.normal(size=n)])
    X = codes @ patterns + 0.2 * rng.normal(size=(n, 12))
    site = np.where(np.arange(n) < 120, "a", "b")
    return X, y, site, patterns


@pytest.fixture(scope="module")
def fitted():
    X, y, site, _ = patients()
    return FrozenContrastive(**SETTINGS).fit(X, y, domain=site, target="b")


def test_the_head_is_that_of_the_learner_on_codes_of_the_target_rows_alone(fitted):
    X, y, site, _ = patients()
    codes = np.hstack(fitted.factors_.factors(fitted.encoder_.transform(X)))
    own = LogisticLearner().fit(codes[site == "b"], y[site == "b"])
    assert np.allclose(fitted.predict_proba(X)[:, 1], own.predict_proba(codes)[:, 1], atol=1e-6)


def test_no_label_of_the_target_touches_the_codes(fitted):
    X, y, site, _ = patients()
    other = np.where(site == "b", 1 - y, y)
    again = FrozenContrastive(**SETTINGS).fit(X, other, domain=site, target="b")
    Z = fitted.encoder_.transform(X)
    for ours, theirs in zip(fitted.factors_.factors(Z), again.factors_.factors(Z), strict=True):
        assert np.array_equal(ours, theirs)


def test_salient_codes_follow_the_planted_pattern_of_the_ill_and_shared_ones_do_not(fitted):
    _, _, _, patterns = patients()
    rng = np.random.default_rng(7)
    codes = np.column_stack([4 * rng.normal(size=(200, 2)), 3 * rng.normal(size=200)])
    Z = fitted.encoder_.transform(codes @ patterns)
    shared, salient = fitted.factors_.factors(Z)

    def explained(F):
        A = np.column_stack([F, np.ones(len(F))])
        rest = codes[:, 2] - A @ np.linalg.lstsq(A, codes[:, 2], rcond=None)[0]
        return 1 - rest.var() / codes[:, 2].var()

    assert explained(salient) > 0.6 > 0.2 > explained(shared)


def test_without_both_classes_in_the_source_nothing_is_transferred_and_it_says_so():
    X, y, site, _ = patients()
    m = FrozenContrastive(**SETTINGS).fit(X, np.where(site == "a", 0, y), domain=site, target="b")
    assert m.factors_ is None and m.note_ == NO_CONTRAST


def test_a_forest_may_be_the_head():
    X, y, site, _ = patients()
    forest = ForestLearner(trees=5, random_state=0)
    m = FrozenContrastive(estimator=forest, **(SETTINGS | {"epochs": 2})).fit(X, y, domain=site, target="b")
    assert m.predict_proba(X).shape == (len(X), 2)
