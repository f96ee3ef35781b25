from __future__ import annotations

import pytest

import medgraft as mg


def test_settings_are_read_as_numbers_truths_and_words():
    a = mg.arm("finetune:epochs=3,augmentation=none", lr=0.01)
    assert a.method == "finetune"
    assert a.settings == {"epochs": 3, "augmentation": "none", "lr": 0.01}


def test_the_name_of_an_arm_is_what_was_typed():
    assert mg.arm("coral").name == "coral"
    assert mg.arm("finetune:epochs=3").name == "finetune:epochs=3"


def test_an_unknown_arm_is_answered_with_the_nearest_one():
    with pytest.raises(mg.MedgraftError, match="There is no method 'finetun'. Did you mean 'finetune'"):
        mg.arm("finetun")


def test_a_misspelt_setting_is_answered_with_the_nearest_one():
    with pytest.raises(mg.MedgraftError, match="no setting 'epoch'. Did you mean 'epochs'"):
        mg.arm("finetune:epoch=3")


def test_a_setting_without_a_value_is_refused():
    with pytest.raises(mg.MedgraftError, match="setting without a value"):
        mg.arm("finetune:epochs")
