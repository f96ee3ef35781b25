import numpy as np
import pytest

from medgraft.base import MedgraftError
from medgraft.evidence.calibration import calibration_part


def test_a_patient_is_on_one_side_only():
    rng = np.random.default_rng(0)
    group, y = rng.integers(0, 40, 200), rng.integers(0, 3, 200)
    for seed in range(20):
        part = calibration_part(y, group, 0.4, seed)
        assert not set(group[part]) & set(group[~part])


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_every_class_gives_its_share_of_patients(share):
    y = np.repeat([0, 1, 2], [100, 30, 10])
    part = calibration_part(y, share=share)
    assert np.bincount(y[part]).tolist() == [round(share * 100), round(share * 30), round(share * 10)]


def test_a_class_of_two_patients_is_on_both_sides():
    y = np.repeat(["a", "b"], [50, 2])
    for seed in range(20):
        part = calibration_part(y, share=0.1, seed=seed)
        assert part[y == "b"].sum() == 1


def test_a_patient_with_several_classes_counts_to_the_rarest():
    y = np.r_[np.zeros(20), np.tile([0, 1], 4)].astype(int)
    group = np.r_[np.arange(20), np.repeat([100, 101, 102, 103], 2)]
    for seed in range(10):
        part = calibration_part(y, group, seed=seed)
        assert len(np.unique(group[part & (group >= 100)])) == 2


def test_the_seed_decides_and_two_single_patients_are_parted():
    y = np.arange(60) % 2
    np.testing.assert_array_equal(calibration_part(y, seed=3), calibration_part(y, seed=3))
    assert (calibration_part(y, seed=3) != calibration_part(y, seed=4)).any()
    assert calibration_part([0, 1]).sum() == 1


def test_what_cannot_be_split_is_refused():
    with pytest.raises(MedgraftError, match="One patient"):
        calibration_part([0, 1], ["a", "a"])
    with pytest.raises(MedgraftError, match="use 0.5"):
        calibration_part([0, 1], share=1.0)
    with pytest.raises(MedgraftError, match="'group' has shape"):
        calibration_part([0, 1], ["a"])
