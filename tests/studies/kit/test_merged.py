"""Sets that share images, brought to one cohort."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import medgraft as mg
from medgraft.studies import studies
from medgraft.studies.kit import Run
from medgraft.studies.kit.classes import reclassed
from medgraft.studies.kit.found import find
from medgraft.studies.kit.merged import confounds, given, merged
from small_films import write_films

LEVELS = ("healthy", "ill")


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """Two sets of noise images; `b/3` is a file of `a`, and patient p0 of `a` has two images."""
    root = tmp_path_factory.mktemp("sets")
    rng = np.random.default_rng(0)
    made = {}
    for name, who in (("a", ["p0", "p0", "p1", "p2"]), ("b", ["p0", "p5", "p6", "p7"])):
        paths = [root / f"{name}{i}.png" for i in range(4)]
        for path in paths:
            coarse = rng.integers(0, 255, (4, 4), dtype=np.uint8)
            Image.fromarray(coarse).resize((64, 64), Image.Resampling.BICUBIC).save(path)
        frame = pd.DataFrame({"image": map(str, paths), "finding": ["N", "Y"] * 2, "who": who})
        made[name] = frame
    made["b"].loc[3, "image"] = made["a"].loc[2, "image"]
    return {
        name: replace(mg.read(frame, image="image", label="finding", group="who"), name=name)
        for name, frame in made.items()
    }


def own(cohort):
    return reclassed(cohort, {"n": "healthy", "y": "ill"}, LEVELS)


def test_copies_in_two_sets_are_one_patient_and_patients_of_equal_names_in_two_sets_are_two(sets):
    groups = merged([own(sets["a"]), own(sets["b"])]).groups
    together = {(i, j) for i in range(8) for j in range(i) if groups[i] == groups[j]}
    assert together == {(1, 0), (7, 2)}


def test_the_order_of_the_sets_joins_the_same_rows(sets):
    a, b = own(sets["a"]), own(sets["b"])
    groups = merged([b, a]).groups
    assert {(i, j) for i in range(8) for j in range(i) if groups[i] == groups[j]} == {(5, 4), (6, 3)}


def test_classes_are_renamed_and_others_left_out_with_a_word_of_it(sets):
    before = sets["a"].table.copy()
    only = reclassed(sets["a"], {"y": "ill"}, LEVELS)
    assert only.n == 2 and only.classes == list(LEVELS) and only.y.tolist() == [1, 1]
    assert "2 rows of classes" in only.warnings[-1]
    pd.testing.assert_frame_equal(sets["a"].table, before)
    with pytest.raises(mg.MedgraftError, match="none of the classes"):
        reclassed(sets["a"], {"covid": "ill"}, LEVELS)


@pytest.mark.parametrize("key", ["mohan2024", "ragab2024a", "ajani2023", "sambyal2023"])
def test_recipes_on_x_rays_are_given_no_slice_of_ct_and_say_how_many_there_were(tmp_path, key):
    found = find(studies[key], [write_films(tmp_path / "set")], False, tmp_path, 0)
    run = Run(studies[key], found, tmp_path / "run", limit=2)
    words = {"covid-19": "covid", "sars": "other"}
    (films,) = given(run, words, ("other", "covid"), "covid_chestxray")
    assert films.n == 4 and set(films.table["modality"].str.lower()) == {
        "x-ray"
    }  # the limit is filled with X-rays
    assert run.notes == [
        "Of covid_chestxray: 4 of 9 rows were left out: their modality is not said to be X-ray."
    ]


def test_a_class_that_one_set_alone_has_is_said_to_be_a_confound(sets, tmp_path):
    rng, parts = np.random.default_rng(1), []
    for name, word in (("a", "Y"), ("b", "N")):
        paths = [tmp_path / f"{name}{i}.png" for i in range(40)]
        for path in paths:
            Image.fromarray(rng.integers(0, 255, (24, 24), dtype=np.uint8)).save(path)
        table = pd.DataFrame({"image": map(str, paths), "finding": word})
        parts.append(replace(sets[name], table=table, group=None))
    assert "predicts the label" in confounds(merged([own(c) for c in parts]))[0]
    assert confounds(merged([own(sets["a"])])) == []
