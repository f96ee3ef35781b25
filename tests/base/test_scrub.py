from __future__ import annotations

import json
import math

import numpy as np
import pytest

from medgraft.base.scrub import scrub


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("read /home/ana/heart.csv now", "read heart.csv now"),
        (r"read C:\Users\ana\heart.csv now", "read heart.csv now"),
        ("read ../data/a/heart.csv", "read heart.csv"),
        ("read '~/data/heart.csv'", "read 'heart.csv'"),
        ("in /home/ana/data/", "in (folder)"),
        ("12 mg/dL and/or 3/4 of 1/2/2024", "12 mg/dL and/or 3/4 of 1/2/2024"),
        ("see https://example.org/a/b", "see https://example.org/a/b"),
    ],
)
def test_file_paths_are_cut_to_their_last_part_and_nothing_else_is(text, clean):
    assert scrub(text) == clean


def test_scrubbing_reaches_every_depth_and_turns_nan_into_none():
    assert scrub({"/a/b/k": [{"x": "/a/b/c"}], "v": math.nan, "n": 3, "t": True}) == {
        "k": [{"x": "c"}],
        "v": None,
        "n": 3,
        "t": True,
    }


def test_numpy_values_become_plain_ones_that_json_can_hold():
    value = scrub({"a": np.float32(0.5), "b": np.array([1, 2]), "c": (np.nan, np.int64(3))})
    assert json.loads(json.dumps(value, allow_nan=False)) == {"a": 0.5, "b": [1, 2], "c": [None, 3]}
