"""Manifests point to files, and never out of their folder by a relative path."""

from __future__ import annotations

import pandas as pd
import pytest

from medgraft.base import MedgraftError
from medgraft.cohort.paths import resolve


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in" / "sub").mkdir(parents=True)
    for name in ("in/a.png", "in/sub/b.png", "out.png"):
        (tmp_path / name).write_bytes(b"x")
    return tmp_path / "in"


def _resolve(paths, folder, skip=False):
    said: list[str] = []
    frame = pd.DataFrame({"path": paths, "row": range(len(paths))})
    return resolve(frame, "path", folder, "m.csv", skip, said.append), said


def test_relative_and_absolute_paths_become_absolute(folder):
    given = ["a.png", "./sub/../a.png", "sub/b.png", str(folder.parent / "out.png")]
    out, said = _resolve(given, folder)
    assert out["path"].tolist() == [
        str(p) for p in (folder / "a.png", folder / "a.png", folder / "sub/b.png", folder.parent / "out.png")
    ]
    assert said == []


@pytest.mark.parametrize("path", ["../out.png", "sub/../../out.png", "../in2/x.png", ".."])
@pytest.mark.parametrize("skip", [True, False])
def test_a_relative_path_may_not_leave_the_folder(folder, path, skip):
    with pytest.raises(MedgraftError, match="leads out of the manifest's folder"):
        _resolve(["a.png", path], folder, skip)


@pytest.mark.parametrize("path", ["none.png", None, "sub", "a\0b", "x" * 5000])
def test_a_missing_file_is_an_error_or_left_out_with_a_warning(folder, path):
    with pytest.raises(MedgraftError, match=r"1 of the 2 files that 'm\.csv' names"):
        _resolve([path, "a.png"], folder)
    out, said = _resolve([path, "a.png"], folder, skip=True)
    assert out["row"].tolist() == [1] and out.index.tolist() == [0]
    assert len(said) == 1 and "1 rows were left out" in said[0]


def test_skipping_never_leaves_nothing(folder):
    with pytest.raises(MedgraftError, match="2 of the 2 files"):
        _resolve(["x.png", "y.png"], folder, skip=True)
