"""AnnData files, in the encodings of three generations."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from medgraft.base import MedgraftError
from medgraft.cohort import read
from medgraft.cohort.formats import detect, load
from medgraft.cohort.media import open_sample
from medgraft.cohort.omics import Omics

h5py = pytest.importorskip("h5py")

N, P = 7, 11
CELL = ["B", "T", "B", "NK", "T", "B", None]


def values() -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.where(rng.random((N, P)) < 0.6, 0, rng.normal(size=(N, P))).astype(np.float32)


def text(group, name, content):
    return group.create_dataset(name, data=np.array(content, dtype=object), dtype=h5py.string_dtype())


def write(path, kind="dense", age="new"):
    """Write what anndata would have: `age` is new (0.8 on), middle (0.7) or old (before)."""
    x = values()
    with h5py.File(path, "w") as file:
        if kind == "dense":
            file.create_dataset("X", data=x, chunks=(3, 4), compression="gzip")
        else:
            matrix = sparse.csr_matrix(x) if kind == "csr" else sparse.csc_matrix(x)
            group = file.create_group("X")
            for part in ("data", "indices", "indptr"):
                group.create_dataset(part, data=getattr(matrix, part))
            if age == "old":
                group.attrs["h5sparse_format"], group.attrs["h5sparse_shape"] = kind, x.shape
            else:
                group.attrs["encoding-type"], group.attrs["shape"] = f"{kind}_matrix", x.shape
        codes = np.array([0, 2, 0, 1, 2, 0, -1], np.int8)
        if age == "old":
            rows = np.array(
                [(f"cell{i}", c, 20.0 + i) for i, c in enumerate(codes)],
                dtype=[("index", "S8"), ("type", "i1"), ("age", "f8")],
            )
            file.create_dataset("obs", data=rows)
            file.create_dataset("var", data=np.array([(f"g{j}",) for j in range(P)], dtype=[("index", "S8")]))
            text(file.create_group("uns"), "type_categories", ["B", "NK", "T"])
            return path
        obs, var = file.create_group("obs"), file.create_group("var")
        obs.attrs["_index"], var.attrs["_index"] = "barcode", "_index"
        text(obs, "barcode", [f"cell{i}" for i in range(N)])
        text(var, "_index", [f"g{j}" for j in range(P)])
        obs.create_dataset("age", data=20.0 + np.arange(N))
        if age == "middle":
            text(obs.create_group("__categories"), "type", ["B", "NK", "T"])
            column = obs.create_dataset("type", data=codes)
            column.attrs["categories"] = obs["__categories/type"].ref
        else:
            column = obs.create_group("type")
            column.attrs["encoding-type"] = "categorical"
            column.create_dataset("codes", data=codes)
            text(column, "categories", ["B", "NK", "T"])
            count = obs.create_group("count")
            count.attrs["encoding-type"] = "nullable-integer"
            count.create_dataset("values", data=np.arange(N))
            count.create_dataset("mask", data=np.arange(N) == 2)
            obs.create_group("odd").attrs["encoding-type"] = "something new"
        obs.attrs["column-order"] = np.array(["type", "age"], dtype=object)
    return path


@pytest.mark.parametrize("age", ["new", "middle", "old"])
@pytest.mark.parametrize("kind", ["dense", "csr", "csc"])
def test_every_encoding_gives_the_same_cohort(kind, age, tmp_path, monkeypatch):
    monkeypatch.setattr("medgraft.cohort.omics.h5read._BYTES", 4 * P * 2)  # several blocks
    monkeypatch.setattr("medgraft.cohort.omics.h5ad.read", here)
    path = write(tmp_path / "x.h5ad", kind, age)
    assert detect(path).name == "h5ad"
    cohort = read(path, label="type")
    assert cohort.omics == "omics" and cohort.classes == ["B", "NK", "T"]
    assert cohort.n == 6 and cohort.table["age"].tolist() == [20.0, 21, 22, 23, 24, 25]
    assert cohort.table["type"].tolist() == CELL[:6]
    np.testing.assert_array_equal([open_sample("omics", c) for c in cohort.table["omics"]], values()[:6])
    omics = Omics.open(path)
    np.testing.assert_array_equal(omics.values, values())
    assert omics.features.tolist() == [f"g{j}" for j in range(P)] and omics.samples[6] == "cell6"
    assert omics.table["type"].isna().tolist() == [False] * 6 + [True]


def test_nullable_columns_keep_their_holes_and_unknown_ones_are_told(tmp_path):
    said: list[str] = []
    frame, _ = load(write(tmp_path / "x.h5ad"), said.append)
    assert frame["count"].isna().tolist() == [False, False, True, False, False, False, False]
    assert frame["count"].tolist()[3] == 3 and "'odd'" in said[0]
    assert frame.columns.tolist() == ["sample", "type", "age", "count", "omics"]


def here(path, folder, progress, *more):
    """Read in this process, where a test can change the size of blocks, and in less time."""
    from medgraft.cohort.omics.h5read import read_here

    return read_here(path, folder, progress or (lambda done, total: None))


def test_a_process_of_its_own_reads_the_same_and_tells_progress(tmp_path):
    seen: list[tuple[int, int]] = []
    omics = Omics.open(
        write(tmp_path / "x.h5ad", "csr"), progress=lambda done, total: seen.append((done, total))
    )
    np.testing.assert_array_equal(omics.values, values())
    assert omics.table.columns.tolist() == ["sample", "type", "age", "count"] and seen[-1] == (N, N)
    assert "'odd'" in omics.warnings[0]


def spoil(path, how):
    with h5py.File(path, "a") as file:
        if how == "other shape":
            del file["X"]
            file["X"] = np.zeros((N, P + 1))
        elif how == "text":
            del file["X"]
            file.create_dataset("X", data=np.full((N, P), b"x"))
        elif how == "no var":
            del file["var"]
        elif how == "no X":
            del file["X"]
        elif how == "absurd":
            del file["X"], file["var/_index"], file["obs/barcode"]
            file.create_dataset("X", shape=(10**9, 10**9), chunks=(100, 100), dtype="f4")
            file["var"].create_dataset("_index", shape=(10**9,), chunks=(100,), dtype="S8")
            file["obs"].create_dataset("barcode", shape=(10**9,), chunks=(100,), dtype="S8")
        elif how == "huge but consistent":
            del file["X"], file["var/_index"]
            file.create_dataset("X", shape=(N, 9_000_000), chunks=(1, 9_000_000), dtype="f4")
            file["var"].create_dataset("_index", shape=(9_000_000,), chunks=(1000,), dtype="S8")
        elif how == "elsewhere":
            del file["X"]
            file["X"] = h5py.ExternalLink("other.h5", "/X")
        elif how == "external storage":
            del file["X"]
            file.create_dataset("X", shape=(N, P), dtype="f4", external=[("/etc/hostname", 0, 4 * N * P)])
        elif how == "virtual":
            del file["X"]
            layout = h5py.VirtualLayout((N, P), "f4")
            layout[:] = h5py.VirtualSource("other.h5", "X", (N, P))
            file.create_virtual_dataset("X", layout)
        elif how == "category":
            file["obs/type/codes"][0] = 9
        elif how == "short column":
            del file["obs/age"]
            file["obs/age"] = np.zeros(3)
        elif how == "twins":
            file["obs/barcode"][1] = "cell0"


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("other shape", "its X is"),
        ("text", "no plain numbers"),
        ("no var", "has no 'var'"),
        ("no X", "has no 'X'"),
        ("absurd", "more than there can be"),
        ("huge but consistent", "absurd|are free|too large"),
        ("elsewhere", "refers to another file"),
        ("external storage", "refers to another file"),
        ("virtual", "refers to another file"),
        ("category", "names a category"),
        ("short column", "3 values for 7 samples"),
        ("twins", "stands twice"),
    ],
)
def test_what_contradicts_itself_or_leads_elsewhere_is_refused(how, message, tmp_path, monkeypatch):
    monkeypatch.setattr("medgraft.cohort.omics.store.MAX_UNPACKED", 2**24)
    monkeypatch.setattr("medgraft.cohort.omics.h5ad.read", here)
    path = write(tmp_path / "bad.h5ad")
    spoil(path, how)
    with pytest.raises(MedgraftError, match=message) as caught:
        load(path, lambda s: None)
    assert "bad.h5ad" in str(caught.value)


@pytest.mark.parametrize("part", ["indptr", "indices"])
@pytest.mark.parametrize("value", [-3, 10**6])
def test_a_sparse_matrix_that_points_outside_is_refused(part, value, tmp_path, monkeypatch):
    monkeypatch.setattr("medgraft.cohort.omics.h5ad.read", here)
    path = write(tmp_path / "bad.h5ad", "csr")
    with h5py.File(path, "a") as file:
        file["X"][part][3] = value
    with pytest.raises(MedgraftError, match=r"'.*bad\.h5ad' contradicts itself"):
        Omics.open(path)


def test_without_h5py_the_sentence_says_what_to_install(tmp_path, monkeypatch):
    path = write(tmp_path / "x.h5ad")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MedgraftError, match=r"pip install 'medgraft\[omics\]'"):
        Omics.open(path)


FUZZ = """
import os, random, sys, time
from pathlib import Path
from medgraft.base import MedgraftError
from medgraft.cohort.omics import h5ad
from medgraft.cohort.formats import load
from medgraft.cohort.omics.h5read import read_here
h5ad.read = lambda path, folder, progress, *more: read_here(path, folder, lambda done, total: None)
source, path, count = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
whole, rng = source.read_bytes(), random.Random(count)
load(source, lambda s: None)  # all that is imported late is there before the first fork
codes = []
for i in range(count):
    content = bytearray(whole)
    if i % 4 == 0:
        content = content[: rng.randrange(8, len(content))]
    else:
        for _ in range(rng.choice([1, 4, 32])):
            content[rng.randrange(8, len(content))] = rng.randrange(256)
    path.write_bytes(content)
    child = os.fork()
    if child == 0:
        try:
            frame, _ = load(path, lambda s: None)
            os._exit(0 if len(frame) else 3)
        except MedgraftError as error:
            os._exit(1 if path.name in str(error) else 2)
        except BaseException:
            os._exit(4)
    until = time.monotonic() + 0.4
    while (done := os.waitpid(child, os.WNOHANG)) == (0, 0):
        if time.monotonic() > until:
            os.kill(child, 9)
        time.sleep(0.002)
    codes.append(os.waitstatus_to_exitcode(done[1]))
print(*codes)
"""


@pytest.mark.parametrize("kind", ["dense", "csr", "csc"])
def test_flipped_bytes_are_refused_or_read_never_worse(kind, tmp_path):
    """Each file in a fork, because the HDF5 library is C: a crash or a hang of it is for the next two "
    "tests."""
    import resource

    path = write(tmp_path / "x.h5ad", kind)
    done = subprocess.run(
        [sys.executable, "-c", FUZZ, str(path), str(tmp_path / "flipped.h5ad"), "40"],
        env=os.environ | {"MEDGRAFT_CACHE": str(tmp_path / "cache"), "OPENBLAS_NUM_THREADS": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (6 * 2**30, 6 * 2**30)),
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    codes = [int(word) for word in done.stdout.split()]
    assert set(codes) <= {0, 1, -9, -11, -6, -7} and len(codes) == 40, codes
    assert {0, 1} <= set(codes), "all or none were read: nothing was tried"


@pytest.mark.parametrize(
    ("child", "message"),
    [
        ("import time; time.sleep(60)", "no progress for 1 seconds"),
        ("import os; os.kill(os.getpid(), 11)", "gave up"),
        ("print('noise'); import json; print(json.dumps({'reason': 'bad heap'}))", "bad heap"),
    ],
)
def test_a_hang_or_a_crash_of_the_library_ends_in_a_sentence(child, message, tmp_path, monkeypatch):
    path = write(tmp_path / "bad.h5ad")
    monkeypatch.setattr("medgraft.cohort.omics.h5ad.PATIENCE", 1.0)
    monkeypatch.setattr("medgraft.cohort.omics.h5ad._COMMAND", [sys.executable, "-c", child])
    with pytest.raises(MedgraftError, match=message) as caught:
        Omics.open(path)
    assert "bad.h5ad" in str(caught.value)


def test_a_file_on_which_the_library_hangs_is_given_up(tmp_path, monkeypatch):
    """A heap of texts that says it is larger than it is: the library looks for its end for ever."""
    path = write(tmp_path / "bad.h5ad")
    content = bytearray(path.read_bytes())
    heap = content.index(b"GCOL")
    content[heap + 8] = 255
    path.write_bytes(content)
    monkeypatch.setattr("medgraft.cohort.omics.h5ad.PATIENCE", 6.0)
    with pytest.raises(MedgraftError, match=r"bad\.h5ad"):  # a later library may find it out by itself
        Omics.open(path)


def test_the_shape_of_pandas_frames_is_what_the_reader_promises(tmp_path):
    frame, entry = load(write(tmp_path / "x.h5ad"), lambda s: None)
    assert isinstance(frame, pd.DataFrame) and len(frame) == N and entry.roles == {"omics": "omics"}
