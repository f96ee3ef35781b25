"""[58]: cleansed and filtered photographs of the fundus."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from medgraft.studies import studies
from medgraft.studies.elhoseny2023 import FILTERS, small
from planned import on_both_sides, trials_of


def black(cohort):
    return np.array([np.asarray(Image.open(p)).max() == 0 for p in cohort.table[str(cohort.image)]])


def test_bad_images_are_tested_when_honest_and_gone_as_published(tmp_path, monkeypatch):
    honest = trials_of("elhoseny2023", tmp_path, monkeypatch)
    leaking = trials_of("elhoseny2023", tmp_path, monkeypatch, protocol="as_published")
    for asked in honest:
        assert black(asked.cohort).sum() > 5 and asked.method.endswith("+cleanse")
        assert asked.method.removesuffix("+cleanse") in asked.arms  # the same without cleansing
    for asked in leaking:
        assert not black(asked.cohort).any() and "cleanse" not in " ".join(asked.arms)


def test_both_eyes_of_a_person_are_apart_as_published_alone(tmp_path, monkeypatch):
    honest = trials_of("elhoseny2023", tmp_path, monkeypatch)[0].cohort
    leaking = trials_of("elhoseny2023", tmp_path, monkeypatch, protocol="as_published")[0].cohort
    assert on_both_sides(honest, honest.table["patient"]) == 0
    assert on_both_sides(leaking, leaking.table["patient"]) > 0


def test_each_filter_is_a_trial_on_the_same_patients_and_other_pixels(tmp_path, monkeypatch):
    asked = trials_of("elhoseny2023", tmp_path, monkeypatch)
    assert [trial.title for trial in asked] == list(FILTERS)
    shown = [np.asarray(trial.cohort.open_image(0)) for trial in asked]
    plain = shown[-1]
    assert all(trial.cohort.table["patient"].equals(asked[0].cohort.table["patient"]) for trial in asked)
    assert all(not np.array_equal(pixels, plain) for pixels in shown[:-1])
    assert np.ptp(shown[0]) == 255 > np.ptp(plain)  # stretched to the whole range


def test_the_generated_photographs_hold_copies_and_black_ones(tmp_path):
    cohort = small(tmp_path, 0)
    assert len(np.unique(cohort.content())) < cohort.n and 0 < black(cohort).sum() < cohort.n / 4


def test_eyes_of_the_stand_in_are_of_persons_and_of_two_classes(shared_data, tmp_path, monkeypatch):
    data = [shared_data("eye_fundus_4class")]
    cohort = trials_of("elhoseny2023", tmp_path, monkeypatch, data=data, limit=3)[0].cohort
    assert cohort.classes == ["normal", "retinopathy"] and cohort.positive == "retinopathy"
    assert cohort.group is not None


@pytest.mark.slow
def test_what_the_network_knew_is_what_helps_and_cleansing_is_judged_beside_it(tmp_path):
    told = studies["elhoseny2023"].run(tmp_path, generated=True)
    assert told["verdict"] == "helps"  # the same network and loop without the weights would differ by nothing
    titles = [e["title"] for e in told["experiments"]]
    assert titles == [t for name in FILTERS for t in (name, f"{name}: cleansed or not")]
