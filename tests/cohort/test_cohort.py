"""A cohort answers the same questions for tables and images."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from medgraft.base import MedgraftError
from medgraft.cohort import Cohort, read


@pytest.fixture
def frame():
    return pd.DataFrame(
        {
            "age": [50.0, np.nan, 70, 80],
            "sex": ["f", "m", "f", None],
            "smokes": [True, False, True, True],
            "pid": ["b", "a", "b", None],
            "site": [1.0, 2, 1, np.nan],
            "ill": ["yes", "no", "no", "yes"],
        }
    )


@pytest.fixture
def cohort(frame):
    return read(frame, label="ill", group="pid", domain="site")


def test_printing_a_cohort_tells_its_roles_and_nothing_of_a_patient():
    secret = pd.DataFrame(
        {"age": [5417.0, 6123, 7, 8], "pid": ["Jane", "Joe", "Jim", "Jo"], "ill": list("yynn")}
    )
    shown = repr(read(secret, label="ill", group="pid"))
    assert shown == "Cohort('table': 4 rows, 1 features, task='binary', label='ill', group='pid')"


def test_labels_are_codes_into_the_classes(cohort):
    assert cohort.classes == ["no", "yes"] and cohort.positive == "yes"
    assert cohort.y.tolist() == [1, 0, 0, 1]


def test_the_event_is_the_second_class_whatever_its_name(frame):
    cohort = read(frame, label="ill", positive="no")
    assert cohort.classes == ["yes", "no"] and cohort.y.tolist() == [0, 1, 1, 0]


def test_regression_labels_are_floats():
    cohort = read(pd.DataFrame({"x": range(30), "t": range(30)}), label="t")
    assert cohort.task == "regression" and cohort.classes is None
    assert cohort.y.dtype == np.float64 and cohort.y.tolist() == list(range(30))


def test_groups_share_a_code_and_a_missing_patient_is_alone(cohort):
    assert cohort.groups.tolist() == [1, 0, 1, 2]
    two = replace(cohort, table=cohort.table.assign(pid=["b", None, "b", None]))
    assert two.groups.tolist() == [0, 1, 0, 2]
    assert replace(cohort, group=None).groups.tolist() == [0, 1, 2, 3]


def test_group_codes_do_not_depend_on_the_order_of_rows(cohort):
    order = np.array([2, 1, 0, 3])
    assert cohort.select(order).groups.tolist() == cohort.groups[order].tolist()


def test_domains_are_names(cohort):
    assert cohort.domains.tolist() == ["1", "2", "1", "missing"]
    assert replace(cohort, domain=None).domains is None


def test_X_holds_the_features_as_they_are(cohort):
    assert cohort.X.columns.tolist() == ["age", "sex", "smokes"]
    assert np.isnan(cohort.X["age"][1]) and pd.isna(cohort.X["sex"][3])


def test_a_selection_keeps_the_classes_of_the_whole(cohort):
    part = cohort.select([3, 0])
    assert part.n == 2 and part.table.index.tolist() == [0, 1]
    assert part.classes == ["no", "yes"] and part.y.tolist() == [1, 1]
    assert part.table["age"].tolist() == [80, 50]
    assert cohort.select(np.array([True, False, False, True])).table["age"].tolist() == [50, 80]


def test_nobody_can_write_into_shared_arrays(cohort):
    for array in (cohort.y, cohort.groups, cohort.domains):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = array[1]


def test_labels_that_are_not_known_are_an_error_and_never_a_number(frame):
    with pytest.raises(MedgraftError, match="has no label"):
        _ = read(frame, require_label=False).y
    frame.loc[1, "ill"] = None
    with pytest.raises(MedgraftError, match="missing in 1 of 4 rows"):
        _ = read(frame, label="ill", require_label=False).y
    cohort = read(frame, label="ill")
    stranger = replace(cohort, table=cohort.table.assign(ill=["yes", "no", "maybe"]))
    with pytest.raises(MedgraftError, match="values that are no classes: maybe"):
        _ = stranger.y


def test_the_schema_is_json_and_says_the_kinds(cohort):
    schema = json.loads(json.dumps(cohort.schema()))
    assert schema == {
        "kind": "table",
        "columns": [
            {"name": "age", "kind": "number", "levels": None},
            {"name": "sex", "kind": "category", "levels": ["f", "m"]},
            {"name": "smokes", "kind": "category", "levels": ["False", "True"]},
        ],
    }


def test_the_schema_does_not_keep_texts_of_single_patients():
    frame = pd.DataFrame({"word": [f"w{i % 60}" for i in range(120)], "ill": [0, 1] * 60})
    assert read(frame, label="ill").schema()["columns"][0]["levels"] is None


def test_the_fingerprint_is_of_content_and_roles(cohort, frame):
    again = read(frame.copy(), label="ill", group="pid", domain="site")
    assert replace(again, name="other", warnings=("x",)).fingerprint() == cohort.fingerprint()
    changed = [
        read(frame.assign(age=[50.0, np.nan, 70, 81]), label="ill", group="pid", domain="site"),
        read(frame.rename(columns={"age": "years"}), label="ill", group="pid", domain="site"),
        read(frame, label="ill", group="pid"),
        read(frame, label="ill", group="pid", domain="site", positive="no"),
        cohort.select([1, 0, 2, 3]),
        cohort.select([0, 1, 2]),
    ]
    prints = {c.fingerprint() for c in changed}
    assert len(prints) == len(changed) and cohort.fingerprint() not in prints


@pytest.fixture
def images(tmp_path):
    for label, grey in (("ill", 200), ("well", 20)):
        for i in range(2):
            (tmp_path / "a" / label).mkdir(parents=True, exist_ok=True)
            Image.new("L", (4, 4), grey + i).save(tmp_path / "a" / label / f"{i}.png")
    return tmp_path / "a"


def test_an_image_cohort_has_one_column_of_paths(images):
    cohort = read(images)
    assert cohort.kind == "image" and cohort.features == ()
    assert cohort.X.columns.tolist() == ["image"]
    assert cohort.X["image"].tolist() == [
        str(images / f) for f in ("ill/0.png", "ill/1.png", "well/0.png", "well/1.png")
    ]
    assert cohort.open_image(3).getpixel((0, 0)) == 21
    assert cohort.schema() == {"kind": "image", "columns": []}


def test_the_fingerprint_of_images_is_of_their_bytes_and_not_their_place(images, tmp_path):
    before = read(images).fingerprint()
    images.rename(tmp_path / "b")
    assert read(tmp_path / "b").fingerprint() == before
    Image.new("L", (4, 4), 99).save(tmp_path / "b" / "ill" / "0.png")
    assert read(tmp_path / "b").fingerprint() != before


def test_the_fingerprint_of_a_vanished_image_is_an_error(images):
    cohort = read(images)
    (images / "ill" / "0.png").unlink()
    with pytest.raises(MedgraftError, match=r"0\.png' cannot be read"):
        cohort.fingerprint()


def test_a_table_has_no_images_to_open(cohort):
    assert isinstance(cohort, Cohort)
    with pytest.raises(MedgraftError, match="no column of images"):
        cohort.open_image(0)


def test_exact_copies_have_the_same_content_and_nothing_else_has():
    table = pd.DataFrame({"x": [1.0, 2.0, 1.0, 1.0], "c": ["a", "a", "a", None], "y": [0, 1, 1, 0]})
    content = read(table, label="y").content()
    assert content[0] == content[2] and len(set(content)) == 3
