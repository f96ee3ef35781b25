"""MedMNIST: rows of arrays in an archive, unpickled never and unpacked within bounds."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
from hypothesis import given

from damaged import FUZZ, damage, read_or_sentence
from medgraft.base import MedgraftError
from medgraft.cohort import generate
from medgraft.cohort.formats import load, medmnist
from medgraft.cohort.images import decode_image
from medgraft.cohort.media import open_sample

COUNTS = {"train": 4, "val": 2, "test": 3}


def arrays(shape=(5, 6), labels=(1,), **others):
    """Return arrays whose values count through all images of a split."""
    made = {}
    for k, (split, n) in enumerate(COUNTS.items()):
        made[f"{split}_images"] = (np.arange(n * np.prod(shape)) + k).astype(np.uint8).reshape(n, *shape)
        made[f"{split}_labels"] = np.arange(n * np.prod(labels)).reshape(n, *labels) + 10 * k
    return made | others


def npz(values):
    out = io.BytesIO()
    np.savez_compressed(out, **values)
    return out.getvalue()


@pytest.fixture
def save(tmp_path):
    def save(values, name="set.npz"):
        (tmp_path / name).write_bytes(values if isinstance(values, bytes) else npz(values))
        return tmp_path / name

    return save


def _load(path):
    said: list[str] = []
    frame, entry = load(path, said.append)
    return frame, entry, said


@pytest.mark.parametrize(("shape", "mode"), [((5, 6), "L"), ((5, 6, 3), "RGB"), ((3, 3), "L")])
def test_images_labels_and_splits_come_back_row_by_row(save, shape, mode):
    made = arrays(shape)
    path = save(made)
    frame, entry, said = _load(path)
    assert entry.name == "medmnist" and said == [] and list(frame) == ["image", "label", "split"]
    assert frame["split"].tolist() == ["train"] * 4 + ["val"] * 2 + ["test"] * 3
    assert frame["label"].tolist() == [0, 1, 2, 3, 10, 11, 20, 21, 22]
    assert frame["image"][5] == f"{path}::array=val_images;row=1"
    for i in np.random.default_rng(0).permutation(9):
        image = decode_image(frame["image"][i])
        split, row = frame["split"][i], int(frame["image"][i].rsplit("=", 1)[1])
        assert image.mode == mode
        np.testing.assert_array_equal(np.asarray(image), made[f"{split}_images"][row])


def test_volumes_have_their_depth_as_last_axis_and_no_spacing(save):
    made = arrays((4, 5, 5))
    frame, entry, _ = _load(save(made))
    assert "image" not in frame and entry.roles["volume"] == "volume"
    volume = open_sample("volume", frame["volume"][3])
    assert volume.values.shape == (5, 5, 4) and volume.values.dtype == np.float32
    assert volume.values[1, 2, 3] == made["train_images"][3, 3, 2, 1]
    np.testing.assert_array_equal(volume.affine, np.eye(4))
    with pytest.raises(MedgraftError, match="to a volume, not to an image"):
        decode_image(frame["volume"][3])
    with pytest.raises(MedgraftError, match="to an image, not to a volume"):
        open_sample("volume", str(_load(save(arrays(), "b.npz"))[0]["image"][0]))


def test_several_labels_are_several_columns(save):
    frame, _, _ = _load(save(arrays(labels=(3,))))
    assert list(frame) == ["image", "label_0", "label_1", "label_2", "split"]
    assert frame.iloc[4, 1:4].tolist() == [10, 11, 12]
    assert _load(save(arrays(labels=())))[0]["label"].tolist()[:2] == [0, 1]


def test_stored_archives_and_arrays_of_the_other_order_are_read_alike(tmp_path):
    made = arrays()
    made["train_images"] = np.asfortranarray(made["train_images"])
    np.savez(tmp_path / "a.npz", **made)
    frame, _, _ = _load(tmp_path / "a.npz")
    np.testing.assert_array_equal(decode_image(frame["image"][2]), made["train_images"][2])


def test_a_row_or_array_that_is_not_there_is_one_sentence(save):
    path = save(arrays())
    for part, match in (
        ("array=train_images;row=4", "row 4 of 4"),
        ("array=none;row=0", "has no array 'none'"),
        ("array=train_images;row=-1", "whole number"),
        ("array=train_labels;row=0", "images are of bytes"),
    ):
        with pytest.raises(MedgraftError, match=match):
            decode_image(f"{path}::{part}")
    with pytest.raises(MedgraftError, match=r"gone\.npz' does not exist"):
        decode_image(f"{path.with_name('gone.npz')}::array=train_images;row=0")


@pytest.mark.parametrize(
    ("others", "match"),
    [
        ({"val_labels": np.zeros((3, 1))}, r"'val_labels' .* shape \(3, 1\), .* fit 2 images"),
        ({"val_labels": np.array([["a"], ["b"]])}, "holds no numbers"),
        ({"val_labels": np.array([[None], [{}]], dtype=object)}, "holds objects"),
        ({"val_images": np.zeros((2, 5, 6), np.float32)}, "images are of bytes"),
        ({"val_images": np.zeros((2, 4, 5, 6), np.uint8)}, r"shape \(2, 4, 5, 6\)"),
        ({"val_images": np.zeros((2, 0, 6), np.uint8)}, "nothing is in it"),
        ({"val_images": np.zeros((2, 4, 5, 5), np.uint8)}, "differ in what they hold"),
        ({"more_images": np.zeros((2, 5, 6), np.uint8)}, "has no array 'more_labels'"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(save, others, match):
    with pytest.raises(MedgraftError, match=match) as error:
        _load(save(arrays(**others)))
    assert "set.npz" in str(error.value)


def test_an_array_of_objects_is_never_unpickled(save):
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("it was unpickled",))

    with pytest.raises(MedgraftError, match="holds objects|images are of bytes"):
        _load(save(arrays(train_images=np.array([Trap()], dtype=object))))


def _promise(path, shape, body=b""):
    """Write an archive whose images promise a shape and hold something else."""
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "|u1", "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("train_images.npy", head.getvalue() + body)
        archive.writestr("train_labels.npy", npy(np.zeros((shape[0] if shape[0] < 100 else 1, 1))))
    return path


def npy(values):
    out = io.BytesIO()
    np.save(out, values)
    return out.getvalue()


@pytest.mark.parametrize(
    ("shape", "body", "match"),
    [
        ((2, 2**20, 2**20), b"", "unpacks to 2,199,023,255,552 bytes"),
        ((2, 2**15, 2**14), b"", "promises 536,870,912 values|promises 1,073,741,824 bytes"),
        ((2, 5, 5), b"x" * 49, "promises 50 bytes and holds others"),
        ((2, 5, 5), b"x" * 10**7, "promises 50 bytes and holds others"),
        ((2**23, 1, 1), b"\0" * 2**23, "promises more than 4,194,304 images"),
    ],
)
def test_promises_that_are_broken_or_absurd_are_refused(tmp_path, shape, body, match):
    path = _promise(tmp_path / "bomb.npz", shape, body)
    with pytest.raises(MedgraftError, match=match) as error:
        _load(path)
    assert "bomb.npz" in str(error.value)
    if "images" not in match:
        with pytest.raises(MedgraftError, match=r"bomb\.npz"):
            decode_image(f"{path}::array=train_images;row=0")


def test_a_directory_that_lies_about_the_size_gives_no_more_than_it_says(tmp_path):
    path = _promise(tmp_path / "a.npz", (2, 5, 5), b"x" * 10**6)
    content, true, said = path.read_bytes(), 10**6 + 128, 50 + 128
    assert content.count(true.to_bytes(4, "little")) == 2
    path.write_bytes(content.replace(true.to_bytes(4, "little"), said.to_bytes(4, "little")))
    with pytest.raises(MedgraftError, match=r"a\.npz' cannot be read .*CRC"):
        decode_image(f"{path}::array=train_images;row=0")


def test_arrays_stay_in_memory_until_there_are_too_many(save, monkeypatch):
    frame, _, _ = _load(save(arrays()))
    monkeypatch.setattr(medmnist, "_cache", medmnist._Cache())
    read: list[str] = []
    true = medmnist._values
    monkeypatch.setattr(medmnist, "_values", lambda *a: (read.append(a[2]), true(*a))[1])
    for i in (0, 5, 8, 1, 4, 7):
        decode_image(frame["image"][i])
    assert read == ["train_images", "val_images", "test_images"]
    monkeypatch.setattr(medmnist, "_cache", medmnist._Cache())
    monkeypatch.setattr(medmnist, "_KEPT", 100)  # less than any two of them
    for i in (0, 5, 4):
        decode_image(frame["image"][i])
    assert read[3:] == ["train_images", "val_images"] and len(medmnist._cache._arrays) == 1


def test_a_changed_file_is_read_anew(save):
    frame, _, _ = _load(save(arrays()))
    before = np.asarray(decode_image(frame["image"][0]))
    save(arrays(train_images=np.full((4, 7, 8), 9, np.uint8)))
    assert before[0, 1] == 1 and np.asarray(decode_image(frame["image"][0])).shape == (7, 8)


def test_other_archives_are_no_medmnist(save):
    assert not medmnist.matches(save({"x": np.zeros(3)}))
    assert not medmnist.matches(save(b"PK\x03\x04 and no more"))
    with pytest.raises(MedgraftError, match=r"set\.npz' holds no array whose name ends in '_images'"):
        _load(save({"x": np.zeros(3)}))


@pytest.mark.parametrize("colour", [False, True])
def test_generated_images_come_back_with_their_labels(tmp_path, colour):
    made = generate.medmnist(tmp_path / "m.npz", 20, colour=colour)
    frame, _, _ = _load(tmp_path / "m.npz")
    classes = list(made.truth.classes)
    true = {f: classes.index(label) for f, label in zip(made.table["file"], made.table["label"], strict=True)}
    assert {t.split("::array=")[1]: k for t, k in zip(frame["image"], frame["label"], strict=True)} == true


@FUZZ
@given(content=damage(npz(arrays())))
def test_damaged_archives_give_images_or_one_sentence(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "fuzz.npz"
    path.write_bytes(content)
    read_or_sentence(path, "image")
