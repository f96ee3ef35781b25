import json

import numpy as np
import pytest
from scipy.special import stdtr
from scipy.stats import multinomial

from medgraft.base import MedgraftError
from medgraft.evidence.decision import decision_curve, decision_difference
from medgraft.evidence.paired import mcnemar
from medgraft.evidence.score_interval import score_interval
from medgraft.evidence.shares import wilson

# Drawn once, and given to the library dcurves 1.1.7.
Y = [
    1,
    1,
    0,
    1,
    0,
    1,
    1,
    0,
    1,
    0,
    0,
    1,
    0,
    1,
    0,
    0,
    0,
    1,
    0,
    1,
    0,
    1,
    1,
    1,
    0,
    0,
    1,
    1,
    1,
    0,
    0,
    0,
    0,
    1,
    1,
    1,
]
Y = np.array([*Y, 0, 1, 1, 0])
P = """.84 .61 .36 .78 .1 .82 .73 .55 .38 .56 .13 .31 .6 .85 .61 .33 .19 .25 .45 .75 .58 .45 .4 .7 .56 .67 .36
.59 .88 .3 .41 .02 .47 .89 .83 .87 .46 .42 .79 .15"""
P = np.array(P.split(), dtype=float)
AT = [0.1, 0.25, 0.5, 0.75]
MODEL = [0.47500000000000003, 0.4083333333333334, 0.175, 0.25]
EVERYBODY = [0.47222222222222227, 0.3666666666666667, 0.050000000000000044, -0.8999999999999998]


def test_the_curve_is_that_of_dcurves():
    got = decision_curve(Y, P, thresholds=AT, n_boot=50)
    np.testing.assert_allclose(got.model.value, MODEL, atol=1e-9)
    np.testing.assert_allclose(got.treat_all.value, EVERYBODY, atol=1e-9)


def test_treating_everybody_is_worth_nothing_at_the_share_of_events():
    got = decision_curve(Y, P, thresholds=[0.0, Y.mean()], n_boot=50)
    np.testing.assert_allclose(got.treat_all.value, [Y.mean(), 0], atol=1e-12)
    assert got.model.value[0] == Y.mean()  # all probabilities are 0 or more


def test_the_interval_of_a_mean_is_that_of_the_textbook():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 400)
    p = np.clip(y * 0.3 + 0.7 * rng.random(400), 0, 1)
    gain = np.where(p >= 0.5, np.where(y == 1, 1.0, -1.0), 0.0)
    half = 1.966 * gain.std(ddof=1) / 20
    got = decision_curve(y, p, thresholds=[0.5], n_boot=20_000).model
    assert (got.lo[0], got.hi[0]) == pytest.approx((gain.mean() - half, gain.mean() + half), abs=0.006)
    # At one threshold, the band for all is the interval.
    assert (got.lo_all[0], got.hi_all[0]) == pytest.approx(
        (gain.mean() - half, gain.mean() + half), abs=0.003
    )


def test_the_band_for_all_thresholds_holds_every_interval():
    got = decision_curve(Y, P, n_boot=1000).model
    wide, narrow = got.hi_all - got.lo_all, got.hi - got.lo
    assert (wide >= narrow).all() and (wide > narrow)[:60].all()
    assert (got.lo_all <= got.lo).all() and (got.hi <= got.hi_all).all()


def test_where_nobody_is_flagged_wilsons_bound_of_no_patient_holds():
    y, p = np.arange(40) % 2, np.full(40, 0.3)
    got = decision_curve(y, p, thresholds=[0.2, 0.4, 0.75], n_boot=50).model
    z2 = 1.959964**2
    none = z2 / (40 + z2)  # so many of all may be flagged when none of forty is
    np.testing.assert_allclose(got.value[1:], 0)
    np.testing.assert_allclose(got.hi[1:], [none, none])  # all flagged might have the event
    np.testing.assert_allclose(got.lo[1:], [-none / 1.5, -3 * none])


def test_the_difference_of_two_models_is_paired_and_turns_with_them():
    other = np.clip(P + 0.1 * np.sin(np.arange(40)), 0, 1)
    got, back = (decision_difference(Y, a, b, thresholds=AT, n_boot=300) for a, b in ((P, other), (other, P)))
    curves = [decision_curve(Y, p, thresholds=AT, n_boot=300).model.value for p in (P, other)]
    np.testing.assert_allclose(got.value, curves[0] - curves[1], atol=1e-12)
    np.testing.assert_allclose(got.lo, -back.hi, atol=1e-12)
    same = decision_difference(Y, P, P, thresholds=AT, n_boot=50)
    for part in vars(same).values():
        np.testing.assert_array_equal(part, np.zeros(4))


def test_the_model_minus_all_is_the_difference_from_certainty():
    curve = decision_curve(Y, P, thresholds=AT, n_boot=300)
    got = decision_difference(Y, P, np.ones(40), thresholds=AT, n_boot=300)
    np.testing.assert_allclose(curve.model_minus_all.lo, got.lo, atol=1e-12)


def test_copies_of_a_patients_rows_are_no_news():
    group = np.repeat(np.arange(40), 3)
    level = 2 * stdtr(39, 1.959963984540054) - 1  # where Student's t is the normal quantile
    once = decision_curve(Y, P, thresholds=AT, n_boot=300)
    thrice = decision_curve(
        np.repeat(Y, 3), np.repeat(P, 3), thresholds=AT, group=group, n_boot=300, level=level
    )
    for curve in ("model", "treat_all", "model_minus_all"):
        a, b = vars(getattr(once, curve)), vars(getattr(thrice, curve))
        for end in ("value", "lo", "hi"):
            np.testing.assert_allclose(a[end], b[end], atol=1e-9)


def test_treating_everybody_has_wilsons_interval_of_the_share_of_events():
    got = decision_curve(Y, P, thresholds=[0.0, 0.5], n_boot=50).treat_all
    lo, hi = wilson(float(Y.sum()), 40, 0.95)
    np.testing.assert_allclose([got.lo, got.hi], [[lo, 2 * lo - 1], [hi, 2 * hi - 1]], atol=1e-9)


def test_at_one_half_the_interval_is_that_of_two_paired_shares():
    flagged, n = P >= 0.5, 40
    b, c = (flagged & (Y == 1)).sum(), (flagged & (Y == 0)).sum()
    got = decision_curve(Y, P, thresholds=[0.5], n_boot=50).model
    tango = mcnemar(np.arange(n) < b, (np.arange(n) >= b) & (np.arange(n) < b + c))
    assert (got.lo[0], got.hi[0]) == pytest.approx((tango.lo, tango.hi), abs=1e-12)


def test_the_interval_covers_with_few_patients_and_hardly_anybody_flagged():
    # All tables of 50 patients, each with its chance: coverage without simulation.
    n, shares = 50, np.array([0.16, 0.03])  # events and others that are flagged, at a threshold of 0.7
    x = np.array([(i, j) for i in range(n + 1) for j in range(n + 1 - i)])
    x = np.column_stack([x, n - x.sum(axis=1)])
    chance = multinomial.pmf(x, n, [*shares, 1 - shares.sum()])
    lo, hi = score_interval([1, -0.7 / 0.3, 0], x, 1.959963984540054)
    truth = shares[0] - shares[1] * 0.7 / 0.3
    assert chance[(lo <= truth) & (truth <= hi)].sum() == pytest.approx(0.95, abs=0.02)


def test_it_is_written_as_json_without_nan():
    json.dumps(decision_curve([0, 1], [0.2, 0.7], group=[1, 1], n_boot=5).to_dict(), allow_nan=False)


@pytest.mark.parametrize("at", [[1.0], [-0.1], [], [[0.1]], [np.nan]])
def test_a_threshold_outside_0_to_1_is_refused(at):
    with pytest.raises(MedgraftError, match="from 0 to below 1"):
        decision_curve(Y, P, thresholds=at)
