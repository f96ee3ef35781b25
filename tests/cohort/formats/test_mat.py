"""MATLAB files of both kinds; what is no array of numbers is never touched."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from scipy.io import loadmat, savemat
from scipy.sparse import coo_array

from damaged import FUZZ, damage, read_or_sentence
from medgraft.base import MedgraftError
from medgraft.cohort.formats import load
from medgraft.cohort.formats.mat_arrays import list_arrays, load_array
from medgraft.cohort.media import open_sample

TWO = np.arange(40, dtype=float).reshape(2, 20)


def _load(path):
    said: list[str] = []
    frame, entry = load(path, said.append)
    return frame, entry, said


def _hdf5(path, **variables):
    import h5py

    with h5py.File(path, "w") as file:
        for name, values in variables.items():
            item = file.create_dataset(name, data=np.asarray(values).T)  # as MATLAB stores it
            item.attrs["MATLAB_class"] = np.bytes_("double")
    return path


@pytest.fixture
def save(tmp_path):
    def save(name="a.mat", **variables):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("h5.mat"):
            return _hdf5(path, **variables)
        savemat(path, variables)
        return path

    return save


@pytest.mark.parametrize("name", ["a.mat", "h5.mat"])
def test_arrays_are_signals_by_their_name_with_the_file_s_rate(save, name):
    path = save(name, val=TWO, long=TWO[0][:, None], fs=np.array([[250.0]]), few=np.arange(3.0)[None])
    frame, entry, said = _load(path)
    assert entry.name == "mat" and said == []
    assert sorted(frame["variable"]) == ["long", "val"] and (frame["rate"] == 250).all()
    found = {v: open_sample("signal", s) for v, s in zip(frame["variable"], frame["signal"], strict=True)}
    np.testing.assert_array_equal(found["val"].values, TWO)
    np.testing.assert_array_equal(found["long"].values, TWO[:1])
    assert found["val"].rate == 250 and found["val"].channels == ("val_1", "val_2")
    assert found["long"].channels == ("long",)


@pytest.mark.parametrize("name", ["a.mat", "h5.mat"])
def test_the_longer_dimension_is_time(save, name):
    signal = open_sample("signal", str(save(name, val=TWO.T)))
    np.testing.assert_array_equal(signal.values, TWO)
    assert signal.rate == 1.0


def test_class_folders_of_files_are_a_cohort(save, tmp_path):
    save("ill/a.mat", val=TWO), save("well/b.mat", val=TWO + 1)
    frame, entry, _ = _load(tmp_path)
    assert entry.name == "mat" and frame["label"].tolist() == ["ill", "well"] and "rate" not in frame


def test_a_reference_to_one_of_several_must_name_it(save):
    path = save(a=TWO, b=TWO)
    with pytest.raises(MedgraftError, match=r"needs variable=NAME .* there is 'a', 'b'"):
        open_sample("signal", str(path))
    with pytest.raises(MedgraftError, match=r"needs variable=NAME"):
        open_sample("signal", f"{path}::variable=c")
    assert open_sample("signal", f"{path}::variable=b").values.shape == (2, 20)


def test_cells_structs_and_text_are_passed_over(save):
    cells = np.empty(20, dtype=object)
    cells[:] = "x"
    path = save(val=TWO, cells=cells, record={"x": TWO}, text="a text longer than sixteen letters")
    assert _load(path)[0]["variable"].tolist() == ["val"]
    with pytest.raises(MedgraftError, match="needs variable=NAME"):
        open_sample("signal", f"{path}::variable=cells")
    with pytest.raises(MedgraftError, match="holds no signal"):
        _load(save("c.mat", cells=cells))


def test_links_and_outside_data_of_hdf5_are_never_followed(tmp_path):
    import h5py

    (tmp_path / "secret.bin").write_bytes(bytes(8 * 20))
    path, other = tmp_path / "h5.mat", _hdf5(tmp_path / "other.h5", val=TWO)
    with h5py.File(path, "w") as file:
        file["linked"] = h5py.ExternalLink(str(other), "val")
        file["soft"] = h5py.SoftLink("/linked")
        file.create_dataset("outside", (20,), "f8", external=[(str(tmp_path / "secret.bin"), 0, 160)])
        layout = h5py.VirtualLayout((20, 2), "f8")
        layout[:] = h5py.VirtualSource(str(other), "val", (20, 2))
        file.create_virtual_dataset("virtual", layout)
        file.create_dataset("reference", data=file.ref, dtype=h5py.ref_dtype)
    with pytest.raises(MedgraftError, match="holds no signal"):
        _load(path)
    for name in ("linked", "soft", "outside", "virtual", "reference"):
        with pytest.raises(MedgraftError, match="needs variable=NAME"):
            open_sample("signal", f"{path}::variable={name}")


def test_a_promise_of_more_than_memory_is_refused(tmp_path):
    import h5py

    path = tmp_path / "h5.mat"
    with h5py.File(path, "w") as file:
        file.create_dataset("val", (2, 2**34), "f8", chunks=(1, 2**16))  # takes no room on disk
    with pytest.raises(MedgraftError, match=r"h5\.mat' promises 34,359,738,368 values"):
        open_sample("signal", str(path))


def test_the_file_of_a_wfdb_record_is_left_to_its_header(shared_data):
    assert _load(shared_data("ecg_wfdb"))[1].name == "wfdb_record"


@pytest.mark.parametrize("how", [{"format": "4"}, {}, {"do_compression": True}])
@pytest.mark.parametrize("dtype", ["f8", "f4", "i2", "u1", "i4", "u8", ">f8"])
def test_arrays_are_those_that_scipy_reads(tmp_path, how, dtype):
    if how == {"format": "4"} and dtype == "u8":
        pytest.skip("version 4 has no such numbers")
    rng = np.random.default_rng(0)
    saved = {
        f"a{i}": rng.integers(0, 100, shape).astype(dtype)
        for i, shape in enumerate([(3, 50), (1, 1), (7, 2)])
    }
    savemat(tmp_path / "a.mat", saved | {"text": "abc"}, **how)
    arrays = {a.name: load_array(tmp_path / "a.mat", a) for a in list_arrays(tmp_path / "a.mat")}
    theirs = loadmat(tmp_path / "a.mat")
    assert sorted(arrays) == sorted(saved)
    for name, values in arrays.items():
        np.testing.assert_array_equal(values, theirs[name])


def test_complex_sparse_and_empty_arrays_are_no_signals(tmp_path):
    savemat(tmp_path / "a.mat", {"c": TWO * 1j, "s": coo_array(TWO), "e": np.zeros((0, 30)), "v": TWO})
    assert _load(tmp_path / "a.mat")[0]["variable"].tolist() == ["v"]


def test_a_compressed_bomb_is_refused_by_its_promise(tmp_path):
    import struct
    import zlib

    n = 2**30
    flags, shape = struct.pack("<4I", 6, 8, 6, 0), struct.pack("<2I2i", 5, 8, 1, n)
    name, data = struct.pack("<HH4s", 1, 3, b"val"), struct.pack("<2I", 9, n * 8 % 2**32)
    head = flags + shape + name + data
    packed = zlib.compress(struct.pack("<2I", 14, len(head)) + head + bytes(10**6))
    header = b"MATLAB 5.0".ljust(124) + b"\x00\x01IM"
    (tmp_path / "a.mat").write_bytes(header + struct.pack("<2I", 15, len(packed)) + packed)
    with pytest.raises(MedgraftError, match=r"a\.mat"):
        _load(tmp_path / "a.mat")


def _bytes(**how) -> bytes:
    buffer = io.BytesIO()
    savemat(buffer, {"val": TWO, "fs": 250.0}, **how)
    return buffer.getvalue()


KINDS = {"version 4": _bytes(format="4"), "plain": _bytes(), "compressed": _bytes(do_compression=True)}


@pytest.mark.parametrize("kind", list(KINDS))
def test_damaged_files_give_signals_or_one_sentence(tmp_path_factory, kind):
    path = tmp_path_factory.mktemp("mat") / "fuzz.mat"
    path.write_bytes(KINDS[kind])
    assert len(read_or_sentence(path, "signal")) == 1

    @FUZZ
    @given(data=damage(KINDS[kind], head=256))
    def fuzz(data):
        path.write_bytes(data)
        read_or_sentence(path, "signal")

    fuzz()


def test_damaged_hdf5_files_give_signals_or_one_sentence(tmp_path_factory):
    path = _hdf5(tmp_path_factory.mktemp("mat") / "h5.mat", val=TWO)
    content = path.read_bytes()

    @FUZZ
    @given(data=damage(content))
    def fuzz(data):
        path.write_bytes(data)
        read_or_sentence(path, "signal")

    fuzz()
