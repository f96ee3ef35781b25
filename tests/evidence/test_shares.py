import numpy as np
import pytest
from scipy.stats import binom

from medgraft.evidence import interval
from medgraft.evidence.shares import mean_share, wilson


def test_wilson_solves_its_equation():
    for k, n in ((0, 10), (3, 10), (10, 10), (45, 50)):
        for end in wilson(k, n):
            if 1e-9 < end < 1 - 1e-9:
                assert abs(k / n - end) == pytest.approx(1.959964 * np.sqrt(end * (1 - end) / n), rel=1e-6)
    assert wilson(0, 10)[0] == 0
    assert wilson(10, 10)[1] == 1


def test_of_one_share_it_is_wilsons():
    assert mean_share([7], [12]) == pytest.approx(wilson(7, 12), abs=1e-15)


def test_of_two_shares_it_is_newcombes_interval_of_a_difference():
    # Newcombe 1998, method 10: 56/70 - 48/80 lies between 0.0524 and 0.3339; the mean of 56/70 and
    # 1 - 48/80 is half of one more than that.
    lo, hi = mean_share([56, 32], [70, 80])
    assert (2 * lo - 1, 2 * hi - 1) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_what_is_not_counted_has_the_mirrored_interval():
    lo, hi = mean_share([5, 30, 8], [6, 40, 9], 0.9)
    assert mean_share([1, 10, 1], [6, 40, 9], 0.9) == pytest.approx((1 - hi, 1 - lo), abs=1e-12)


@pytest.mark.parametrize("true", [(0.69, 0.69), (0.9, 0.8), (0.6, 0.95)])
@pytest.mark.parametrize("n", [(6, 44), (18, 32)])
def test_its_exact_coverage_is_within_two_points_of_the_nominal(n, true):
    covers = 0.0
    for a in range(n[0] + 1):
        for b in range(n[1] + 1):
            lo, hi = mean_share([a, b], n)
            if lo <= sum(true) / 2 <= hi:
                covers += binom.pmf(a, n[0], true[0]) * binom.pmf(b, n[1], true[1])
    assert covers == pytest.approx(0.95, abs=0.02)


def decided(y, wrong):
    """Sure predictions of two classes, `wrong` on these rows."""
    return np.eye(2)[np.where(np.isin(np.arange(len(y)), wrong), 1 - y, y)]


def test_balanced_accuracy_with_one_row_a_patient_has_this_interval():
    y = np.repeat([0, 1], [44, 6])
    got = interval("balanced_accuracy", y, decided(y, [0, 1, 2, 3, 44, 45]), level=0.9)
    assert (got.lo, got.hi) == pytest.approx(mean_share([40, 4], [44, 6], 0.9), abs=1e-15)
    assert got.value == pytest.approx((40 / 44 + 4 / 6) / 2)


def test_balanced_accuracy_of_patients_with_several_rows_counts_patients_not_rows():
    y = np.repeat([0, 1], [40, 20])
    p = decided(y, [0, 1, 2, 3, 40, 41, 42])
    alone = interval("balanced_accuracy", y, p)
    four = {"y": np.repeat(y, 4), "p": np.repeat(p, 4, axis=0)}
    patients = interval("balanced_accuracy", **four, group=np.repeat(np.arange(60), 4))
    rows = interval("balanced_accuracy", **four)
    assert patients.hi - patients.lo == pytest.approx(alone.hi - alone.lo, rel=0.15)
    assert rows.hi - rows.lo < 0.6 * (alone.hi - alone.lo)
