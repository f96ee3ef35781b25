import json

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from medgraft.base import MedgraftError
from medgraft.evidence import ece, reliability
from medgraft.evidence.shares import wilson


def test_ece_computed_by_hand():
    p, y = [0.1, 0.2, 0.7, 0.9], [0, 1, 1, 1]
    # Two bins: |(0 - 0.1) + (1 - 0.2)| = 0.7 and |(1 - 0.7) + (1 - 0.9)| = 0.4; over four rows.
    assert ece(y, p, bins=2) == pytest.approx(1.1 / 4, abs=1e-15)
    assert ece(y, p, bins=1) == pytest.approx(abs(3 - 1.9) / 4, abs=1e-15)
    assert ece(y, p, bins=4) == pytest.approx((0.1 + 0.8 + 0.3 + 0.1) / 4, abs=1e-15)


def test_a_column_or_both_columns_say_the_same():
    rng = np.random.default_rng(0)
    p, y = rng.random(50), rng.integers(0, 2, 50)
    assert ece(y, p) == ece(y, np.stack([1 - p, p], axis=1))


def test_the_curve_agrees_with_scikit_learn():
    rng = np.random.default_rng(0)
    p, y = rng.random(100), rng.integers(0, 2, 100)
    observed, predicted = calibration_curve(y, p, n_bins=10, strategy="quantile")
    points = reliability(y, p)["bins"]
    np.testing.assert_allclose([b["observed"] for b in points], observed, atol=1e-12)
    np.testing.assert_allclose([b["predicted"] for b in points], predicted, atol=1e-12)
    assert [b["n"] for b in points] == [10] * 10


def test_the_curve_adds_up_to_the_error():
    rng = np.random.default_rng(1)
    p, y = np.round(rng.random(83), 1), rng.integers(0, 2, 83)
    made = reliability(y, p, bins=7)
    total = sum(b["n"] * abs(b["observed"] - b["predicted"]) for b in made["bins"]) / 83
    assert made["ece"] == pytest.approx(total, abs=1e-14)
    assert sum(b["n"] for b in made["bins"]) == made["n"] == 83


def test_several_classes_are_judged_by_their_most_probable():
    made = reliability([0, 2], [[0.8, 0.1, 0.1], [0.3, 0.5, 0.2]], bins=1)
    assert made["of"] == "top class"
    assert made["bins"][0]["observed"] == 0.5
    assert made["bins"][0]["predicted"] == pytest.approx(0.65)


def test_repeated_rows_of_a_patient_do_not_narrow_a_bin():
    y, p = np.tile([0, 1, 1, 1], 5), np.full(20, 0.6)
    alone = reliability(y, p, bins=1)["bins"][0]
    tied = reliability(y, p, bins=1, group=np.tile(np.arange(4), 5))["bins"][0]
    assert (alone["patients"], tied["patients"]) == (20, 4)
    assert (tied["lo"], tied["hi"]) == pytest.approx(wilson(3, 4))
    assert tied["hi"] - tied["lo"] > alone["hi"] - alone["lo"]


def test_the_curve_is_json():
    assert json.loads(json.dumps(reliability([0, 1], [0.2, 0.9])))["n"] == 2


def test_bad_input_is_told_in_one_sentence():
    with pytest.raises(MedgraftError, match="at least one bin"):
        ece([0, 1], [0.1, 0.2], bins=0)
    with pytest.raises(MedgraftError, match="'group' has shape"):
        reliability([0, 1], [0.1, 0.2], group=[0])
