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


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("finetune:epochs=x", "takes a number"),
        ("finetune:epochs=2.5", "takes a whole number"),
        ("finetune:batchnorm=3", "takes text"),
        ("pooled:task=regression", "say --task"),
        ("pooled:random_state=abc", "say --seed"),
        ("pooled:estimator=foo", "choose another method"),
        ("pooled:estimator__C=3", "no setting"),
        ("guarded:candidates=3", "other arms"),
        ("guarded:inner_folds=x", "takes a number"),
    ],
)
def test_a_setting_of_another_kind_or_of_the_trials_own_is_an_error(spec, says):
    with pytest.raises(mg.MedgraftError, match=says):
        mg.arm(spec)


def test_settings_given_as_keywords_are_part_of_the_name():
    assert mg.arm("finetune", epochs=3).name == mg.arm("finetune:epochs=3").name
    assert mg.arm("finetune", epochs=3).name != mg.arm("finetune", epochs=4).name
