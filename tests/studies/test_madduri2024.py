"""[43]: first which disease, then where it is."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from medgraft.studies import studies
from medgraft.studies.madduri2024 import outlines
from planned import on_both_sides, trials_of


def test_masks_of_the_healthy_are_empty_and_those_of_the_ill_are_not(tmp_path):
    cohort = outlines(tmp_path, 0, 12)
    filled = np.array([np.asarray(Image.open(m)).any() for m in cohort.table["mask"]])
    whose = cohort.table.assign(filled=filled).groupby("patient")["filled"]
    assert (whose.nunique() == 1).all() and filled.sum() == filled.size / 2
    assert cohort.task == "segmentation"


def test_both_eyes_of_a_person_are_apart_as_published_alone(tmp_path, monkeypatch):
    honest = trials_of("madduri2024", tmp_path / "a", monkeypatch)
    leaking = trials_of("madduri2024", tmp_path / "b", monkeypatch, protocol="as_published")
    person = honest[0].cohort.table["patient"]
    assert on_both_sides(honest[0].cohort, person) == 0
    assert on_both_sides(leaking[0].cohort, person) > 0


def test_the_second_phase_is_two_networks_beside_one_and_beside_random_weights(tmp_path, monkeypatch):
    first, second = trials_of("madduri2024", tmp_path, monkeypatch)
    assert "attention=se" in first.method and first.method.replace(",attention=se", "") in first.arms
    assert [arm.partition(":")[0] for arm in second.arms] == ["two-phase", "unet", "unet-scratch"]


@pytest.mark.slow
def test_eyes_of_the_stand_in_are_of_persons(shared_data, tmp_path, monkeypatch):
    data = [shared_data("eye_fundus_4class")]
    first = trials_of("madduri2024", tmp_path, monkeypatch, data=data, limit=4)[0]
    stems = first.cohort.table["patient"]
    assert len(first.cohort.classes) == 4 and not stems.str.contains("_left|_right").any()


@pytest.mark.slow
def test_what_the_networks_knew_is_what_helps_in_the_first_phase(tmp_path):
    told = studies["madduri2024"].run(tmp_path, generated=True)
    assert told["verdict"] == "helps"  # the same network and loop without the weights would differ by nothing
    second = told["experiments"][1]
    assert (second["metric"], second["control"].partition(":")[0]) == ("dice", "unet-scratch")
