import numpy as np
import pytest

from medgraft.base import MedgraftError
from medgraft.evidence import ece, interval
from medgraft.evidence.calibration import ACE, MCE, OVERCONFIDENCE, ace, mce, overconfidence


def drawn(n=90, k=3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, k, n), rng.dirichlet(np.ones(k), n)


def by_walking(predicted, happened, bins, of):
    """Sum `of` (mean predicted, mean happened, share) over equal-mass bins; no ties."""
    parts = np.array_split(np.argsort(predicted), bins)
    return [of(predicted[i].mean(), happened[i].mean(), len(i) / len(predicted)) for i in parts]


def test_ace_is_the_mean_over_classes_of_the_gap_in_equal_bins():
    y, p = drawn()
    gaps = [sum(by_walking(p[:, k], y == k, 9, lambda c, o, s: s * abs(c - o))) for k in range(3)]
    assert ace(y, p, bins=9) == pytest.approx(np.mean(gaps), abs=1e-14)


def test_ace_of_two_classes_is_the_calibration_error():
    y, p = drawn(k=2)
    assert ace(y, p) == pytest.approx(ece(y, p), abs=1e-14)


def test_mce_is_the_gap_of_the_worst_bin():
    y, p = drawn()
    gaps = by_walking(p.max(axis=1), p.argmax(axis=1) == y, 9, lambda c, o, s: abs(c - o))
    assert mce(y, p, bins=9) == pytest.approx(max(gaps), abs=1e-14)


def test_overconfidence_counts_what_is_surer_than_right_by_how_sure_it_is():
    y, p = drawn(k=2)
    top, right = p.max(axis=1), p.argmax(axis=1) == y
    costs = by_walking(top, right, 9, lambda c, o, s: s * c * max(c - o, 0))
    assert overconfidence(y, p, bins=9) == pytest.approx(sum(costs), abs=1e-14)


def test_a_hesitant_model_is_not_overconfident_though_badly_calibrated():
    y, p = [1] * 8, np.full(8, 0.6)
    assert overconfidence(y, p) == 0
    assert mce(y, p) == pytest.approx(0.4)


@pytest.mark.parametrize("metric", [ACE, MCE, OVERCONFIDENCE], ids=lambda m: m.name)
def test_integer_weights_are_repeated_rows_and_order_and_scale_do_not_matter(metric):
    y, p = drawn(60)
    rng = np.random.default_rng(3)
    w = rng.integers(0, 4, 60)
    again, i = np.repeat(np.arange(60), w), rng.permutation(60)
    value = metric.value(y, p, w)
    assert value == pytest.approx(metric.value(y[again], p[again]), abs=1e-12)
    assert value == pytest.approx(metric.value(y[i], p[i], 8.0 * w[i]), abs=1e-12)


@pytest.mark.parametrize("metric", [ACE, OVERCONFIDENCE], ids=lambda m: m.name)
def test_renaming_the_classes_does_not_matter(metric):
    y, p = drawn()
    new = np.array([2, 0, 1])
    renamed = np.empty_like(p)
    renamed[:, new] = p
    assert metric.value(new[y], renamed) == pytest.approx(metric.value(y, p), abs=1e-14)


def test_intervals_resample_patients_not_rows():
    y, p = drawn(40)
    y, p, group = np.repeat(y, 4), np.repeat(p, 4, axis=0), np.repeat(np.arange(40), 4)
    rows, patients = (interval(ACE, y, p, group=g, n_boot=200) for g in (None, group))
    assert patients.hi - patients.lo > 1.5 * (rows.hi - rows.lo)


def test_bad_input_is_told_in_one_sentence():
    with pytest.raises(MedgraftError, match="at least one bin"):
        ace([0, 1], [0.1, 0.2], bins=0)
    with pytest.raises(MedgraftError, match="between 0 and 1"):
        mce([0, 1], [0.1, 1.2])
    with pytest.raises(MedgraftError, match="sum to 1"):
        mce([0, 1], [[0.1, 0.2], [0.5, 0.5]])
