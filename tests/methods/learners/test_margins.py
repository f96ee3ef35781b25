from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from medgraft.methods.learners.margins import RIDGE, calibrate, calibrated, plain


def test_two_classes_get_platts_sigmoid_of_least_penalised_log_loss():
    rng = np.random.default_rng(0)
    m = rng.normal(size=60)
    y = (m + rng.normal(size=60) > 0.3).astype(int)
    w = rng.uniform(0.5, 2.0, 60)
    beta, loss = calibrate(m[:, None], y, w, 2)

    def naive(v):
        p = 1 / (1 + np.exp(-v[0] * m - v[1]))
        return -(w * np.where(y == 1, np.log(p), np.log(1 - p))).sum() + RIDGE / 2 * v[0] ** 2

    found = minimize(naive, [0.0, 0.0], tol=1e-12)
    np.testing.assert_allclose(beta[0], found.x, atol=1e-4)
    p = calibrated(m[:, None], beta)
    assert abs(loss + (w * np.log(p[np.arange(60), y])).sum() / w.sum()) < 1e-9


def test_plain_coefficients_are_the_softmax_itself():
    M = np.array([[0.0, np.log(2.0), np.log(5.0)]])
    np.testing.assert_allclose(calibrated(M, plain(3)), [[1 / 8, 2 / 8, 5 / 8]])
    np.testing.assert_allclose(calibrated(np.array([[np.log(3.0)]]), plain(1)), [[0.25, 0.75]])
