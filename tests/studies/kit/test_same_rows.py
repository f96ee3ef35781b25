"""Rows are the same only where what they hold shows it; never because there are as many."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import medgraft as mg
from medgraft.studies.kit import leaks
from medgraft.studies.kit.same_rows import unlike


@pytest.fixture
def patients():
    """Forty patients of two rows each, with gaps and words; a patient's rows have one label."""
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(rng.normal(50, 9, size=(80, 3)), columns=list("abc"))
    frame.loc[rng.random(80) < 0.3, "a"] = np.nan
    frame["sex"] = rng.choice(["f", "m"], 80)
    frame["who"] = [f"p{i // 2}" for i in range(80)]
    frame["ill"] = ["no", "no", "yes", "yes"] * 20
    return mg.read(frame, label="ill", group="who", positive="yes")


def with_cells(cohort, **columns):
    return replace(cohort, table=cohort.table.assign(**columns))


def test_the_same_rows_are_the_same_also_without_patients_and_with_rows_after_them(patients):
    assert unlike(patients, leaks.ungrouped(patients)) == ""
    doubled = patients.select(np.r_[np.arange(80), np.arange(80)])
    assert unlike(patients, leaks.ungrouped(doubled)) == ""


def test_shuffled_rows_are_refused_even_where_no_label_moves(patients):
    order = np.random.default_rng(0).permutation(80)
    assert unlike(patients, patients.select(order)) == "the runs' labels differ"
    within = np.concatenate([np.roll(np.flatnonzero(patients.y == k), 1) for k in (0, 1)])
    shuffled = np.empty(80, dtype=int)
    shuffled[np.concatenate([np.flatnonzero(patients.y == k) for k in (0, 1)])] = within
    assert unlike(patients, patients.select(shuffled)) == "the runs' rows differ in 'a'"


def test_one_label_that_is_another_refuses_all(patients):
    labels = patients.table["ill"].tolist()
    labels[5] = {"no": "yes", "yes": "no"}[labels[5]]
    assert unlike(patients, with_cells(patients, ill=labels)) == "the runs' labels differ"


def test_one_word_or_one_gap_that_is_new_refuses_all(patients):
    words = patients.table["sex"].tolist()
    words[0] = {"f": "m", "m": "f"}[words[0]]
    assert "'sex'" in unlike(patients, with_cells(patients, sex=words))
    gap = patients.table["b"].copy()
    gap[7] = np.nan
    assert "'b'" in unlike(patients, with_cells(patients, b=gap))


def test_rows_that_were_left_out_are_missed(patients):
    assert unlike(patients, patients.select(np.arange(79))) == "the leaking run judged fewer rows"


def test_scaled_and_filled_columns_and_made_rows_after_them_are_known_again(patients):
    table = patients.table.drop(columns="who")
    alone = mg.read(table, label="ill", positive="yes")
    made = leaks.balanced_before(alone.select(np.arange(78)))
    assert made.n > 78 - 2 and "sex" not in made.table
    assert unlike(alone.select(np.arange(78)), made) == ""
    moved = made.select(np.r_[np.arange(4, 78), np.arange(4), np.arange(78, made.n)])
    assert unlike(alone.select(np.arange(78)), moved) != ""


def test_where_all_columns_are_lost_patient_and_label_are_proof_and_the_label_alone_is_not(patients):
    names = list(patients.features)
    lost = replace(
        patients,
        table=patients.table.drop(columns=names).assign(f=np.arange(80.0)),
        features=("f",),
        group=None,
    )
    assert unlike(patients, lost) == ""
    assert unlike(replace(patients, group=None), lost) == "nothing tells the runs' rows apart"
    others = patients.table["who"].tolist()
    others[0], others[4] = others[4], others[0]
    assert unlike(patients, with_cells(lost, who=others)) == "nothing tells the runs' rows apart"


def test_a_patient_of_two_labels_is_one_patient_still():
    frame = pd.DataFrame({"x": range(8), "who": [1, 1, 2, 2] * 2, "ill": ["no", "yes"] * 4})
    known = mg.read(frame, label="ill", group="who", features=["x"])
    lost = replace(known, table=known.table.drop(columns="x").assign(z=0.5), features=("z",))
    assert unlike(known, lost) == ""


def test_files_are_known_by_their_bytes_wherever_they_lie(tmp_path):
    def images(folder, order):
        (tmp_path / folder).mkdir()
        paths = []
        for place, i in enumerate(order):
            paths.append(str(tmp_path / folder / f"{place}.png"))
            Image.fromarray(np.full((8, 8), 20 * i, dtype=np.uint8)).save(paths[-1])
        return mg.read(pd.DataFrame({"file": paths, "ill": ["no", "yes"] * 3}), label="ill", image="file")

    one = images("one", range(6))
    assert unlike(one, images("two", range(6))) == ""
    assert unlike(one, images("three", [2, 1, 0, 3, 4, 5])) == "the runs' rows differ in 'file'"


def test_classes_of_other_names_are_other_classes(patients):
    renamed = with_cells(patients, ill=patients.table["ill"].map({"no": "a", "yes": "b"}))
    renamed = replace(renamed, levels=("a", "b"), positive="b")
    assert unlike(patients, renamed) == "the runs' classes differ"
