"""The registry of formats, and its promise: a cohort or one sentence, whatever the bytes."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from medgraft.base import MedgraftError
from medgraft.cohort import Cohort, decode_image, read
from medgraft.cohort.formats import formats

# .h5ad is read in a child process, a second a time: test_h5ad fuzzes it in forks.
SUFFIXES = [s for f in formats.values() for s in f.suffixes if s != ".h5ad"]


def test_every_format_has_a_test_of_its_own():
    here = {path.stem.removeprefix("test_") for path in Path(__file__).parent.glob("test_*.py")}
    assert not set(formats) - here


def test_the_tables_of_the_design_are_formats():
    assert set(VALID) <= set(SUFFIXES)


def test_a_missing_file_is_named_with_its_nearest_neighbour(tmp_path):
    (tmp_path / "heart.csv").write_text("a\n1\n")
    with pytest.raises(
        MedgraftError, match=r"haert\.csv' does not exist: check the path. Did you mean 'heart\.csv'"
    ):
        read(tmp_path / "haert.csv", label="a")
    with pytest.raises(MedgraftError, match="does not exist"):
        read(tmp_path / "no" / "such.csv", label="a")


@pytest.mark.parametrize("name", ["t.foo", "t.xls", "t"])
def test_an_unknown_suffix_lists_the_known_ones(tmp_path, name):
    (tmp_path / name).write_text("a,b\n1,2\n")
    with pytest.raises(MedgraftError, match=r"medgraft reads .*\.arff.*\.csv.*\.parquet.*\.tsv.*\.xlsx"):
        read(tmp_path / name, label="a")


def test_the_suffix_may_be_in_capitals(tmp_path):
    (tmp_path / "T.CSV").write_text("a,ill\n1,0\n2,1\n")
    assert read(tmp_path / "T.CSV", label="ill").n == 2


def _valid() -> dict[str, bytes]:
    frame = pd.DataFrame(
        {"x": [1.5, 2.5, None, 4.0], "s": ["a", "b", "a", None], "ill": ["u", "v", "u", "v"]}
    )
    parquet, xlsx = io.BytesIO(), io.BytesIO()
    frame.to_parquet(parquet)
    frame.to_excel(xlsx, index=False)
    text = frame.to_csv(index=False)
    arff = "@relation r\n@attribute x numeric\n@attribute s {a,b}\n@attribute ill {u,v}\n@data\n" + "".join(
        f"{line}\n" for line in frame.to_csv(index=False, header=False, na_rep="?").splitlines()
    )
    return {
        ".csv": text.encode(),
        ".tsv": text.replace(",", "\t").encode(),
        ".parquet": parquet.getvalue(),
        ".arff": arff.encode(),
        ".xlsx": xlsx.getvalue(),
    }


VALID = _valid()
FUZZ = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


def _cohort_or_sentence(path, content: bytes) -> None:
    path.write_bytes(content)
    try:
        cohort = read(path, label="ill", require_label=False)
    except MedgraftError as error:
        assert str(error) and "\n" not in str(error)
    else:
        assert isinstance(cohort, Cohort) and cohort.n > 0 and len(cohort.fingerprint()) == 64


@pytest.mark.parametrize("suffix", VALID)
def test_valid_files_are_read(tmp_path, suffix):
    (tmp_path / f"t{suffix}").write_bytes(VALID[suffix])
    cohort = read(tmp_path / f"t{suffix}", label="ill")
    assert cohort.classes == ["u", "v"] and cohort.y.tolist() == [0, 1, 0, 1]
    assert cohort.X["x"].tolist()[:2] == [1.5, 2.5] and np.isnan(cohort.X["x"][2])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("suffix", SUFFIXES)
@FUZZ
@given(content=st.binary(max_size=300))
def test_random_bytes_give_a_cohort_or_one_sentence(tmp_path_factory, suffix, content):
    _cohort_or_sentence(tmp_path_factory.getbasetemp() / f"fuzz{suffix}", content)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("suffix", [".csv", ".arff"])
@FUZZ
@given(content=st.text(alphabet="@dat{}ill,;\t\n'\"?%ux1.e-\\ ", max_size=200))
def test_text_of_the_format_s_own_marks_gives_a_cohort_or_one_sentence(tmp_path_factory, suffix, content):
    head = (
        "ill,x\n" if suffix == ".csv" else "@relation r\n@attribute ill {u,v}\n@attribute x numeric\n@data\n"
    )
    _cohort_or_sentence(tmp_path_factory.getbasetemp() / f"marks{suffix}", (head + content).encode())


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("suffix", VALID)
@FUZZ
@given(data=st.data())
def test_damaged_files_give_a_cohort_or_one_sentence(tmp_path_factory, suffix, data):
    content = bytearray(VALID[suffix])
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    cut = data.draw(st.integers(0, len(content))) if data.draw(st.booleans()) else len(content)
    _cohort_or_sentence(tmp_path_factory.getbasetemp() / f"flip{suffix}", bytes(content[:cut]))


def _images() -> dict[str, bytes]:
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (16, 16, 3), np.uint8))
    out = {}
    for kind in ("JPEG", "PNG", "TIFF", "BMP", "PPM"):
        buffer = io.BytesIO()
        picture.save(buffer, kind)
        out[kind] = buffer.getvalue()
    return out


IMAGES = _images()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", list(IMAGES))
@FUZZ
@given(data=st.data())
def test_damaged_images_give_a_picture_or_one_sentence(tmp_path_factory, kind, data):
    content = bytearray(IMAGES[kind])
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path = tmp_path_factory.getbasetemp() / f"fuzz.{kind}"
    path.write_bytes(bytes(content))
    try:
        assert decode_image(path).mode in ("L", "RGB")
    except MedgraftError as error:
        assert str(path) in str(error) and "\n" not in str(error)
