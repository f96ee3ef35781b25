from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medgraft.base import MedgraftError
from medgraft.cohort.omics import Omics
from medgraft.cohort.omics.store import cache_folder


def frame(n: int, p: int, seed: int = 0, missing: float = 0.1) -> pd.DataFrame:
    """Samples x features, with holes."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, p)).astype(np.float32)
    values[rng.random((n, p)) < missing] = np.nan
    return pd.DataFrame(values, [f"s{i}" for i in range(n)], [f"cg{j:08d}" for j in range(p)])


def same(omics: Omics, expected: pd.DataFrame) -> None:
    assert omics.samples == list(expected.index) and omics.features.tolist() == list(expected.columns)
    np.testing.assert_array_equal(omics.values, expected.to_numpy(np.float32))


@pytest.mark.parametrize("name", ["m.csv", "m.tsv", "m.csv.gz", "m.parquet"])
@pytest.mark.parametrize("across", [False, True])
@pytest.mark.parametrize("shape", [(5, 40), (40, 5)])
def test_a_matrix_is_read_whichever_way_it_lies(name, across, shape, tmp_path):
    expected = frame(*shape)
    written = expected.T if across else expected
    path = tmp_path / name
    if name.endswith("parquet"):
        written.reset_index().to_parquet(path)
    else:
        written.to_csv(path, sep="\t" if ".tsv" in name else ",")
    same(Omics.open(path), expected)


def test_without_known_probes_the_longer_side_is_the_features_unless_ids_say_otherwise(tmp_path):
    tall = frame(6, 3).set_axis(["a", "b", "c"], axis=1)
    path = tmp_path / "m.csv"
    tall.to_csv(path)
    assert Omics.open(path).samples == ["a", "b", "c"]
    assert Omics.open(path, ids=["s4"]).samples == [f"s{i}" for i in range(6)]
    assert Omics.open(path, orientation="rows").shape == (6, 3)
    assert Omics.open(path).shape == (3, 6)


def test_the_result_does_not_depend_on_the_size_of_the_pieces(tmp_path, monkeypatch):
    expected = frame(37, 53)
    expected.to_csv(tmp_path / "m.csv")
    expected.T.to_csv(tmp_path / "t.csv")
    monkeypatch.setattr("medgraft.cohort.omics.delimited.PIECE", 700)
    monkeypatch.setattr("medgraft.cohort.omics.layout.PIECE", 700)
    monkeypatch.setattr("medgraft.cohort.omics.store._BUFFER", 600)
    monkeypatch.setattr("medgraft.cohort.omics.matrix.CHUNK", 100)
    for name in ("m.csv", "t.csv"):
        omics = Omics.open(tmp_path / name)
        same(omics, expected)
        whole = np.full(omics.shape, np.nan, np.float32)
        for place, block in omics.blocks(7):
            whole[:, place] = block
        np.testing.assert_array_equal(whole, expected)
        np.testing.assert_allclose(omics.variance(), expected.var(ddof=1), rtol=1e-6)
        np.testing.assert_allclose(omics.missing_rate(), expected.isna().mean(), atol=1e-12)


def test_statistics_can_be_of_some_rows_only(tmp_path):
    expected = frame(20, 30)
    expected.to_csv(tmp_path / "m.csv")
    omics = Omics.open(tmp_path / "m.csv")
    rows = np.array([3, 1, 17, 8])
    np.testing.assert_allclose(omics.variance(rows), expected.iloc[rows].var(ddof=1), rtol=1e-6)
    mask = np.isin(np.arange(20), rows)
    np.testing.assert_allclose(omics.missing_rate(mask), expected.iloc[rows].isna().mean())
    with pytest.raises(MedgraftError, match="0 to 19"):
        omics.variance([20])


def test_variance_is_exact_where_the_mean_is_large(tmp_path):
    values = pd.DataFrame(
        {"g1": [8_000_000.0, 8_000_001, 8_000_002], "g2": [1.0, 1, 1]}, index=["a", "b", "c"]
    )
    values.to_csv(tmp_path / "m.csv")
    assert Omics.open(tmp_path / "m.csv", orientation="rows").variance().tolist() == [1.0, 0.0]


def test_views_keep_rows_and_select_features_in_the_order_given(tmp_path):
    expected = frame(6, 12, missing=0.0)
    expected.iloc[:4, 2] = np.nan
    expected.iloc[:, 5] = 0.5
    expected.to_csv(tmp_path / "m.csv")
    omics = Omics.open(tmp_path / "m.csv")
    kept = omics.keep(max_missing=0.5)
    assert kept.features.tolist() == [c for j, c in enumerate(expected.columns) if j not in (2, 5)]
    chosen = ["cg00000011", "cg00000000", "cg00000007"]
    view = kept.select(chosen)
    same(view, expected[chosen])
    np.testing.assert_array_equal(np.hstack([b for _, b in view.blocks(2)]), expected[chosen])
    np.testing.assert_array_equal(view.row("s3"), expected.loc["s3", chosen])
    np.testing.assert_allclose(view.variance(), expected[chosen].var(ddof=1), rtol=1e-6)
    assert omics.keep(max_missing=1.0, rows=[4, 5]).shape[1] == 11  # the constant one has gone
    with pytest.raises(MedgraftError, match="Did you mean 'cg00000011'"):
        omics.select(["cg000000011"])
    with pytest.raises(MedgraftError, match="loosen"):
        omics.keep(min_variance=1e9)


def test_text_and_facts_about_patients_go_to_the_table_of_samples(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text("id,sex,cg00000001,Age,cg00000002\np1,m,0.5,60,1\np2,f,NA,71,2\n")
    omics = Omics.open(path)
    assert omics.features.tolist() == ["cg00000001", "cg00000002"]
    assert omics.table.to_dict("list") == {"sample": ["p1", "p2"], "sex": ["m", "f"], "Age": [60, 71]}
    np.testing.assert_array_equal(omics.values, [[0.5, 1], [np.nan, 2]])


def test_annotations_of_probes_and_detection_p_values_are_left_out_with_a_warning(tmp_path):
    path = tmp_path / "m.tsv"
    head = "ID_REF\tGSM1\tGSM1 Detection Pval\tGene\tGSM2\tGSM2 Detection Pval\n"
    path.write_text(head + "".join(f"cg0000000{i}\t0.{i}\t0.01\tTP53\t0.5\t0\n" for i in range(1, 5)))
    omics = Omics.open(path)
    assert omics.samples == ["GSM1", "GSM2"] and omics.shape == (2, 4)
    assert "detection p-values" in " ".join(omics.warnings) and "'Gene'" in " ".join(omics.warnings)


@pytest.mark.parametrize(
    ("content", "samples", "first"),
    [
        ('"","b;c","d"\n"cg00000001",0.5,"0.25"\n"cg00000002",1,2\n', ["b;c", "d"], [0.5, 1]),
        ("a b\ncg00000001 0.5 1\ncg00000002 2 3\n", ["a", "b"], [0.5, 2]),  # R's write.table
        ("id;a;b\ncg00000001;0,5;1,25\ncg00000002;2;3\n", ["a", "b"], [0.5, 2]),
        ("id,a,b,\r\ncg00000001,0.5,1,\r\ncg00000002,2,3,\r\n", ["a", "b"], [0.5, 2]),
        ("# made by x\n#id,a,b\ncg00000001,.5,1\ncg00000002,2,3\n", ["a", "b"], [0.5, 2]),
        ("\ufeffid,ä,b\ncg00000001, 5e-1 ,1\n\ncg00000002,2,inf\n", ["ä", "b"], [0.5, 2]),
    ],
)
def test_what_programs_write_is_understood(content, samples, first, tmp_path):
    path = tmp_path / "m.csv"
    path.write_text(content, encoding="utf-8")
    omics = Omics.open(path)
    assert omics.samples == samples and omics.row(samples[0]).tolist() == first


def test_infinite_values_are_missing_and_equal_names_are_numbered(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text("id,a,b\nTP53,1,inf\nTP53,2,3\nTP53.2,4,5\nX,4,5\n")
    omics = Omics.open(path)
    assert omics.features.tolist() == ["TP53", "TP53.3", "TP53.2", "X"]
    assert np.isnan(omics.values[1, 0]) and len(omics.warnings) == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no values|empty"),
        (b"id,a,b\n", "no rows"),
        (b"id,a,b\ncg1,1,2\ncg2,1\n", "Row 2 .* has 2 fields"),
        (b"id,a,b\n" + b"cg1,1,2\n" * 30 + b"cg2,1,many\n", "Row 31 .* 'many' in the column 'b'"),
        (b"id,a,b\n" + b"cg1,1,2\n" * 30 + b"cg2,1,1_0\n", "'1_0'"),
        (b"id,a,a\ncg1,1,2\ncg2,1,3\ncg3,1,3\n", "'a' stands twice"),
        (b"id,a\nx,y\n", "text|numbers"),
        ("id,a\nx,1\n".encode("utf-16"), "UTF-16"),
        (gzip.compress(b"id,a,b\ncg1,1,2\n" * 99, mtime=0)[:-20], "unpacked"),
        (b"\x1f\x8b" + b"x" * 50, "unpacked|cannot be read"),
        (b"PAR1 and nothing", "cannot be read"),
        (b"\x89HDF\r\n\x1a\n and nothing", "cannot be read"),
    ],
)
def test_a_file_that_is_no_matrix_ends_in_a_sentence_with_its_name(content, message, tmp_path):
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    with pytest.raises(MedgraftError, match=message) as caught:
        Omics.open(path, orientation="columns")
    assert "bad.csv" in str(caught.value)
    assert not [p for p in cache_folder().glob("*") if p.is_dir()], "something was left in the cache"


def test_a_bomb_and_an_endless_line_are_refused(tmp_path, monkeypatch):
    bomb = tmp_path / "bomb.csv.gz"
    monkeypatch.setattr("medgraft.cohort.omics.lines.MAX_UNPACKED", 2**20)
    monkeypatch.setattr("medgraft.cohort.omics.lines.MAX_LINE", 2**16)
    bomb.write_bytes(gzip.compress(b"id,a\n" + b"x,1\n" * 2**20))
    with pytest.raises(MedgraftError, match="unpacks to more"):
        Omics.open(bomb)
    bomb.write_bytes(b"1" * 2**17)
    with pytest.raises(MedgraftError, match="a line of more than"):
        Omics.open(bomb)


def test_a_second_look_reads_the_cache_and_a_changed_file_does_not(tmp_path, monkeypatch):
    path = tmp_path / "m.csv"
    expected = frame(4, 9)
    expected.to_csv(path)
    Omics.open(path)
    with monkeypatch.context() as blocked:
        blocked.setattr("medgraft.cohort.omics.opening._reader", lambda path: 1 / 0)
        same(Omics.open(path), expected)
    frame(4, 9, seed=1).to_csv(path)
    same(Omics.open(path), frame(4, 9, seed=1))


def test_a_damaged_cache_is_made_again(tmp_path):
    path = tmp_path / "m.csv"
    expected = frame(4, 9)
    expected.to_csv(path)
    Omics.open(path)
    (stored,) = cache_folder().glob("*/values.f32")
    stored.write_bytes(stored.read_bytes()[:-4])
    from medgraft.cohort.omics import opening

    opening._facts.cache_clear()  # as a new process would begin
    same(Omics.open(path), expected)


def test_a_path_that_is_no_file_and_an_unknown_orientation_are_told(tmp_path):
    with pytest.raises(MedgraftError, match="does not exist"):
        Omics.open(tmp_path / "m.csv")
    with pytest.raises(MedgraftError, match="is a folder"):
        Omics.open(tmp_path)
    with pytest.raises(MedgraftError, match="Did you mean 'columns'"):
        Omics.open(tmp_path, orientation="column")


def test_progress_ends_with_the_whole(tmp_path):
    frame(4, 9).to_csv(tmp_path / "m.csv")
    seen: list[tuple[int, int]] = []
    Omics.open(tmp_path / "m.csv", progress=lambda done, total: seen.append((done, total)))
    assert seen and seen[-1][0] == seen[-1][1]


def test_real_methylation_arrays_are_read_as_their_source_says(shared_data):
    path = shared_data("methylation_age") / "gse38608_betas.csv.gz"
    omics = Omics.open(path)
    assert omics.shape == (16, 27578) and omics.samples[0] == "GSM946048"
    table = pd.read_csv(path, index_col=0)
    np.testing.assert_array_equal(omics.values, table.T.to_numpy(np.float32))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("fuzz") / "m.csv.gz"
    frame(6, 60).T.to_csv(path)
    return path


@settings(
    max_examples=60, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_damaged_file_is_refused_or_read_never_worse(whole, tmp_path, data):
    content = bytearray(whole.read_bytes())
    packed = data.draw(st.booleans())
    if not packed:
        content = bytearray(gzip.decompress(content))
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content)))]
    else:
        for _ in range(data.draw(st.integers(1, 4))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged.csv"
    path.write_bytes(content)
    try:
        omics = Omics.open(path)
    except MedgraftError as error:
        assert "damaged.csv" in str(error)
    else:
        assert omics.values.shape == omics.shape and min(omics.shape) > 0
        assert not packed or omics.shape == (6, 60), "the checksum of gzip was not looked at"
