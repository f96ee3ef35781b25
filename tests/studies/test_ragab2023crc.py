"""[57]: a slime mould finds how many patterns a Hopfield network must store."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.ndimage import median_filter

from medgraft.methods.controls.pooled import Pooled
from medgraft.methods.tuning.tuned import Tuned
from medgraft.studies import studies
from medgraft.trial.arms import Workbench, arm, build
from planned import on_both_sides, trials_of


@pytest.fixture
def asked(tmp_path, monkeypatch):
    return trials_of("ragab2023crc", tmp_path, monkeypatch)[0]


def test_the_mould_finds_that_one_pattern_a_class_is_too_few(asked):
    """Each class is two opposite patterns, so that its mean says nothing."""
    sources = tuple(asked.settings["source"])
    tuned = build(arm(asked.method), Workbench("binary", "image", sources[0], parts=sources), 0)
    assert isinstance(tuned, Tuned) and tuned.search == "slime-mould"
    rng = np.random.default_rng(0)
    stored = np.sign(rng.normal(size=(2, 24)))
    y, flip = np.arange(80) % 2, np.where(np.arange(80) % 4 < 2, 1.0, -1.0)
    X = stored[y] * flip[:, None] + 0.5 * rng.normal(size=(80, 24))
    made = Tuned(
        Pooled(estimator=tuned.estimator.estimator), tuned.space, search=tuned.search, budget=tuned.budget
    )
    made.set_params(estimator__estimator__patterns=1)  # where the search is told to begin
    made.fit(X, y)
    learner = made.best_.learner_
    assert made.settings_["estimator__patterns"] >= 2 and learner.patterns_.shape[1] >= 4
    assert set(np.unique(learner.patterns_)) == {-1.0, 1.0}
    single = Pooled(estimator=type(learner)(patterns=1)).fit(X, y)
    assert (made.predict(X) == y).mean() > 0.95 > 0.8 > (single.predict(X) == y).mean()


def test_images_are_filtered_and_their_patients_are_kept(asked, tmp_path):
    raw = studies["ragab2023crc"].generated(tmp_path / "again", 0)
    assert np.array_equal(raw.groups, asked.cohort.groups) and np.array_equal(raw.y, asked.cohort.y)
    pixels, filtered = np.asarray(raw.open_image(3)), np.asarray(asked.cohort.open_image(3))
    inner = median_filter(pixels, size=(3, 3, 1))[1:-1, 1:-1]
    assert np.array_equal(filtered[1:-1, 1:-1], inner) and not np.array_equal(filtered, pixels)


def test_a_patient_is_on_one_side_when_honest_and_on_both_as_published(asked, tmp_path, monkeypatch):
    (leaking,) = trials_of("ragab2023crc", tmp_path, monkeypatch, protocol="as_published")
    patient = asked.cohort.groups
    assert on_both_sides(asked.cohort, patient) == 0 and on_both_sides(leaking.cohort, patient) > 0


def test_the_glands_of_the_challenge_are_read_with_their_patients(tmp_path, monkeypatch):
    names = [f"{part}_{i}" for part in ("train", "testA") for i in (1, 2, 3)]
    folder = tmp_path / "glas"
    folder.mkdir()
    for k, name in enumerate(names):
        Image.new("RGB", (8, 8), (k * 30, 0, 0)).save(folder / f"{name}.bmp")
        Image.new("L", (8, 8)).save(folder / f"{name}_anno.bmp")
    frame = pd.DataFrame({"name": names, "patient ID": [1, 1, 2, 2, 3, 3]})
    frame["grade (GlaS)"] = ["benign", "malignant"] * 3
    frame["grade (Sirinukunwattana et al. 2015)"] = ["adenomatous", "poorly differentiated"] * 3
    frame.to_csv(folder / "Grade.csv", index=False)
    (asked,) = trials_of("ragab2023crc", tmp_path / "out", monkeypatch, data=[folder])
    assert asked.cohort.classes == ["benign", "malignant"] and asked.cohort.features == ()
    assert asked.cohort.groups.tolist() == [0, 0, 1, 1, 2, 2]
    assert np.asarray(asked.cohort.open_image(4))[0, 0, 0] == 120


def test_of_the_stand_ins_nine_tissues_two_are_taken(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    parts = {}
    for part in ("train", "val", "test"):
        parts[f"{part}_images"] = rng.integers(0, 256, (18, 28, 28, 3), dtype=np.uint8)
        parts[f"{part}_labels"] = (np.arange(18)[:, None] % 9).astype(np.uint8)
    (tmp_path / "set").mkdir()
    np.savez(tmp_path / "set" / "pathmnist.npz", **parts)
    (asked,) = trials_of("ragab2023crc", tmp_path, monkeypatch, data=[tmp_path / "set"])
    assert asked.cohort.classes == ["benign", "malignant"] and asked.cohort.n == 12


@pytest.mark.slow
def test_what_the_network_knew_is_what_helps(tmp_path):
    told = studies["ragab2023crc"].run(tmp_path, generated=True)
    assert told["verdict"] == "helps" and "slime-mould" in told["experiments"][0]["method"]
