"""[70]: a sweep over batch sizes and schedules, on regions of mammograms."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import medgraft as mg
from medgraft.studies import studies
from medgraft.studies.benbakreti2024 import LEAST, regions
from planned import on_both_sides, trials_of


def test_a_region_lies_around_the_mark_which_is_counted_from_below(tmp_path):
    """Three films of 400 pixels with one white pixel; the list is in the form of the set's own."""
    marks = {"mdb001": (120, 300, 20), "mdb002": (250, 90, 80), "mdb003": (10, 395, 30)}
    for name, (x, y, _) in marks.items():
        pixels = np.zeros((400, 400), dtype=np.uint8)
        pixels[400 - y, x] = 255
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    Image.new("L", (400, 400)).save(tmp_path / "mdb004.png")
    lines = ["mdb001 G CIRC B 120 300 20", "mdb002 F MISC M 250 90 80 ", "mdb003 D SPIC M 10 395 30"]
    lines += ["mdb001 G CIRC M 5 5 5", "mdb004 F CALC M *NOTE 3*", "mdb005 D NORM", "no film"]
    (tmp_path / "Info.txt").write_text("\n".join(lines))
    frame = pd.DataFrame({"image": [str(tmp_path / f"mdb00{i}.png") for i in (1, 2, 3, 4)]})
    frame["label"] = ["benign", "malignant", "malignant", "malignant"]
    cohort = mg.read(frame, image="image", label="label")
    kept = regions(cohort, tmp_path, tmp_path / "out")
    assert kept.n == 3 and kept.y.tolist() == [0, 1, 1]  # a film without a place is left out
    for i, half in enumerate((LEAST, 80)):
        part = np.asarray(kept.open_image(i))
        assert part.shape == (2 * half, 2 * half) and part[half, half] == 255
    corner = np.asarray(kept.open_image(2))  # cut off at the film's edge, the mark still in it
    assert corner.shape == (5 + LEAST, 10 + LEAST) and corner[5, 10] == 255


def test_the_setting_is_chosen_on_inner_splits_when_honest_and_by_the_test_as_published(
    tmp_path, monkeypatch
):
    (honest,) = trials_of("benbakreti2024", tmp_path, monkeypatch)
    (leaking,) = trials_of("benbakreti2024", tmp_path, monkeypatch, protocol="as_published")
    assert "choice(8,32)" in honest.method and "+tuned" in honest.method
    assert not any("+tuned" in arm for arm in leaking.arms)
    assert set(leaking.arms) < set(honest.arms)  # the sweep itself is told in both
    woman = honest.cohort.groups
    assert on_both_sides(honest.cohort, woman) == 0 and on_both_sides(leaking.cohort, woman) > 0


def test_the_real_films_that_have_a_mark_are_cut_to_it(shared_data, tmp_path, monkeypatch):
    data = [shared_data("mammogram_mias")]
    (asked,) = trials_of("benbakreti2024", tmp_path, monkeypatch, data=data)
    films = {p.stem for p in (tmp_path / "run" / "regions").glob("*.png")}
    assert asked.cohort.n == len(films) and asked.cohort.classes == ["benign", "malignant"]
    assert "mdb059" not in films and "mdb003" not in films  # without a place; without a finding
    assert asked.cohort.group == "patient"


@pytest.mark.slow
def test_as_published_the_best_of_the_sweep_is_the_study_s(tmp_path):
    told = studies["benbakreti2024"].run(tmp_path, generated=True, protocol="as_published")
    first = told["experiments"][0]
    sweep = {
        a["name"]: a["value"] for a in first["arms"] if "stand_in_shape" in a["name"] and "batch" in a["name"]
    }
    assert len(sweep) == 4 and sweep[first["method"]] == max(sweep.values())


@pytest.mark.slow
def test_what_the_network_knew_is_what_helps(tmp_path):
    told = studies["benbakreti2024"].run(tmp_path, generated=True)
    assert told["verdict"] == "helps"  # the same network and loop without the weights would differ by nothing
