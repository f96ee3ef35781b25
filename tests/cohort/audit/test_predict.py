from __future__ import annotations

import numpy as np
import pytest

from medgraft.cohort.audit.predict import SURE, Levels, agreement


def test_noise_predicts_nothing():
    z = []
    for seed in range(15):
        rng = np.random.default_rng(seed)
        judged = agreement(rng.normal(size=(90, 3)), rng.integers(0, 3, 90), np.arange(90))
        z.append(judged.z)
        assert judged.chance == pytest.approx(1 / 3)
        assert 0 <= judged.balanced_accuracy <= 0.6
    assert max(z) < SURE
    assert np.std(z) < 1.3  # z is on the scale of a standard error, or below


def test_a_copy_of_the_label_predicts_everything():
    codes = np.repeat([0, 1], [30, 60])
    judged = agreement(codes[:, None].astype(float), codes, np.arange(90))
    assert judged.balanced_accuracy == judged.informedness == 1 and judged.z > SURE


def test_the_class_that_is_told_best_is_named():
    codes = np.repeat([0, 1, 2], 40)
    sites = np.where(codes == 2, "far", "near")
    judged = agreement(sites[:, None], codes, np.arange(120), Levels())
    assert judged.best == 2 and judged.informedness == 1
    assert judged.balanced_accuracy == pytest.approx(2 / 3)


def test_what_tells_the_patient_but_not_the_label_is_no_predictor():
    rng = np.random.default_rng(1)
    patient = np.repeat(np.arange(40), 6)
    codes = rng.integers(0, 2, 40)[patient]
    trait = rng.normal(size=(40, 4))[patient]
    assert agreement(trait, codes, patient).z < SURE
    apart = agreement(trait, codes, np.arange(240))  # as if rows were patients
    assert apart.z > SURE and apart.informedness > 0.8


def test_six_patients_a_class_prove_nothing():
    codes = np.repeat([0, 1], 6)
    assert agreement(codes[:, None].astype(float), codes, np.arange(12)).z < SURE


@pytest.mark.parametrize("codes", [[-1] * 20, [0] * 20, [0] * 16 + [1] * 4])
def test_without_two_classes_of_five_patients_there_is_no_answer(codes):
    assert agreement(np.zeros((20, 1)), np.array(codes), np.arange(20)) is None


def test_levels_are_taken_for_the_class_they_are_most_typical_of():
    x = np.array(["a"] * 8 + ["b"] * 4)[:, None]
    y = np.array([0] * 7 + [1] + [0, 0, 0, 1])
    fitted = Levels().fit(x, y)
    # Class 1 is rare: half of it is in "b", and 3 of 10 of class 0.
    assert fitted.predict(np.array([["a"], ["b"], ["never seen"]])).tolist() == [0, 1, 0]
