"""From a path to a cohort, or to one sentence."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from medgraft.base import MedgraftError
from medgraft.cohort import read

N = 12


@pytest.fixture
def frame():
    return pd.DataFrame(
        {
            "age": np.arange(N) + 0.5,
            "sex": ["f", "m"] * (N // 2),
            "pid": np.arange(N) // 2,
            "site": ["a", "a", "b", "b"] * (N // 4),
            "ill": [0, 0, 1, 1] * (N // 4),
        }
    )


def test_a_table_in_memory_and_its_file_are_the_same_cohort(tmp_path, frame):
    roles = {"label": "ill", "group": "pid", "domain": "site", "protected": "sex"}
    frame.to_csv(tmp_path / "hearts.csv", index=False)
    from_file, from_memory = read(tmp_path / "hearts.csv", **roles), read(frame, **roles)
    pd.testing.assert_frame_equal(from_file.table, from_memory.table)
    assert from_file.fingerprint() == from_memory.fingerprint()
    assert from_file.name == "hearts" and from_memory.name == "table"
    assert from_file.features == ("age",) and from_file.protected == ("sex",)
    assert read(str(tmp_path / "hearts.csv"), **roles).n == N


def test_the_callers_table_is_not_changed(frame):
    frame.index = frame.index + 100
    before = frame.copy()
    cohort = read(frame, label="ill")
    assert cohort.table.index.tolist() == list(range(N))
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize(
    ("values", "task", "classes"),
    [
        ([0, 1] * 6, "binary", ["0", "1"]),
        ([0.0, 1.0] * 6, "binary", ["0", "1"]),
        ([True, False] * 6, "binary", ["False", "True"]),
        ([-1, 1] * 6, "binary", ["-1", "1"]),
        (["case", "control"] * 6, "binary", ["control", "case"]),
        ([1, 2, 10] * 4, "multiclass", ["1", "2", "10"]),
        (["c", "a", "b"] * 4, "multiclass", ["a", "b", "c"]),
        (list(np.linspace(0, 1, N)), "regression", None),
    ],
)
def test_any_type_of_label_is_read(frame, values, task, classes):
    cohort = read(frame.assign(ill=values), label="ill")
    assert cohort.task == task and cohort.classes == classes
    if classes:
        decoded = [cohort.classes[k] for k in cohort.y]
        assert decoded == [str(v) if not isinstance(v, float) else str(int(v)) for v in values]
    else:
        assert cohort.y.tolist() == values


def test_rows_without_a_label_are_dropped_and_counted(frame):
    ill = frame["ill"].astype(float).where(frame["age"] > 3)
    cohort = read(frame.assign(ill=ill), label="ill")
    assert cohort.n == N - 3 and cohort.classes == ["0", "1"]
    assert "3 of 12 rows have no label 'ill' and were left out." in cohort.warnings
    kept = read(frame.assign(ill=ill), label="ill", require_label=False)
    assert kept.n == N and kept.classes == ["0", "1"]
    with pytest.raises(MedgraftError, match="missing in every row"):
        read(frame.assign(ill=None), label="ill")


def test_data_to_predict_on_need_no_label_and_keep_every_row(frame):
    cohort = read(frame.drop(columns="ill"), label="ill", require_label=False)
    assert cohort.label is None and cohort.task == "unlabelled" and cohort.n == N
    one = read(frame.iloc[:1], require_label=False)
    assert one.n == 1 and one.X.shape == (1, 5)
    assert read(frame.iloc[:1], label="ill", require_label=False).classes == ["0"]


def test_a_missing_label_column_is_an_error(frame):
    with pytest.raises(MedgraftError, match=r"Which column of 'table' is the label\? .* age, sex, pid"):
        read(frame)
    with pytest.raises(MedgraftError, match=r"label column 'il' .*Did you mean 'ill'"):
        read(frame, label="il")


@pytest.mark.parametrize("value", ["yes", 1, 0.5])
def test_one_class_only_is_an_error(frame, value):
    with pytest.raises(MedgraftError, match="'ill' has one class only"):
        read(frame.assign(ill=value), label="ill")


def test_one_value_only_is_an_error_for_regression_too(frame):
    with pytest.raises(MedgraftError, match="'ill' has one value only"):
        read(frame.assign(ill=3.0), label="ill", task="regression")


def test_a_group_that_is_the_label_is_an_error(frame):
    with pytest.raises(MedgraftError, match="both the label and the group"):
        read(frame, label="ill", group="ill")
    with pytest.raises(MedgraftError, match="it is the label itself"):
        read(frame, label="ill", group="site")


def test_in_regression_a_patient_may_have_a_value_of_their_own(frame):
    assert (
        read(frame.assign(t=np.linspace(0, 1, N), pid=range(N)), label="t", group="pid").task == "regression"
    )


def test_dates_and_several_classes_make_no_binary_label(frame):
    with pytest.raises(MedgraftError, match="holds dates"):
        read(frame.assign(ill=pd.date_range("2020", periods=N)), label="ill")
    with pytest.raises(MedgraftError, match="makes a multiclass task"):
        read(frame.assign(ill=[1, 2, 3] * 4), label="ill", positive=3)
    with pytest.raises(MedgraftError, match="has no value '7' to be the event"):
        read(frame, label="ill", positive=7)


def test_an_event_that_was_guessed_from_a_name_is_said(frame):
    said = read(frame.assign(ill=["B", "B", "M", "M"] * 3), label="ill").warnings
    assert said == ("The event of the label 'ill' is taken to be 'M'; --positive changes it.",)
    unasked = read(frame.assign(ill=["B", "B", "M", "M"] * 3), label="ill", require_label=False)
    assert unasked.warnings == ()  # to predict, no event is needed
    assert read(frame, label="ill").warnings == ()


def test_gaps_in_groups_and_domains_are_said(frame):
    frame = frame.assign(pid=frame["pid"].where(frame["age"] > 2), site=frame["site"].where(frame["age"] > 1))
    cohort = read(frame, label="ill", group="pid", domain="site")
    assert (
        "The group 'pid' is missing in 2 rows; each is taken to be a patient of its own." in cohort.warnings
    )
    assert (
        "The domain 'site' is missing in 1 rows; each is taken to be of the domain 'missing'."
        in cohort.warnings
    )


def test_nothing_to_learn_from_is_an_error_that_says_why():
    frame = pd.DataFrame({"note": [f"n{i}" for i in range(N)], "ill": [0, 1] * 6})
    with pytest.raises(
        MedgraftError, match=r"no column left to learn from: .*'note' is not used as a feature"
    ):
        read(frame, label="ill")
    assert read(frame, label="ill", features="note").features == ("note",)


def test_an_empty_table_is_an_error():
    for frame in (pd.DataFrame(), pd.DataFrame({"a": []})):
        with pytest.raises(MedgraftError, match="empty"):
            read(frame, label="a")


@pytest.fixture
def manifest(tmp_path):
    (tmp_path / "pics").mkdir()
    for i in range(4):
        Image.new("L", (2, 2), i).save(tmp_path / "pics" / f"{i}.png")
    frame = pd.DataFrame(
        {
            "path": [f"pics/{i}.png" for i in range(4)],
            "pid": [1, 1, 2, 2],
            "ill": [0, 1, 0, 1],
            "age": range(4),
        }
    )
    frame.to_csv(tmp_path / "m.csv", index=False)
    return tmp_path / "m.csv"


def test_a_manifest_points_to_images_beside_it(manifest, monkeypatch):
    monkeypatch.chdir(manifest.parent.parent)  # paths are the manifest's, not the caller's
    cohort = read(manifest, label="ill", image="path", group="pid")
    assert cohort.kind == "image" and cohort.features == ()
    assert cohort.X["image"].tolist() == [str(manifest.parent / "pics" / f"{i}.png") for i in range(4)]
    assert [cohort.open_image(i).getpixel((0, 0)) for i in range(4)] == [0, 1, 2, 3]
    assert cohort.groups.tolist() == [0, 0, 1, 1]


def test_a_manifest_with_a_missing_file(manifest):
    (manifest.parent / "pics" / "2.png").unlink()
    with pytest.raises(MedgraftError, match=r"1 of the 4 files .* 'pics/2\.png'"):
        read(manifest, label="ill", image="path")
    cohort = read(manifest, label="ill", image="path", skip_unreadable=True)
    assert cohort.n == 3 and "1 rows were left out" in cohort.warnings[0]


def test_reading_a_table_or_folder_needs_neither_torch_nor_sklearn(manifest):
    import subprocess

    code = (
        f"import sys; from medgraft.cohort import read; read({str(manifest)!r}, label='ill', image='path'); "
        "print([m for m in ('torch', 'sklearn', 'PIL', 'matplotlib') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
