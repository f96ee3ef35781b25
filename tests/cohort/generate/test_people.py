"""The truth about the patients of generated files is that of the table that they were made from."""

from __future__ import annotations

import numpy as np
import pytest

from medgraft.base import MedgraftError
from medgraft.cohort.generate import People


def _best(frame, home):
    """Accuracy at `home`'s rows of the rule learnt from them, and of that rule elsewhere."""
    rule = frame[home].groupby("shown")["label"].agg(lambda s: s.value_counts().index[0])
    return (frame["shown"].map(rule) == frame["label"]).groupby(frame["site"]).mean()


@pytest.mark.parametrize(
    "settings",
    [
        {"noise": 0.2},
        {"noise": 0.1, "concept": 0.6},
        {"noise": 0.3, "prevalence": (0.1, 0.5)},
        {"noise": 0.25, "classes": ("u", "v", "w"), "prevalence": (0.3, 0.6)},
        {"noise": 0.2, "rows_per_patient": 2, "mixed_labels": True},
    ],
)
def test_the_best_rule_for_the_content_has_the_stated_accuracy(settings):
    people = People(40_000, **settings)
    frame, truth = people.deal(), people.truth()
    found = _best(frame, frame["site"] == "a")
    for site in "ab":
        assert found[site] == pytest.approx(truth.transfer[site], abs=0.01)
    own = _best(frame, frame["site"] == "b")
    assert own["b"] == pytest.approx(truth.accuracy["b"], abs=0.01)


def test_without_noise_the_content_is_the_label():
    frame = People(50, rows_per_patient=3).deal()
    assert (frame["label"] == frame["shown"]).all()
    assert frame.groupby("patient")[["label", "site", "sex", "age"]].nunique().max().max() == 1


def test_a_full_concept_shift_swaps_the_meaning():
    people = People(100, concept=1.0)
    frame = people.deal()
    assert ((frame["label"] == frame["shown"]) == (frame["site"] == "a")).all()
    assert people.truth().accuracy == {"a": 1.0, "b": 1.0} and people.truth().transfer == {"a": 1.0, "b": 0.0}


def test_the_class_can_be_made_equal_to_the_site():
    frame = People(40, prevalence=(1, 0)).deal()
    assert ((frame["label"] == "ill") == (frame["site"] == "a")).all()


def test_sex_and_age_have_nothing_to_do_with_the_class():
    frame = People(20_000).deal()
    ill = (frame["label"] == "ill").to_numpy(float)
    assert abs(np.corrcoef(ill, frame["age"])[0, 1]) < 0.03
    assert abs(np.corrcoef(ill, frame["sex"] == "male")[0, 1]) < 0.03


@pytest.mark.parametrize("settings", [{"noise": -0.1}, {"noise": 0.6, "concept": 0.6}, {"classes": ("a",)}])
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(MedgraftError, match=r"\.$"):
        People(10, **settings)
