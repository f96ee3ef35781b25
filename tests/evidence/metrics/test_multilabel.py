import numpy as np
import pytest
from sklearn.metrics import average_precision_score, hamming_loss, roc_auc_score

from medgraft.base import MedgraftError
from medgraft.evidence import compare, interval
from medgraft.evidence.metrics import default_metric, metrics


def rows(seed, n=80, labels=4, unknown=0.0):
    rng = np.random.default_rng(seed)
    Y = (rng.random((n, labels)) < [0.2, 0.3, 0.5, 0.7]).astype(float)
    P = np.round(np.clip(0.3 * Y + 0.7 * rng.random((n, labels)), 0, 1), 2)  # with ties
    Y[rng.random(Y.shape) < unknown] = np.nan
    return Y, P, rng.integers(1, 5, n).astype(float)


def test_the_default_is_macro_auroc():
    assert default_metric("multilabel") == "macro_auroc"


@pytest.mark.parametrize("seed", range(3))
def test_each_metric_is_that_of_scikit_learn(seed):
    Y, P, w = rows(seed)
    for sw in (None, w):
        got = {
            name: metrics[name].value(Y, P, sw) for name in metrics.list() if "mult" in metrics[name].tasks[0]
        }
        assert got["macro_auroc"] == pytest.approx(roc_auc_score(Y, P, sample_weight=sw), abs=1e-12)
        for kind in ("macro", "micro"):
            expected = average_precision_score(Y, P, average=kind, sample_weight=sw)
            assert got[f"{kind}_auprc"] == pytest.approx(expected, abs=1e-12)
        guess = P >= 0.5
        assert got["hamming_loss"] == pytest.approx(hamming_loss(Y, guess, sample_weight=sw), abs=1e-12)
        right = (guess == Y).all(axis=1)
        assert got["subset_accuracy"] == pytest.approx(np.average(right, weights=sw), abs=1e-12)


def test_what_is_unknown_is_left_out_label_by_label():
    Y, P, _ = rows(0, unknown=0.3)
    known = ~np.isnan(Y)
    each = [roc_auc_score(Y[k, i], P[k, i]) for i, k in enumerate(known.T)]
    assert metrics["macro_auroc"].value(Y, P) == pytest.approx(np.mean(each), abs=1e-12)
    micro = average_precision_score(Y[known], P[known])
    assert metrics["micro_auprc"].value(Y, P) == pytest.approx(micro, abs=1e-12)
    wrong = (P >= 0.5)[known] != (Y == 1)[known]
    assert metrics["hamming_loss"].value(Y, P) == pytest.approx(wrong.mean(), abs=1e-12)


def test_a_label_that_every_row_has_is_left_out_of_the_mean_and_the_order_of_labels_plays_no_part():
    Y, P, _ = rows(1)
    value = metrics["macro_auroc"].value(Y, P)
    more = np.column_stack([Y, np.ones(len(Y))]), np.column_stack([P, P[:, 0]])
    assert metrics["macro_auroc"].value(*more) == pytest.approx(value, abs=1e-12)
    order = [2, 0, 3, 1]
    assert metrics["macro_auroc"].value(Y[:, order], P[:, order]) == pytest.approx(value, abs=1e-12)


def test_interval_and_comparison_work_on_labels_and_see_no_difference_where_only_the_unknown_differs():
    Y, P, _ = rows(2, unknown=0.2)
    found = interval("macro_auroc", Y, P, n_boot=300)
    assert found.lo < found.value < found.hi
    other = np.where(np.isnan(Y), 0.99, P)
    c = compare("macro_auroc", Y, other, P, n_boot=300)
    assert (c.n_differ, c.difference, c.verdict) == (0, 0.0, "inconclusive")
    perfect = np.where(np.isnan(Y), 0.5, Y)
    assert compare("macro_auroc", Y, perfect, P, n_boot=300).verdict == "helps"


def test_labels_that_are_no_labels_are_refused():
    Y, P, _ = rows(0)
    with pytest.raises(MedgraftError, match="labels have shape"):
        interval("macro_auroc", Y[:, 0], P)
    with pytest.raises(MedgraftError, match="0, 1 or unknown"):
        interval("macro_auroc", Y + 1, P)
