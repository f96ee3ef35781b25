import json
import math

import numpy as np
import pytest

from medgraft.base import MedgraftError
from medgraft.evidence.paired import Difference, delong_test, mcnemar, paired_t, sample_size
from medgraft.evidence.paired.sample_size import patients_needed


def seen(value, se, n=100):
    return Difference(value, value - 2 * se, value + 2 * se, 0.5, se, n - 1, n)


@pytest.mark.parametrize(
    ("effect", "power", "wanted"),
    [
        (0.2, 0.8, 198.150820955562),
        (0.5, 0.8, 33.36713118431779),
        (0.8, 0.8, 14.30276455812943),
        (0.2, 0.9, 264.6136854232749),
        (0.5, 0.9, 43.99548069841475),
        (0.8, 0.9, 18.446224616418817),
    ],
)
def test_the_number_is_that_of_the_power_of_a_paired_t_test(effect, power, wanted):
    """Exact values by statsmodels, which searches the noncentral t distribution."""
    assert patients_needed(effect, power, 0.95) == math.ceil(wanted)


def test_it_goes_with_the_inverse_square_of_the_difference():
    one, half = sample_size(seen(0.02, 0.02, 400)), sample_size(seen(0.01, 0.02, 400))
    z2 = 1.959963984540054**2 / 2
    assert (half.patients - z2) / (one.patients - z2) == pytest.approx(4, rel=0.003)


def test_what_matters_is_the_distance_from_the_value_to_exclude():
    margin = sample_size(seen(0.01, 0.03), against=-0.05)
    zero = sample_size(seen(0.06, 0.03))
    assert (margin.patients, margin.lo, margin.hi) == (zero.patients, zero.lo, zero.hi)
    mirrored = sample_size(seen(-0.06, 0.03))
    assert (mirrored.patients, mirrored.lo, mirrored.hi) == (zero.patients, zero.lo, zero.hi)


def test_the_number_lies_in_its_range_and_a_wider_range_holds_a_narrower():
    narrow, wide = (sample_size(seen(0.03, 0.02), range_level=r) for r in (0.3, 0.8))
    assert wide.lo <= narrow.lo <= narrow.patients <= narrow.hi <= wide.hi


def test_where_the_sign_is_unsure_no_number_is_sure_to_be_enough():
    got = sample_size(seen(0.005, 0.02))
    assert got.hi == math.inf and math.isfinite(got.patients)
    assert "no number of patients is sure" in got.note
    none = sample_size(seen(0.0, 0.02))
    assert none.patients == math.inf and math.isfinite(none.lo)
    json.dumps(none.to_dict(), allow_nan=False)


def test_it_always_says_for_which_models_it_holds():
    assert "same models" in sample_size(seen(0.03, 0.02)).note
    assert "already excludes" in sample_size(seen(0.03, 0.001)).note
    assert "already excludes" not in sample_size(seen(0.03, 0.02)).note


def test_of_a_test_on_many_patients_it_is_what_the_population_needs():
    rng = np.random.default_rng(0)
    d = 0.25 + rng.normal(size=200_000)
    assert sample_size(paired_t(d, np.zeros(len(d)))).patients == pytest.approx(
        patients_needed(0.25, 0.8, 0.95), rel=0.02
    )
    # Right where the other is wrong with chances 0.2 and 0.1: the variance is 0.3 - 0.1^2.
    u = rng.random(200_000)
    got = sample_size(mcnemar(u < 0.2, (u >= 0.2) & (u < 0.3)))
    assert got.patients == pytest.approx(patients_needed(0.1 / math.sqrt(0.29), 0.8, 0.95), rel=0.05)


def test_patients_with_several_rows_are_counted_as_patients():
    rng = np.random.default_rng(1)
    arm, control = rng.normal(0.2, 1, 50), rng.normal(0, 1, 50)
    one = sample_size(paired_t(arm, control))
    thrice = sample_size(paired_t(np.tile(arm, 3), np.tile(control, 3), group=np.tile(np.arange(50), 3)))
    assert (one.tested, one.patients, one.lo, one.hi) == (
        thrice.tested,
        thrice.patients,
        thrice.lo,
        thrice.hi,
    )


@pytest.mark.slow
def test_as_many_patients_as_it_names_give_the_power_for_the_auroc():
    def draw(rng, n):
        y = np.arange(n) % 2
        common = rng.normal(size=n)
        return y, *(g * y + 0.7 * common + 0.7 * rng.normal(size=n) for g in (1.4, 0.8))

    rng = np.random.default_rng(0)
    needed = int(sample_size(delong_test(*draw(rng, 100_000))).patients)
    found = np.mean([delong_test(*draw(rng, needed)).p_value < 0.05 for _ in range(2000)])
    assert found == pytest.approx(0.8, abs=0.03)


def test_a_test_without_a_standard_error_says_so():
    for got in (
        delong_test(np.ones(4), np.arange(4), np.arange(4)),
        paired_t([1.0, 2.0], [1.0, 2.0]),
        mcnemar([1, 1], [1, 1]),
    ):
        needed = sample_size(got)
        assert math.isnan(needed.patients) and "no standard error" in needed.note


def test_bad_settings_are_refused():
    for power in (0, 1, 80):
        with pytest.raises(MedgraftError, match="power"):
            sample_size(seen(0.1, 0.1), power=power)
    for name in ("level", "range_level"):
        with pytest.raises(MedgraftError, match="level"):
            sample_size(seen(0.1, 0.1), **{name: 1.0})
