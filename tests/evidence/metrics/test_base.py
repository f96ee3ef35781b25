"""What holds for every metric of the registry."""

import numpy as np
import pytest

from medgraft.base import MedgraftError
from medgraft.evidence.metrics import Metric, as_metric, default_metric, metrics

ALL = metrics.list()
NAMES = {
    *("accuracy", "balanced_accuracy", "auroc", "auprc", "f1", "brier", "log_loss", "ece", "ici"),
    *("mae", "rmse", "r2"),
    *("quadratic_kappa", "mae_levels"),
    *("macro_auroc", "macro_auprc", "micro_auprc", "subset_accuracy", "hamming_loss"),
    *("dice", "iou", "hd95"),
}
VALUES = ("regression",), ("segmentation",)  # tasks whose predictions are one number each


def rows(name, seed=0, k=3, n=60):
    rng = np.random.default_rng(seed)
    block = rng.integers(0, 3, n)
    if metrics[name].tasks in VALUES:
        y = rng.normal(size=n)
        return y, y + rng.normal(size=n), block
    if metrics[name].tasks == ("multilabel",):
        y = rng.integers(0, 2, (n, k)).astype(float)
        y[: 2 * k] = np.vstack([np.eye(k), 1 - np.eye(k)])
        y[rng.random((n, k)) < 0.1] = np.nan
        return y, rng.random((n, k)), block
    y = np.concatenate([np.arange(k), rng.integers(0, k, n - k)])
    return y, rng.dirichlet(np.ones(k), n), block


def test_the_registry_holds_the_metrics_of_the_design():
    assert set(ALL) >= NAMES


@pytest.mark.parametrize("name", ALL)
def test_every_metric_says_in_a_line_what_it_means(name):
    meaning = metrics[name].meaning
    assert meaning[:1].isupper() and meaning.endswith(".") and "\n" not in meaning and len(meaning) < 240


@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("name", ALL)
def test_integer_weights_are_repeated_rows(name, k):
    rng = np.random.default_rng(7)
    for seed in range(5):
        y, p, block = rows(name, seed, k)
        w = rng.integers(0, 4, len(y))
        w[:k] = 2  # no class is lost
        again = np.repeat(np.arange(len(y)), w)
        assert metrics[name].value(y, p, w, block) == pytest.approx(
            metrics[name].value(y[again], p[again], block=block[again]), abs=1e-12
        )


@pytest.mark.parametrize("name", ALL)
def test_the_scale_of_the_weights_does_not_matter(name):
    y, p, block = rows(name)
    w = np.random.default_rng(1).random(len(y))
    value = metrics[name].value(y, p, w, block)
    assert metrics[name].value(y, p, 8 * w, block) == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize("name", ALL)
def test_the_order_of_the_rows_does_not_matter(name):
    y, p, block = rows(name)
    w = np.random.default_rng(1).random(len(y))
    i = np.random.default_rng(2).permutation(len(y))
    value = metrics[name].value(y, p, w, block)
    assert metrics[name].value(y[i], p[i], w[i], block[i]) == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize("name", [n for n in ALL if "multiclass" in metrics[n].tasks])
def test_renaming_the_classes_does_not_matter(name):
    y, p, block = rows(name, k=4)
    new = np.array([2, 0, 3, 1])  # class k becomes new[k]
    renamed = np.empty_like(p)
    renamed[:, new] = p
    value = metrics[name].value(y, p, block=block)
    assert metrics[name].value(new[y], renamed, block=block) == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize("name", ALL)
def test_names_of_the_blocks_do_not_matter(name):
    y, p, block = rows(name)
    value = metrics[name].value(y, p, block=block)
    assert metrics[name].value(y, p, block=7 - 3 * block) == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize("name", ALL)
def test_the_callers_arrays_stay_as_they_are(name):
    arrays = [*rows(name), np.ones((4, 60))]
    before = [a.copy() for a in arrays]
    y, p, block, w = arrays
    metrics[name].fn(y, p, w, block)
    for a, b in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", [n for n in ALL if "segmentation" not in metrics[n].tasks])
def test_better_points_from_bad_predictions_to_good_ones(name):
    y, _, block = rows(name, k=2)
    if "regression" in metrics[name].tasks:
        good, bad = y + 0.01, y + np.where(y > 0, -2.0, 2.0)
    elif metrics[name].tasks == ("multilabel",):
        good, bad = (np.where(np.isnan(y), 0.5, np.abs(z - 0.1)) for z in (y, 1 - y))
    else:
        good, bad = (np.abs(np.eye(2)[c] - 0.1) for c in (y, 1 - y))
    gain = metrics[name].value(y, good, block=block) - metrics[name].value(y, bad, block=block)
    assert metrics[name].sign * gain > 0
    assert (metrics[name].sign > 0) == (metrics[name].better == "higher")


@pytest.mark.parametrize("name", ALL)
def test_arms_with_equal_views_have_equal_metrics(name):
    y, p, block = rows(name, k=2)
    other = p.copy()
    if metrics[name].tasks == ("multilabel",):
        other = np.where(p > 0.5, 0.5 + (p - 0.5) / 2, p)
    elif metrics[name].tasks not in VALUES:  # same decisions and same order, other probabilities
        s = np.where(p[:, 1] > 0.5, 0.5 + (p[:, 1] - 0.5) / 2, p[:, 1])
        other = np.stack([1 - s, s], axis=1)
    same = np.array_equal(metrics[name].view(y, p, block), metrics[name].view(y, other, block))
    if name in NAMES:
        assert same == (name not in ("brier", "log_loss", "ece", "ici"))
    if same:
        w = np.random.default_rng(0).random((5, len(y)))
        np.testing.assert_array_equal(metrics[name].fn(y, p, w, block), metrics[name].fn(y, other, w, block))


def test_each_task_has_a_default_metric_that_judges_it():
    for task in ("binary", "multiclass", "regression", "ordinal", "multilabel", "segmentation"):
        assert task in metrics[default_metric(task)].tasks


def test_an_unknown_task_or_metric_is_told_in_one_sentence():
    with pytest.raises(MedgraftError, match="no task 'survival'"):
        default_metric("survival")
    with pytest.raises(MedgraftError, match="Did you mean 'auroc'"):
        as_metric("auroq")


def test_a_metric_is_itself():
    assert isinstance(metrics["mae"], Metric)
    assert as_metric(metrics["mae"]) is as_metric("mae")
