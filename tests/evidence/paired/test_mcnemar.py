import itertools
import math

import numpy as np
import pytest
from scipy import optimize, stats

from medgraft.base import MedgraftError
from medgraft.evidence.paired import mcnemar
from medgraft.evidence.paired.mcnemar import sign_flips
from medgraft.evidence.score_interval import score_interval


def pairs(b, c, n):
    """The arm alone is right on b rows, the control alone on c, both on the rest."""
    arm, control = np.ones(n, int), np.ones(n, int)
    arm[b : b + c] = 0
    control[:b] = 0
    return arm, control


def clustered(seed, people=9, rows=30):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 2, rows), rng.integers(0, 2, rows), rng.permutation(np.arange(rows) % people)


def test_the_interval_is_that_of_published_examples():
    # Fagerland, Lydersen and Laake 2014 (airway reactivity of 21 children), and the vector that users of R's
    # PropCIs compare with.
    arm, control = pairs(1, 7, 21)
    got = mcnemar(arm, control)
    assert (round(got.lo, 3), round(got.hi, 3)) == (-0.517, -0.026)
    got = mcnemar(*pairs(28, 25, 618), level=0.9)
    assert (round(got.lo, 4), round(got.hi, 4)) == (-0.0148, 0.0247)


@pytest.mark.parametrize(
    ("b", "c", "p"), [(1, 7, 0.0703125), (12, 3, 0.03515625), (5, 5, 1.0), (0, 4, 0.125)]
)
def test_the_exact_p_value_is_that_of_statsmodels(b, c, p):
    assert mcnemar(*pairs(b, c, 20 + b + c), kind="exact").p_value == pytest.approx(p, abs=1e-12)


def test_the_mid_p_counts_outcomes_as_extreme_one_half():
    assert mcnemar(*pairs(1, 7, 21)).p_value == pytest.approx(0.0703125 - stats.binom.pmf(1, 8, 0.5))
    assert mcnemar(*pairs(5, 5, 21)).p_value == pytest.approx(1 - stats.binom.pmf(5, 10, 0.5) / 2)


@pytest.mark.parametrize("seed", range(4))
def test_with_several_rows_all_rows_of_a_patient_flip_together(seed):
    arm, control, group = clustered(seed)
    sums = np.array([(arm - control)[group == g].sum() for g in range(9)])
    flipped = [abs(np.dot(signs, sums)) for signs in itertools.product((1, -1), repeat=9)]
    far = np.mean([x >= abs(sums.sum()) for x in flipped])
    tie = np.mean([x == abs(sums.sum()) for x in flipped])
    assert mcnemar(arm, control, group=group, kind="exact").p_value == pytest.approx(far, abs=1e-12)
    assert mcnemar(arm, control, group=group).p_value == pytest.approx(far - tie / 2, abs=1e-12)


def test_many_patients_have_the_normal_p_value_of_yang_sun_and_hardin():
    rng = np.random.default_rng(0)
    sums = rng.choice([-3, -1, 0, 1, 2], size=4000).astype(float)
    z = (abs(sums.sum()) - 0.5) / math.sqrt(np.square(sums).sum())  # with the correction for whole numbers
    assert sign_flips(sums)[0] == pytest.approx(2 * stats.norm.sf(z), rel=0.02)


def test_chances_of_flips_sum_to_one_whatever_their_number():
    for m in (0, 1, 3, 50000):
        assert sign_flips(np.concatenate([np.ones(m), -np.ones(m)]))[0] == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize(("b", "c", "n"), [(1, 7, 21), (0, 3, 30), (10, 4, 50), (2, 2, 15), (12, 0, 12)])
def test_the_ends_are_where_the_score_test_of_the_likelihood_rejects(b, c, n):
    """The constrained maximum is found by search, the variance is the inverse of the expected information."""
    z = 1.959963984540054

    def score(delta):
        def loss(q):
            p = q + delta
            rest = 1 - p - q
            return -sum(k * math.log(max(x, 1e-300)) for k, x in ((b, p), (c, q), (n - b - c, rest)) if k)

        low, high = max(0.0, -delta), (1 - delta) / 2
        q = optimize.minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-12}).x
        return (b - c - n * delta) / math.sqrt(n * (2 * q + delta - delta**2))

    lo, hi = score_interval([1, -1, 0], [b, c, n - b - c], z)
    for end in (lo, hi):
        if abs(end) < 1:
            assert abs(score(end)) == pytest.approx(z, rel=1e-4)


def test_where_nobody_disagrees_the_interval_has_its_closed_form():
    got = mcnemar(*pairs(0, 0, 50))
    z2 = stats.norm.ppf(0.975) ** 2
    assert got.p_value == mcnemar(*pairs(0, 0, 50), kind="exact").p_value == 1.0
    assert (got.lo, got.hi) == pytest.approx((-z2 / (50 + z2), z2 / (50 + z2)), abs=1e-10)
    all_one_way = mcnemar(*pairs(12, 0, 12))
    assert (all_one_way.lo, all_one_way.hi) == (pytest.approx((12 - z2) / (12 + z2), abs=1e-10), 1.0)


def test_where_nobody_disagrees_several_rows_count_as_one_patient():
    got = mcnemar(*pairs(0, 0, 200), group=np.arange(200) // 4)
    t2 = stats.t.ppf(0.975, 49) ** 2
    assert (got.lo, got.hi) == pytest.approx((-t2 / (50 + t2), t2 / (50 + t2)), abs=1e-10)


def test_exchanging_the_arms_mirrors_the_result():
    arm, control, group = clustered(5)
    one, other = mcnemar(arm, control, group=group), mcnemar(control, arm, group=group)
    assert (one.value, one.lo, one.hi) == pytest.approx((-other.value, -other.hi, -other.lo), abs=1e-10)
    assert one.p_value == other.p_value


def test_the_order_of_rows_and_names_of_patients_do_not_matter():
    arm, control, group = clustered(6)
    kept = arm.copy(), control.copy(), group.copy()
    one = mcnemar(arm, control, group=group)
    i = np.random.default_rng(0).permutation(len(arm))
    other = mcnemar(arm[i].astype(bool), control[i], group=[f"p{g}" for g in group[i]])
    assert (one.value, one.lo, one.hi, one.se) == pytest.approx((other.value, other.lo, other.hi, other.se))
    assert one.p_value == pytest.approx(other.p_value, abs=1e-12)
    for x, y in zip((arm, control, group), kept, strict=True):
        np.testing.assert_array_equal(x, y)


def test_copies_of_every_row_in_the_same_patient_add_nothing():
    arm, control = pairs(9, 3, 40)
    one = mcnemar(arm, control)
    thrice = mcnemar(np.tile(arm, 3), np.tile(control, 3), group=np.tile(np.arange(40), 3))
    assert thrice.p_value == pytest.approx(one.p_value, abs=1e-12)
    assert thrice.se == pytest.approx(one.se, rel=1e-12)
    # But for Student's t in place of the normal quantile, the interval is that of 40 rows.
    assert (thrice.lo, thrice.hi) == pytest.approx(
        tuple(score_interval([1, -1, 0], [9, 3, 28], stats.t.ppf(0.975, 39))), abs=1e-9
    )


def test_bad_input_is_refused():
    with pytest.raises(MedgraftError, match="0 or 1"):
        mcnemar([0.3, 0.6], [1, 0])
    with pytest.raises(MedgraftError, match="'control' has shape"):
        mcnemar([0, 1], [1, 0, 1])
    with pytest.raises(MedgraftError, match="at least one row"):
        mcnemar([], [])
    with pytest.raises(MedgraftError, match="no p-value of kind 'chi2'"):
        mcnemar([0, 1], [1, 0], kind="chi2")
