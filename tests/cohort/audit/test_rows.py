from __future__ import annotations

import numpy as np
import pandas as pd

from medgraft.cohort.audit.relatives import clusters, file_keys, links
from medgraft.cohort.audit.rows import row_hashes, surprise


def test_equal_rows_have_equal_hashes_however_they_are_stored():
    whole = pd.DataFrame({"a": [1, 2, 1], "b": ["x", "y", "x"], "c": [True, False, True]})
    mixed = whole.astype({"a": float, "b": "category", "c": object})
    for frame in (whole, mixed):
        h = row_hashes(frame)
        assert h[0] == h[2] != h[1]
    assert row_hashes(whole)[0] == row_hashes(mixed)[0]


def test_the_place_of_a_value_counts_and_missing_equals_missing():
    h = row_hashes(pd.DataFrame({"a": [1.0, 2.0, np.nan, np.nan], "b": [2.0, 1.0, 3.0, 3.0]}))
    assert h[0] != h[1] and h[2] == h[3]
    assert row_hashes(pd.DataFrame({"a": [np.nan, 0.0, -0.0]})).tolist()[0] is None
    assert len(set(row_hashes(pd.DataFrame({"a": [0.0, -0.0]})))) == 1


def test_no_two_of_a_hundred_thousand_rows_share_a_hash_by_chance():
    values = np.random.default_rng(0).normal(size=(100_000, 3))
    assert len(set(row_hashes(pd.DataFrame(values, columns=list("abc"))))) == 100_000


def test_surprise_is_the_logarithm_of_the_shares():
    frame = pd.DataFrame({"a": [0, 0, 1, 1], "b": ["x", "x", "x", "y"]})
    np.testing.assert_allclose(surprise(frame, np.array([0, 3])), [1 - np.log2(0.75), 3])


def test_links_join_what_has_one_key():
    found = clusters(6, links(["a", None, "b", "a", None, "b"]))
    assert found[0] == found[3] != found[2] == found[5]
    assert len(set(found)) == 4


def paths(*names):
    return [f"data/{name}" for name in names]


def test_sides_of_one_person_are_one_key_across_class_folders():
    names = [f"ill/{i}_left.jpg" for i in range(30)] + [f"well/{i}_right.jpg" for i in range(10)]
    how, keys = file_keys(paths(*names), 2)[0]
    assert how == "side" and keys[3] == keys[33] and len(set(keys)) == 30


def test_films_of_mias_come_in_pairs():
    _, keys = file_keys(paths(*[f"mdb{k:03d}.jpg" for k in range(1, 61)]))[0]
    assert keys[0] == keys[1] != keys[2] == keys[3]


def test_counted_names_are_no_patients():
    for pattern in (
        "scan{:04d}.png",
        "Tr-gl_{:04d}.jpg",
        "2020_batch1_{:05d}.jpg",
        "left/{:03d}.jpg",
        "ISIC_{:07d}.jpg",
    ):
        assert file_keys(paths(*[pattern.format(k) for k in range(50)]), 2) == []


def test_windows_of_one_recording_are_one_patient_and_rows_of_an_archive_are_not():
    windows = [f"s{k // 5}.edf::start={k % 5};seconds=1" for k in range(60)]
    how, keys = file_keys(windows, 2)[0]
    assert how == "file" and len(set(keys)) == 12
    assert file_keys([f"all.npz::array=x;row={k}" for k in range(60)], 2) == []


def test_class_folders_are_no_patients_however_many():
    names = [f"class{k % 15}/x{k}a.jpg" for k in range(150)]
    assert [how for how, _ in file_keys(paths(*names), 15) if how == "folder"] == []
