"""Delimited text, as clinics export it."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medgraft.base import MedgraftError
from medgraft.cohort import read
from medgraft.cohort.formats import load

ROWS = [("age", "sex", "ill"), ("50", "f", "1"), ("60.5", "m", "0")]


@pytest.fixture
def load_text(tmp_path):
    def load_text(text, name="t.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        said: list[str] = []
        return load(path, said.append)[0], said

    return load_text


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("name", ["t.csv", "t.tsv"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_the_delimiter_is_found_whatever_the_suffix(load_text, delimiter, name, newline):
    frame, said = load_text(newline.join(delimiter.join(r) for r in ROWS) + newline, name)
    assert frame.to_dict("list") == {"age": [50.0, 60.5], "sex": ["f", "m"], "ill": [1, 0]}
    assert said == []


@pytest.mark.parametrize("first", ["7.4,0.7,5", "7,?,5", "1,2,3", "NA,0.5,1e3"])
def test_a_first_line_of_numbers_is_data_and_columns_get_numbers(load_text, first):
    frame, said = load_text(f"{first}\n7.8,0.88,6\n")
    assert list(frame.columns) == ["column_1", "column_2", "column_3"] and len(frame) == 2
    assert frame.iloc[1].tolist() == [7.8, 0.88, 6]
    assert len(said) == 1 and "no header" in said[0] and "columns=[...]" in said[0]


def test_a_delimiter_at_the_end_of_rows_without_header_is_no_column(load_text):
    frame, _ = load_text("1,2,\n3,4,\n")
    assert frame.to_dict("list") == {"column_1": [1, 3], "column_2": [2, 4]}


@pytest.mark.parametrize("first", ["0,1,2,3", "1,2,3,4", "age,1,2,3", ",0,1,2,3"])
def test_names_that_count_are_names(load_text, first):
    row = ",".join(["5.5"] * (first.count(",") + 1))
    frame, said = load_text(f"{first}\n{row}\n{row}\n")
    assert len(frame) == 2 and not any("no header" in text for text in said)


def test_a_name_that_is_a_category_of_another_column_is_a_name(load_text):
    frame, _ = load_text("m,f\nf,m\nf,m\n")
    assert list(frame.columns) == ["m", "f"] and len(frame) == 2


def test_wine_tables_have_no_header_and_lose_no_row(shared_data):
    for name, rows in (("red", 1599), ("white", 4898)):
        path = shared_data("uci_wine_quality") / f"winequality-{name}.csv"
        assert read(path, label="column_12", task="regression").n == rows


def test_quoted_delimiters_and_line_breaks_belong_to_the_cell(load_text):
    frame, _ = load_text('note,ill\n"a, b; c",1\n"two\nlines",0\n')
    assert frame["note"].tolist() == ["a, b; c", "two\nlines"]


@pytest.mark.parametrize("marker", ["?", "NA", "N/A", "NaN", "nan", "NULL", "", " ? ", "\t?"])
def test_markers_of_missing_values_are_missing_in_numbers_and_text(load_text, marker):
    frame, _ = load_text(f"x,s,z\n1,a,5\n{marker},{marker},6\n")
    assert frame["x"].isna().tolist() == [False, True] and frame["x"].dtype == float
    assert frame["s"].isna().tolist() == [False, True]


def test_words_that_only_look_missing_are_kept(load_text):
    frame, _ = load_text("grade,x\nNone,1\n.,2\nNone,3\n")
    assert frame["grade"].tolist() == ["None", ".", "None"]


def test_blanks_around_cells_do_not_count(load_text):
    frame, _ = load_text("a,b\n no,\t1\nno ,2 \nno\t,3\n")
    assert frame["a"].tolist() == ["no"] * 3 and frame["b"].tolist() == [1, 2, 3]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16"])
def test_encodings_are_found(load_text, encoding):
    frame, _ = load_text("größe,ill\nmüde,1\n", encoding=encoding)
    assert frame.columns.tolist() == ["größe", "ill"] and frame["größe"][0] == "müde"


def test_decimal_commas_are_read_where_the_comma_is_no_delimiter(load_text):
    frame, said = load_text("a;b;c\n1,5;x,1;2\n-2;y;3\n?;z;4\n")
    assert frame["a"].tolist()[:2] == [1.5, -2.0] and pd.isna(frame["a"][2])
    assert frame["b"].tolist() == ["x,1", "y", "z"]
    assert said == ["The commas in the column 'a' were read as decimal points."]


@pytest.mark.parametrize("row_names", [("p1", "p2"), (1, 2), (0, 1), ("", "")])
def test_row_names_of_r_are_not_data_and_shift_nothing(load_text, row_names):
    frame, said = load_text(f"age,ill\n{row_names[0]},50,1\n{row_names[1]},60,0\n")
    assert frame.to_dict("list") == {"age": [50, 60], "ill": [1, 0]}
    assert frame.index.tolist() == [0, 1]
    assert len(said) == 1 and "row names" in said[0]


def test_a_delimiter_at_the_end_of_each_row_shifts_nothing(load_text):
    for end in (",", ", "):
        frame, _ = load_text(f"age,ill\n50,1{end}\n60,0{end}\n")
        assert frame.to_dict("list") == {"age": [50, 60], "ill": [1, 0]}


def test_rows_with_several_surplus_fields_are_an_error(load_text):
    with pytest.raises(MedgraftError, match="more fields than its header"):
        load_text("age,ill\n1,2,50,1\n1,2,60,0\n")


@pytest.mark.parametrize("text", ["", " \n \n", b"\xff\xfe"])
def test_an_empty_file_says_so(load_text, text):
    with pytest.raises(MedgraftError, match="empty"):
        load_text(text)


def test_a_header_without_rows_is_an_empty_table(load_text):
    with pytest.raises(MedgraftError, match=r"The table '.*' is empty"):
        load_text("a,b\n")


def test_rows_of_unequal_length_are_an_error_that_names_the_line(load_text):
    with pytest.raises(MedgraftError, match="line 3"):
        load_text("a,b\n1,2\n1,2,3\n")


def test_unbalanced_quotes_are_an_error(load_text):
    with pytest.raises(MedgraftError, match="cannot be read"):
        load_text('a,b\n"1,2\n3,4\n5,6\n')


CELL = st.one_of(
    st.integers(-(10**6), 10**6),
    st.floats(-1e6, 1e6).map(lambda v: round(v, 3)),
    st.text("abcXYZ ,;\"'", min_size=1, max_size=6).map(lambda t: "v" + t.strip()),
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(-1e6, 1e6), CELL, st.sampled_from(["u", "v"])), min_size=3, max_size=8),
    st.sampled_from([",", ";", "\t"]),
)
def test_what_pandas_writes_is_read_back(tmp_path_factory, rows, delimiter):
    frame = pd.DataFrame(rows, columns=["x", "mixed", "ill"])
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    frame.to_csv(path, sep=delimiter, index=False)
    back = load(path, lambda s: None)[0]
    assert back["x"].tolist() == pytest.approx(frame["x"].tolist(), rel=1e-12)
    assert back["ill"].tolist() == frame["ill"].tolist()
    numeric = all(not isinstance(v, str) for v in frame["mixed"])
    assert back["mixed"].tolist() == (
        pytest.approx(frame["mixed"].tolist(), rel=1e-12) if numeric else [str(v) for v in frame["mixed"]]
    )


def test_an_index_that_pandas_wrote_is_not_a_feature(tmp_path):
    pd.DataFrame({"x": range(10), "ill": [0, 1] * 5}).to_csv(tmp_path / "t.csv")
    cohort = read(tmp_path / "t.csv", label="ill")
    assert cohort.features == ("x",)


def test_a_cell_beyond_the_header_is_never_dropped_in_silence(load_text):
    with pytest.raises(MedgraftError, match="cannot be read"):
        load_text("age,ill\n" + "50,1,\n" * 100 + "60,0,lost\n")
