from __future__ import annotations

import numpy as np
import pytest

from medgraft.base import MedgraftError
from medgraft.methods.learners.contrastive_vae import ContrastiveVAELearner


def planted(n=300, p=12, seed=0):
    """Both groups have a strong factor u; the patients have another, v, with mean zero: two kinds of them."""
    rng = np.random.default_rng(seed)
    a, b = np.linalg.qr(rng.normal(size=(p, 2)))[0].T
    u = rng.normal(size=2 * n)
    ill = np.arange(2 * n) % 2 == 0
    v = np.where(ill, np.where(rng.random(2 * n) < 0.5, 1.0, -1.0), 0.0)
    X = 4 * u[:, None] * a + 3 * v[:, None] * b + 0.3 * rng.normal(size=(2 * n, p))
    return X, np.where(ill, "ill", "well"), u, v


def explained(codes, factor):
    """Share of a factor's variance that a linear function of the codes explains."""
    A = np.column_stack([codes, np.ones(len(codes))])
    rest = factor - A @ np.linalg.lstsq(A, factor, rcond=None)[0]
    return 1 - rest.var() / factor.var()


def test_the_planted_factor_of_the_patients_is_in_the_salient_code_and_the_common_one_in_the_shared():
    X, y, u, v = planted()
    m = ContrastiveVAELearner(shared=2, salient=2, epochs=60, lr=3e-3, trees=20).fit(X, y)
    ill = y == "ill"
    shared, salient = m.factors(X[ill])
    assert explained(salient, v[ill]) > explained(shared, v[ill]) + 0.3
    assert explained(shared, u[ill]) > explained(salient, u[ill]) + 0.3


def test_three_classes_and_bad_settings_are_refused():
    with pytest.raises(MedgraftError, match="Only binary classification"):
        ContrastiveVAELearner().fit(np.eye(6), [0, 1, 2] * 2)
    with pytest.raises(MedgraftError, match="gamma must be 0 or more"):
        ContrastiveVAELearner(gamma=-1).fit(np.eye(6), [0, 1] * 3)
    with pytest.raises(MedgraftError, match="salient must be more than 0"):
        ContrastiveVAELearner(salient=0).fit(np.eye(6), [0, 1] * 3)
