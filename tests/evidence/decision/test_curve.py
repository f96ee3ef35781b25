import json

import numpy as np
import pytest

from medgraft.base import MedgraftError
from medgraft.evidence.decision import decision_curve, decision_difference

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


def test_where_nobody_is_flagged_the_exact_bound_of_no_patient_holds():
    y, p = np.arange(40) % 2, np.full(40, 0.3)
    got = decision_curve(y, p, thresholds=[0.2, 0.4, 0.75], n_boot=50).model
    none = 1 - 0.025 ** (1 / 40)  # so many of all may be flagged when none of forty is
    np.testing.assert_allclose(got.value[1:], 0)
    np.testing.assert_allclose(got.hi[1:], [none, 3 * none])
    np.testing.assert_allclose(got.lo[1:], [-none, -3 * none])


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
    once = decision_curve(Y, P, thresholds=AT, n_boot=300).model
    thrice = decision_curve(np.repeat(Y, 3), np.repeat(P, 3), thresholds=AT, group=group, n_boot=300).model
    for a, b in zip(vars(once).values(), vars(thrice).values(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)


def test_it_is_written_as_json_without_nan():
    json.dumps(decision_curve([0, 1], [0.2, 0.7], group=[1, 1], n_boot=5).to_dict(), allow_nan=False)


@pytest.mark.parametrize("at", [[1.0], [-0.1], [], [[0.1]], [np.nan]])
def test_a_threshold_outside_0_to_1_is_refused(at):
    with pytest.raises(MedgraftError, match="from 0 to below 1"):
        decision_curve(Y, P, thresholds=at)
