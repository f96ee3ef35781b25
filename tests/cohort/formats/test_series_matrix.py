"""GEO's series matrices."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medgraft.base import MedgraftError
from medgraft.cohort import read
from medgraft.cohort.formats import detect, load
from medgraft.cohort.media import open_sample
from medgraft.cohort.omics import Omics

SAMPLES = ["GSM1", "GSM2", "GSM3"]


def lines(values: str | None = None, end: bool = True) -> str:
    """A small series as GEO writes it: quoted cells, and characteristics that shift for one sample."""
    rows = [
        '!Series_title\t"Brain, age and ""noise"""',
        '!Series_geo_accession\t"GSE38608"',
        "",
        '!Sample_title\t"brain 1"\t"brain 2"\t"blood\t3"',
        '!Sample_geo_accession\t"GSM1"\t"GSM2"\t"GSM3"',
        '!Sample_source_name_ch1\t"cortex"\t"cortex"\t"blood"',
        '!Sample_characteristics_ch1\t"age: 60"\t"age: 39"\t"Sex: F"',
        '!Sample_characteristics_ch1\t"Sex: M"\t"Sex: F"\t"age: 4.5"',
        '!Sample_characteristics_ch1\t"disease state: autism"\t"disease state: control"\t"note: a: b"',
        '!Sample_characteristics_ch1\t"post mortem"\t""\t"disease state: control"',
        '!Sample_data_processing\t"whatever"\t"whatever"\t"whatever"',
        '!Sample_platform_id\t"GPL8490"\t"GPL8490"\t"GPL8490"',
        "!series_matrix_table_begin",
        '"ID_REF"\t"GSM1"\t"GSM2"\t"GSM3"',
    ]
    rows += [values] if values is not None else ['"cg00000292"\t0.5\t0.25\tnull', '"cg00002426"\t\t1\t0']
    return "\n".join([*rows, *(["!series_matrix_table_end"] if end else [])]) + "\n"


@pytest.mark.parametrize("name", ["GSE1_series_matrix.txt", "GSE1_series_matrix.txt.gz", "odd.csv"])
def test_samples_become_a_table_and_values_their_omics(name, tmp_path):
    path = tmp_path / name
    content = lines().encode()
    path.write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    assert detect(path).name == "series_matrix"
    cohort = read(path, label="disease state")
    assert cohort.n == 3 and cohort.omics == "omics" and cohort.kinds[0] == "omics"
    table = cohort.table
    assert table["sample"].tolist() == SAMPLES and table["age"].tolist() == [60.0, 39.0, 4.5]
    assert table["Sex"].tolist() == ["M", "F", "F"] and table["title"].tolist()[2] == "blood\t3"
    assert table["disease state"].tolist() == ["autism", "control", "control"]
    assert table["note"].tolist()[2] == "a: b" and table["platform"].unique().tolist() == ["GPL8490"]
    assert (
        table["series"].unique().tolist() == ["GSE38608"]
        and table["characteristics"].tolist()[0] == "post mortem"
    )
    rows = [open_sample("omics", cell) for cell in table["omics"]]
    np.testing.assert_array_equal(rows, np.float32([[0.5, np.nan], [0.25, 1], [np.nan, 0]]))
    assert Omics.open(path).features.tolist() == ["cg00000292", "cg00002426"]


def test_the_samples_of_a_series_of_few_probes_are_still_its_columns(tmp_path):
    path = tmp_path / "m.txt"
    path.write_text(lines('"cg00000292"\t1\t2\t3'))
    assert Omics.open(path).shape == (3, 1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lines(end=False), "no last line: it is cut off"),
        (lines("").replace("\n\n!series_matrix_table_end", "\n!series_matrix_table_end"), "has no values"),
        (lines().split("!series_matrix_table_begin")[0], "no table of values"),
        (lines().replace('!Sample_geo_accession\t"GSM1"\t', "!Sample_geo_accession\t"), "3|gives|nothing"),
        (lines().replace("!Sample_geo_accession", "!Sample_geo_accessio"), "names no samples"),
        (lines().replace('"ID_REF"\t"GSM1"', '"ID_REF"\t"GSM7"'), "'GSM7', of which it says nothing"),
        (lines('"cg00000292"\t1\t2'), "Row 1 .* has 3 fields"),
        (lines('"cg00000292"\t1\tx\t3').replace("GSM", "GSM"), "text|column|last"),
    ],
)
def test_a_damaged_series_ends_in_a_sentence_with_its_name(content, message, tmp_path):
    path = tmp_path / "bad_series_matrix.txt"
    path.write_text(content)
    if "\tx\t" in content:  # a column of text in a matrix of one row: dropped, and its sample is not read
        omics = Omics.open(path)
        assert omics.samples == ["GSM1", "GSM3"]
        return
    with pytest.raises(MedgraftError, match=message) as caught:
        load(path, lambda s: None)
    assert "bad_series_matrix.txt" in str(caught.value)


@settings(
    max_examples=80, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_flipped_or_cut_series_is_refused_or_read_never_worse(tmp_path, data):
    content = bytearray(lines().encode())
    packed = data.draw(st.booleans())
    if packed:
        content = bytearray(gzip.compress(bytes(content), mtime=0))
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(1, len(content)))]
    else:
        for _ in range(data.draw(st.integers(1, 3))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "flipped_series_matrix.txt"
    path.write_bytes(content)
    try:
        frame, _ = load(path, lambda s: None)
    except MedgraftError as error:
        assert "flipped_series_matrix.txt" in str(error)
    else:
        assert len(frame) >= 1 and frame.shape[1] >= 1
        assert not packed or frame["sample"].tolist() == SAMPLES
