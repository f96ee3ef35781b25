import numpy as np
import pytest
from scipy.special import expit

from medgraft.base import MedgraftError
from medgraft.evidence import interval
from medgraft.evidence.calibration import Platt, ici, smooth_curve, smooth_error
from medgraft.evidence.metrics import metrics
from medgraft.evidence.metrics.calibration import loess

X = np.round(np.linspace(0.05, 0.95, 12) ** 1.5, 3)
Y = np.array([0, 0, 1, 0, 0, 1, 0, 1, 1, 0, 1, 1.0])
# statsmodels 0.14: lowess(Y, X, frac=0.75, it=0, delta=0)
LOWESS = [0.163540407, 0.197625889, 0.244382941, 0.304103071, 0.369394469, 0.42307014]
LOWESS += [0.577008694, 0.58751299, 0.643509905, 0.733478952, 0.807868865, 0.891181329]


def naive(x, y, a, span):
    """A local line at `a`, by least squares with a matrix."""
    h = np.sort(np.abs(x - a))[round(span * len(x)) - 1]
    k = np.clip(1 - (np.abs(x - a) / h) ** 3, 0, None) ** 3
    A = np.stack([np.ones_like(x), x - a], axis=1) * np.sqrt(k)[:, None]
    return np.linalg.lstsq(A, y * np.sqrt(k), rcond=None)[0][0]


def test_the_curve_is_that_of_statsmodels_lowess():
    np.testing.assert_allclose(loess(X, Y, np.ones((1, 12)), X, 0.75)[:, 0], LOWESS, atol=1e-9)


@pytest.mark.parametrize("span", [0.25, 0.5, 0.75, 1.0])
def test_the_curve_is_a_line_of_least_squares_in_a_window(span):
    rng = np.random.default_rng(0)
    x, y = rng.random(40), rng.random(40)
    at = np.array([0.05, 0.5, 0.97])
    found = loess(x, y, np.ones((1, 40)), at, span)[:, 0]
    np.testing.assert_allclose(found, [naive(x, y, a, span) for a in at], atol=1e-9)


def test_a_line_is_left_as_it_is_and_many_weights_are_each_their_own():
    rng = np.random.default_rng(1)
    x, y, w = rng.random(30), rng.random(30), rng.integers(0, 3, (4, 30)).astype(float)
    np.testing.assert_allclose(loess(x, 2 - 3 * x, w, x), np.tile((2 - 3 * x)[:, None], 4), atol=1e-9)
    one = [loess(x, y, w[[b]], x)[:, 0] for b in range(4)]
    np.testing.assert_allclose(loess(x, y, w, x), np.stack(one, axis=1), atol=1e-12)


def test_ici_and_its_quantiles_are_of_the_distance_to_the_curve():
    gap = np.abs(np.array(LOWESS) - X)
    found = smooth_error(Y.astype(int), X)
    assert found.ici == pytest.approx(gap.mean(), abs=1e-8)
    assert (found.e50, found.e90, found.emax) == pytest.approx(np.quantile(gap, [0.5, 0.9, 1]), abs=1e-8)
    both = np.stack([1 - X, X], axis=1)
    assert metrics["ici"].value(Y.astype(int), both) == pytest.approx(found.ici, abs=1e-14)


def test_with_many_predictions_the_curve_drawn_through_points_is_close_to_the_curve_at_all():
    rng = np.random.default_rng(2)
    p = rng.beta(1, 2, 500)
    y = (rng.random(500) < p**1.5).astype(int)
    exact = np.clip(loess(p, y.astype(float), np.ones((1, 500)), p)[:, 0], 0, 1)
    assert smooth_error(y, p).ici == pytest.approx(np.abs(exact - p).mean(), abs=5e-4)
    np.testing.assert_allclose(smooth_curve(y, p, p), exact, atol=1e-12)


def test_equal_predictions_err_by_their_distance_from_the_share():
    found = smooth_error([0, 0, 0, 1], [0.4] * 4)
    np.testing.assert_allclose(found, [0.15] * 4, atol=1e-15)


def test_tied_predictions_of_a_whole_window_are_averaged():
    p = np.array([0.2] * 9 + [0.9])
    y = np.array([1] * 3 + [0] * 6 + [1])
    assert smooth_curve(y, p, [0.2])[0] == pytest.approx(1 / 3)


def test_its_interval_resamples_patients_not_rows():
    rng = np.random.default_rng(3)
    p = rng.random(40)
    y, group = (rng.random(40) < p**3).astype(int), np.repeat(np.arange(40), 4)
    y, both = np.repeat(y, 4), np.repeat(np.stack([1 - p, p], axis=1), 4, axis=0)
    rows, patients = (interval("ici", y, both, group=g, n_boot=200) for g in (None, group))
    assert patients.hi - patients.lo > 1.5 * (rows.hi - rows.lo)


def test_a_span_that_is_no_share_is_refused():
    with pytest.raises(MedgraftError, match="span"):
        smooth_error([0, 1], [0.1, 0.9], span=0)
    with pytest.raises(MedgraftError, match="no class 2"):
        smooth_error([0, 1], [0.1, 0.9], of=2)


def test_the_interval_starts_at_0_unless_an_error_is_shown():
    rng = np.random.default_rng(4)
    p = rng.random(300)
    good, bad = (rng.random(300) < p).astype(int), (rng.random(300) < p**3).astype(int)
    found = ici(good, p, n_boot=200)
    assert found.lo == 0
    assert found.note.endswith("the interval starts at 0.")
    shown = ici(bad, p, n_boot=200)
    assert 0 < shown.lo < shown.value < shown.hi


@pytest.mark.parametrize(
    ("patients", "rows", "span"), [(25, 1, 0.75), (25, 30, 0.75), (800, 1, 0.75 / 4**0.2)]
)
def test_its_curve_is_a_logistic_one_and_the_local_line_through_what_that_leaves(patients, rows, span):
    rng = np.random.default_rng(7)
    group = np.repeat(np.arange(patients), rows)
    p = rng.choice(np.linspace(0.05, 0.95, 19), len(group))
    y = (rng.random(len(group)) < p**2).astype(int)
    guide = Platt().fit(p, y, group=group).transform(p)
    line = {a: naive(p, y - guide, a, span) for a in np.unique(p)}
    curve = np.clip(guide + [line[a] for a in p], 0, 1)
    assert ici(y, p, group=group, n_boot=2).value == pytest.approx(np.abs(curve - p).mean(), abs=1e-9)


@pytest.mark.parametrize(("shift", "bend"), [(1.0, 0.0), (0.3, -0.4)])
def test_of_many_patients_it_comes_nearer_to_the_truth_than_the_wide_window_does(shift, bend):
    line = np.sort(np.random.default_rng(8).normal(-0.8, 1.2, 20_000))
    p, truly = expit(line), expit(line + shift + bend * (line + 0.8) ** 2)
    y = np.diff(np.floor(np.cumsum(truly)), prepend=0).astype(int)  # as often as truly, without luck
    truth = np.abs(truly - p).mean()
    off, wide = (abs(x - truth) for x in (ici(y, p, n_boot=2).value, smooth_error(y, p).ici))
    assert off < wide / 2


@pytest.mark.parametrize("y", [[0, 0, 1, 1], [0, 0, 0, 0]])
@pytest.mark.parametrize(
    "p", [[0.1, 0.2, 0.8, 0.9], [0.5] * 4, [0.3, 0.1 + 0.2] * 2, [1e-9, 1e-8, 1e-7, 1e-8], [0, 1, 0, 1]]
)
def test_it_is_there_where_no_logistic_curve_can_be_drawn(y, p):
    found = ici(y, p, n_boot=20)
    assert np.isfinite([found.value, found.lo, found.hi]).all()
    if np.ptp(p) < 1e-6:
        assert found.value == pytest.approx(abs(np.mean(y) - p[0]), abs=1e-6)


def test_ten_patients_are_tested_for_an_error_and_one_has_no_interval():
    p = np.linspace(0.9, 0.99, 10)
    shown = ici(np.zeros(10, dtype=int), p, n_boot=200)
    assert 0.8 < shown.lo < shown.value < shown.hi and not shown.note
    alone = ici([1, 1], [0.3, 0.4], group=["a", "a"], n_boot=20)
    assert np.isnan([alone.lo, alone.hi]).all() and "starts at 0" not in alone.note


@pytest.mark.parametrize(
    ("p", "y"),
    [([0.2] * 19 + [0.9], [0, 1] * 10), ([0.2, 0.7], [0, 1]), ([0.1] * 998 + [0.5] * 2, [0, 1] * 500)],
)
def test_a_tie_that_fills_the_window_costs_no_draw(p, y):
    for found in (
        ici(y, p, n_boot=100),
        interval("ici", y, np.stack([1 - np.array(p), p], axis=1), n_boot=100),
    ):
        assert np.isfinite([found.lo, found.hi]).all() and "left out" not in found.note


def test_a_window_with_nothing_inside_has_the_line_through_what_lies_at_its_ends():
    x, y = np.array([0.1, 0.3, 0.5, 0.5]), np.array([1.0, 7.0, 0.0, 1.0])
    w = np.array([[1.0, 0.0, 1.0, 1.0]])
    assert loess(x, y, w, np.array([0.3]), 0.5)[0, 0] == pytest.approx((1 + 0.5) / 2)


def test_the_index_of_a_class_is_that_of_the_class_against_the_rest():
    rng = np.random.default_rng(5)
    y, p = rng.integers(0, 3, 80), rng.dirichlet(np.ones(3), 80)
    assert ici(y, p, of=1, n_boot=50) == ici((y == 1).astype(int), p[:, 1], n_boot=50)


@pytest.mark.parametrize("n", [20, 60, 300])
def test_an_integer_weight_is_that_many_copies_with_many_predictions_too(n):
    rng = np.random.default_rng(6)
    p, y, w = rng.dirichlet([1, 1], n), rng.integers(0, 2, n), rng.integers(0, 4, n)
    again = np.repeat(np.arange(n), w)
    value = metrics["ici"].value(y, p, w)
    assert value == pytest.approx(metrics["ici"].value(y[again], p[again]), abs=1e-12)
    assert np.isnan(metrics["ici"].value(y, p, np.zeros(n)))
