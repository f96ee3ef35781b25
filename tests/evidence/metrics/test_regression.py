import numpy as np
import pytest
from sklearn import metrics as oracle

from medgraft.evidence.metrics import metrics

ORACLES = {
    "mae": oracle.mean_absolute_error,
    "rmse": oracle.root_mean_squared_error,
    "r2": oracle.r2_score,
}


@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_weighted_metrics_agree_with_scikit_learn(name, offset):
    for seed in range(5):
        rng = np.random.default_rng(seed)
        y = np.round(rng.normal(size=60) + offset)
        p = y + rng.normal(size=60)
        w = rng.random(60) + 0.01
        assert metrics[name].value(y, p, w) == pytest.approx(ORACLES[name](y, p, sample_weight=w), abs=1e-12)


def test_r2_is_undefined_where_the_labels_of_a_draw_do_not_vary():
    y, p = np.array([0.1, 0.1, 7.3]), np.array([0.0, 0.2, 7.0])
    w = np.array([[1.0, 1, 0], [3, 0, 0], [1, 1, 1]])
    values = metrics["r2"].fn(y, p, w, np.zeros(3, int))
    assert np.isnan(values[:2]).all()
    assert values[2] == pytest.approx(oracle.r2_score(y, p), abs=1e-12)


def test_no_weight_at_all_is_undefined_without_a_warning():
    for name in ORACLES:
        assert np.isnan(metrics[name].value(np.arange(3.0), np.arange(3.0), np.zeros(3)))
