import numpy as np
import pytest
from scipy import stats

from medgraft.evidence import ece
from medgraft.evidence.calibration import debiased_ece
from medgraft.evidence.metrics.calibration import row_bins


def by_pairs(y, p, group, bins):
    """The definition: products of gaps of all pairs of rows of different patients in a bin."""
    where, d, n, total = row_bins(p, bins), y - p, len(y), 0.0
    for b in np.unique(where):
        rows = np.flatnonzero(where == b)
        pairs = [(i, j) for i in rows for j in rows if group[i] != group[j]]
        total += len(rows) / n * np.mean([d[i] * d[j] for i, j in pairs])
    return np.sqrt(max(total, 0.0))


@pytest.mark.parametrize("rows", [1, 3])
def test_the_estimate_is_the_mean_over_pairs_of_different_patients(rows):
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(60 // rows), rows)
    p, y = rng.random(60), rng.integers(0, 2, 60)
    assert debiased_ece(y, p, 4, group=group).value == pytest.approx(by_pairs(y, p, group, 4), abs=1e-14)


def test_with_one_prediction_a_bin_it_is_the_plug_in_less_the_binomial_variance():
    p, y = np.repeat([0.25, 0.75], 10), np.r_[[1] * 6 + [0] * 4, [1] * 9 + [0] * 1]
    square = 0.5 * ((0.6 - 0.25) ** 2 - 0.6 * 0.4 / 9) + 0.5 * ((0.9 - 0.75) ** 2 - 0.9 * 0.1 / 9)
    assert debiased_ece(y, p, 2).value == pytest.approx(np.sqrt(square), abs=1e-14)


@pytest.mark.parametrize("rows", [1, 3])
def test_its_square_has_no_bias_where_the_plain_error_has(rows):
    rng = np.random.default_rng(1)
    n, p = 60 // rows, np.repeat([0.3, 0.6], 30)
    group = np.repeat(np.arange(n), rows)  # a patient's rows have the same outcome
    squares = []
    for _ in range(800):
        y = (rng.random(n)[group] < p).astype(int)
        d, total = y - p, 0.0
        for half in (slice(0, 30), slice(30, 60)):
            s = np.bincount(group[half], weights=d[half])
            total += 0.5 * (d[half].sum() ** 2 - (s**2).sum()) / (900 - 30 * rows)
        squares.append(total)
        found = debiased_ece(y, p, 2, group=group).value
        assert found == pytest.approx(np.sqrt(max(total, 0.0)), abs=1e-12)
    standard_error = np.std(squares) / np.sqrt(800)
    assert abs(np.mean(squares)) < 4 * standard_error


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("curve", [1.0, 2.5])
def test_its_ends_are_where_the_square_is_as_far_as_its_variance_there_allows(rows, curve):
    """The variance of patients' influences and of their mean gaps, patient by patient."""
    rng = np.random.default_rng(5)
    n, bins = 90, 3
    group = np.repeat(np.arange(n), rows)
    p = rng.random(n * rows)
    y = (rng.random(n * rows) < p**curve).astype(int)
    found, where, d = debiased_ece(y, p, bins, group=group), row_bins(p, bins), y - p
    part = np.bincount(where) / len(y)
    mean = np.array([d[where == b].mean() for b in range(bins)])
    gaps, influence = np.zeros((n, bins)), np.zeros(n)
    for i, (g, b) in enumerate(zip(group, where, strict=True)):
        gaps[g, b] += (d[i] - mean[b]) / part[b] / len(y)
        influence[g] += (2 * d[i] * mean[b] - mean[b] ** 2 - part @ mean**2) / len(y)
    cov = gaps.T @ gaps * n / (n - 1)
    for b in range(bins):  # what a bin hides of its variance
        m, rate = len(np.unique(group[where == b])), y[where == b].mean()
        pulled = (rate * m + 1) / (m + 2)
        more = max(pulled * (1 - pulled) - rate * (1 - rate), 0) / m
        cov[b, b] += more
        influence = np.append(influence, 2 * part[b] * mean[b] * np.sqrt(more * (n - 1) / n))
    k = influence @ influence * n / (n - 1) / (part @ mean**2)
    left = 2 * part @ cov**2 @ part
    t, square = stats.t.ppf(0.975, n - 1), by_pairs(y, p, group, bins) ** 2
    for end in (found.lo, found.hi):
        if end > 0:
            x = square if end < found.value else max(square, 0.0)
            assert (x - end**2) ** 2 == pytest.approx(t**2 * (left + k * end**2), rel=1e-9)
    assert (found.lo > 0) == (square > t * np.sqrt(left))
    assert found.hi > found.value


def test_it_covers_no_error_and_a_large_one_as_often_as_it_says():
    rng = np.random.default_rng(6)
    held = []
    for _ in range(600):
        p = rng.random(100)
        for happens, truth in ((p, 0.0), (0.5 * p, np.sqrt((1 / 3 - 1 / 300) / 4))):  # in fifths of 0 to 1
            found = debiased_ece((rng.random(100) < happens).astype(int), p, 5)
            held.append(found.lo <= truth <= found.hi)
    held = np.reshape(held, (600, 2)).mean(axis=0)
    assert (abs(held - 0.95) < 0.02 + 2 * np.sqrt(0.05 * 0.95 / 600)).all()


def test_it_finds_no_error_in_a_calibrated_model_where_the_plain_one_does():
    rng = np.random.default_rng(2)
    p = rng.random(200)
    y = (rng.random(200) < p).astype(int)
    found = debiased_ece(y, p)
    assert found.lo == 0
    assert found.value < ece(y, p)


def test_repeated_rows_of_a_patient_are_worth_no_more_than_one():
    rng = np.random.default_rng(3)
    p = rng.random(50)
    y = (rng.random(50) < p**2).astype(int)
    one = debiased_ece(y, p, 5)
    many = debiased_ece(np.repeat(y, 4), np.repeat(p, 4), 5, group=np.repeat(np.arange(50), 4))
    assert (many.value, many.lo, many.hi) == pytest.approx((one.value, one.lo, one.hi), abs=1e-12)


def test_order_of_rows_does_not_matter_and_inputs_stay():
    rng = np.random.default_rng(4)
    p, y, i = rng.random(60), rng.integers(0, 2, 60), rng.permutation(60)
    before = p.copy(), y.copy()
    a, b = debiased_ece(y, p), debiased_ece(y[i], p[i])
    assert (a.value, a.lo, a.hi) == pytest.approx((b.value, b.lo, b.hi), abs=1e-12)
    np.testing.assert_array_equal(p, before[0])
    np.testing.assert_array_equal(y, before[1])


def test_bins_of_one_patient_are_left_out_and_said():
    found = debiased_ece([0, 1, 1], [0.1, 0.5, 0.9], 3)
    assert np.isnan(found.value)
    assert found.note == "No bin holds two patients: use fewer bins."
    some = debiased_ece([0, 0, 1, 1, 1], [0.1, 0.1, 0.5, 0.9, 0.9], 3, group=[0, 1, 2, 3, 3])
    assert "2 bins of a single patient were left out." in some.note
