import numpy as np
import pytest
from sklearn import metrics as oracle

from medgraft.evidence.metrics import metrics

NAMES = ("accuracy", "balanced_accuracy", "f1", "brier", "log_loss")


def made(seed, k, n=80):
    """Random probabilities, some of them certain and some tied between rows; random real weights."""
    rng = np.random.default_rng(seed)
    y = np.concatenate([np.arange(k), rng.integers(0, k, n - k)])
    p = rng.dirichlet(np.ones(k), n)
    p[5] = np.eye(k)[0]
    p[10:20] = p[20:30]
    return y, p, rng.random(n) + 0.01


def by_sklearn(name, y, p, w):
    k = p.shape[1]
    labels, guess = np.arange(k), p.argmax(axis=1)
    return {
        "accuracy": lambda: oracle.accuracy_score(y, guess, sample_weight=w),
        "balanced_accuracy": lambda: oracle.balanced_accuracy_score(y, guess, sample_weight=w),
        "f1": lambda: oracle.f1_score(y, guess, average="binary" if k == 2 else "macro", sample_weight=w),
        "brier": lambda: oracle.brier_score_loss(y, p[:, 1] if k == 2 else p, labels=labels, sample_weight=w),
        "log_loss": lambda: oracle.log_loss(y, p, labels=labels, sample_weight=w),
    }[name]()


@pytest.mark.parametrize("k", [2, 4])
@pytest.mark.parametrize("name", NAMES)
def test_weighted_metrics_agree_with_scikit_learn(name, k):
    for seed in range(5):
        y, p, w = made(seed, k)
        assert metrics[name].value(y, p, w) == pytest.approx(by_sklearn(name, y, p, w), abs=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_every_weight_vector_is_judged_on_its_own(name):
    y, p, _ = made(0, 3)
    w = np.random.default_rng(1).random((7, len(y)))
    one_by_one = [metrics[name].value(y, p, row) for row in w]
    np.testing.assert_allclose(metrics[name].fn(y, p, w, np.zeros(len(y), int)), one_by_one, atol=1e-13)


def test_a_class_without_weight_makes_class_wise_metrics_undefined_and_leaves_accuracy_alone():
    y, p, _ = made(0, 3)
    w = (y != 2).astype(float)
    assert np.isnan(metrics["balanced_accuracy"].value(y, p, w))
    assert np.isnan(metrics["f1"].value(y, p, w))
    assert metrics["accuracy"].value(y, p, w) == metrics["accuracy"].value(y[y != 2], p[y != 2])


def test_a_class_that_no_row_has_is_not_judged():
    y, p = np.array([0, 0, 1, 1]), np.eye(3)[[0, 1, 1, 2]]
    assert metrics["balanced_accuracy"].value(y, p) == 0.5
    assert metrics["f1"].value(y, p) == pytest.approx((2 / 3 + 1 / 2) / 2)


def test_one_class_only_has_no_balanced_accuracy():
    assert np.isnan(metrics["balanced_accuracy"].value(np.zeros(3, int), np.eye(2)[[0, 0, 1]]))


def test_f1_without_any_event_is_undefined():
    assert np.isnan(metrics["f1"].value(np.zeros(3, int), np.eye(2)[[0, 0, 1]]))


def test_of_equally_probable_classes_the_first_is_chosen():
    assert metrics["accuracy"].value(np.array([0, 1]), np.full((2, 2), 0.5)) == 0.5


def test_log_loss_of_a_certain_error_is_finite():
    value = metrics["log_loss"].value(np.array([1]), np.array([[1.0, 0.0]]))
    assert value == pytest.approx(-np.log(np.finfo(float).eps))
