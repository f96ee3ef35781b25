from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from medgraft.base import MedgraftError
from medgraft.cohort import read
from medgraft.cohort.limits import check_size
from medgraft.cohort.media import Signal, Volume, open_sample


def test_resampling_a_linear_ramp_keeps_its_value_at_every_place_in_millimetres():
    x, y, z = np.meshgrid(np.arange(5) * 2.0, np.arange(4) * 3.0, np.arange(6) * 1.0, indexing="ij")
    affine = np.diag([2.0, 3.0, 1.0, 1.0])
    affine[:3, 3] = [10, -20, 30]
    fine = Volume((x + 10 * y + 100 * z).astype(np.float32), affine).resample((1.0, 1.5, 0.5))
    assert fine.values.shape == (9, 7, 11)
    assert fine.spacing == (1.0, 1.5, 0.5)
    i = np.array([3, 5, 7])
    place = fine.affine @ [*i, 1]
    back = np.linalg.inv(affine) @ place
    assert fine.values[tuple(i)] == pytest.approx(back[0] * 2 + 10 * back[1] * 3 + 100 * back[2])


def test_labels_resampled_to_the_nearest_stay_labels():
    labels = np.random.default_rng(0).integers(0, 3, (6, 6, 6)).astype(np.float32)
    out = Volume(labels, np.eye(4)).resample(0.4, order=0)
    assert set(np.unique(out.values)) <= {0.0, 1.0, 2.0}


@pytest.mark.parametrize("spacing", [0, -1.0, float("nan"), 1e-9])
def test_a_spacing_that_makes_no_grid_or_an_absurd_one_is_an_error(spacing):
    with pytest.raises(MedgraftError):
        Volume(np.zeros((50, 50, 50), np.float32), np.eye(4)).resample(spacing)


def test_a_signal_lasts_its_samples_over_its_rate():
    assert Signal(np.zeros((2, 500), np.float32), 250.0, ("a", "b"), ("", "")).seconds == 2.0


@pytest.mark.parametrize("n", [0, -3, 2**28 + 1, 10**30])
def test_a_header_may_not_promise_nothing_or_more_than_a_sample_holds(n):
    with pytest.raises(MedgraftError, match=r"'x\.dcm'"):
        check_size(n, "x.dcm")


@pytest.mark.parametrize("kind", ["volume", "signal", "mask", "omics"])
def test_a_file_of_no_such_kind_is_named_in_the_error(kind, tmp_path):
    (tmp_path / "notes.xyz").write_text("nothing")
    with pytest.raises(MedgraftError, match=r"notes\.xyz"):
        open_sample(kind, str(tmp_path / "notes.xyz"))


def test_a_cohort_of_several_kinds_may_lack_any_but_not_all_of_them(tmp_path):
    Image.new("L", (4, 4), 7).save(tmp_path / "a.png")
    frame = pd.DataFrame({"png": ["a.png", None, "a.png"], "dna": ["acgt", "ggg", None], "ill": [0, 1, 1]})
    frame.to_csv(tmp_path / "m.csv", index=False)
    cohort = read(tmp_path / "m.csv", label="ill", image="png", sequence="dna")
    assert cohort.kinds == ("image", "sequence")
    assert cohort.open("image", 0).getpixel((0, 0)) == 7
    assert cohort.open("image", 1) is None
    assert cohort.open("sequence", 0) == "ACGT"
    frame.assign(dna=["acgt", None, "g"]).to_csv(tmp_path / "m.csv", index=False)
    with pytest.raises(MedgraftError, match="neither image nor sequence, the first being row 2"):
        read(tmp_path / "m.csv", label="ill", image="png", sequence="dna")


def test_features_named_beside_images_make_a_cohort_of_both(tmp_path):
    Image.new("L", (4, 4), 7).save(tmp_path / "a.png")
    frame = pd.DataFrame({"png": ["a.png", "a.png"], "age": [50, 60], "ill": [0, 1]})
    frame.to_csv(tmp_path / "m.csv", index=False)
    cohort = read(tmp_path / "m.csv", label="ill", image="png", features="age")
    assert cohort.kinds == ("image", "table")


def test_pictures_are_found_below_the_manifest_by_their_name_alone(tmp_path):
    (tmp_path / "images").mkdir()
    for name in ("p1", "p2"):
        Image.new("L", (4, 4)).save(tmp_path / "images" / f"{name}.jpg")
    (tmp_path / "m.csv").write_text("id,ill\np1,0\np2.jpg,1\n")
    cohort = read(tmp_path / "m.csv", label="ill", image="id")
    assert [cohort.open_image(i).size for i in range(2)] == [(4, 4), (4, 4)]
    (tmp_path / "other").mkdir()
    Image.new("L", (4, 4)).save(tmp_path / "other" / "p1.jpg")
    with pytest.raises(MedgraftError, match="could be any of 2 files"):
        read(tmp_path / "m.csv", label="ill", image="id")


def test_the_fingerprint_knows_the_part_of_a_file_and_its_bytes(tmp_path):
    Image.new("L", (4, 4), 7).save(tmp_path / "a.png")

    def mark(part: str) -> str:
        frame = pd.DataFrame({"png": [f"a.png{part}", "a.png"], "ill": [0, 1]})
        frame.to_csv(tmp_path / "m.csv", index=False)
        return read(tmp_path / "m.csv", label="ill", image="png").fingerprint()

    assert mark("::box=0,0,2,2") == mark("::box=0,0,2,2") != mark("::box=0,0,3,3")
    before = mark("")
    Image.new("L", (4, 4), 8).save(tmp_path / "a.png")
    assert mark("") != before


def test_the_names_that_the_user_gives_to_columns_must_be_as_many(tmp_path):
    frame = pd.DataFrame({"0": [1.0, 2], "1": [0, 1]})
    assert read(frame, columns=["x", "ill"], label="ill").features == ("x",)
    with pytest.raises(MedgraftError, match="3 names were given for the 2 columns"):
        read(frame, columns=["x", "y", "ill"], label="ill")
