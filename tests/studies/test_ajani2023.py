"""[62]: small networks that may keep silent, and a router before them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from medgraft.cohort import kfold_splits
from medgraft.studies import studies
from medgraft.studies.ajani2023 import LEVELS, SETS, WORDS, routed
from medgraft.studies.kit import leaks
from medgraft.studies.kit.found import find
from medgraft.studies.kit.merged import given, merged
from medgraft.studies.kit.run import Run
from medgraft.studies.kit.sureness import right_by_sureness


@pytest.fixture
def kinds(tmp_path):
    s = studies["ajani2023"]
    run = Run(s, find(s, (), True, tmp_path / "data", 0), tmp_path)
    return {kind: merged(given(run, WORDS, LEVELS, *names)) for kind, names in SETS.items()}


def test_the_router_learns_the_kind_and_nothing_of_the_disease(kinds):
    both = routed(kinds)
    assert both.classes == ["X-ray", "CT"] and both.task == "binary"
    assert both.y.tolist() == [0] * kinds["X-ray"].n + [1] * kinds["CT"].n
    assert not {"label", "finding"} & set(both.features)
    # no patient of one kind is taken for one of the other
    assert not set(both.groups[both.y == 0]) & set(both.groups[both.y == 1])


def test_images_of_a_patient_are_on_both_sides_as_published_alone(kinds):
    for cohort in kinds.values():
        who = cohort.groups
        for used, sides in ((cohort, False), (leaks.ungrouped(cohort), True)):
            splits = kfold_splits(used, folds=2, seed=0)
            assert any(np.isin(who[s.test], who[s.labelled]).any() for s in splits) == sides


def test_the_right_answers_by_sureness_are_those_counted_by_hand():
    frame = pd.DataFrame(
        {
            "arm": "a",
            "group": [0, 1, 2, 3],
            "y_true": [1, 0, 1, 0],
            "p_0": [0.05, 0.9, 0.8, 0.3],
            "p_1": [0.95, 0.1, 0.2, 0.7],
        }
    )
    # Surest first: right, right, wrong, wrong -> 1, 1, 2/3, 1/2 right among those answered.
    assert right_by_sureness(frame, "a").value == pytest.approx((1 + 1 + 2 / 3 + 1 / 2) / 4)


def test_a_network_that_knows_when_it_is_wrong_does_better_than_one_as_right_that_does_not():
    rng = np.random.default_rng(0)
    y, right = rng.integers(0, 2, 200), rng.random(200) < 0.8
    told = np.where(right, y, 1 - y)
    for_right = np.where(right, 0.9, 0.6) + 1e-6 * rng.random(200)

    def frame(sure):
        p1 = np.where(told == 1, sure, 1 - sure)
        return pd.DataFrame({"arm": "a", "group": np.arange(200), "y_true": y, "p_0": 1 - p1, "p_1": p1})

    knows, guesses = (right_by_sureness(frame(s), "a") for s in (for_right, rng.permutation(for_right)))
    assert knows.lo > guesses.hi


@pytest.mark.slow
def test_a_run_has_an_experiment_for_each_kind_abstention_and_the_router(tmp_path):
    told = studies["ajani2023"].run(tmp_path, generated=True)
    by_title = {e["title"]: e for e in told["experiments"]}
    assert list(by_title) == [
        "COVID-19 in X-ray",
        "Answers by sureness, X-ray",
        "COVID-19 in CT",
        "Answers by sureness, CT",
        "Router of kinds",
    ]
    assert by_title["COVID-19 in X-ray"]["verdict"] == "helps"  # scratch in its place would differ by nothing
    assert by_title["Router of kinds"]["verdict"] == "helps"
    assert sum("million weights" in note for note in told["notes"]) == 2


def test_one_kind_alone_needs_no_router(shared_data, tmp_path):
    s = studies["ajani2023"]
    data = find(s, [shared_data("covid_chestxray")], False, tmp_path, 0)
    run = Run(s, data, tmp_path, limit=5)
    assert [kind for kind, names in SETS.items() if given(run, WORDS, LEVELS, *names)] == ["X-ray"]
    assert replace(data, folders={}).has("covid_ct") is False
