"""Weka's format."""

from __future__ import annotations

import pandas as pd
import pytest

from medgraft.base import MedgraftError
from medgraft.cohort import read
from medgraft.cohort.formats import load

HEAD = """% a comment
@relation 'r 1'
@attribute 'age in years' numeric
@attribute grade {1, 2,3}
@attribute note string
@attribute class {ckd, 'not ckd'}
@data
"""


def _load(tmp_path, text):
    path = tmp_path / "t.arff"
    path.write_bytes(text.encode("latin-1"))
    return load(path, lambda s: None)[0]


def test_numbers_are_numbers_and_nominal_digits_stay_text(tmp_path):
    frame = _load(tmp_path, HEAD + "50,1,'a, b',ckd\n?,?,?,'not ckd'\n60.5,3,\"müde\",ckd\n")
    assert frame.columns.tolist() == ["age in years", "grade", "note", "class"]
    assert frame["age in years"].dtype == float and frame["age in years"].isna().tolist() == [
        False,
        True,
        False,
    ]
    assert frame["grade"].tolist()[::2] == ["1", "3"] and pd.isna(frame["grade"][1])
    assert frame["note"].tolist()[::2] == ["a, b", "müde"] and pd.isna(frame["note"][1])
    assert frame["class"].tolist() == ["ckd", "not ckd", "ckd"]


def test_what_a_sparse_row_leaves_out_is_zero_and_not_missing(tmp_path):
    frame = _load(tmp_path, HEAD + "{0 50, 1 2, 3 'not ckd'}\n{2 word}\n")
    assert frame["age in years"].tolist() == [50.0, 0.0]
    assert frame["grade"].tolist() == ["2", "1"]
    assert frame["class"].tolist() == ["not ckd", "ckd"]


@pytest.mark.parametrize(
    "text",
    [HEAD, HEAD + "1,2\n", HEAD + "x,1,a,ckd\n", HEAD + "1,9,a,ckd\n", "age,ill\n1,2\n", "@relation r\n"],
)
def test_a_damaged_file_is_one_sentence(tmp_path, text):
    with pytest.raises(MedgraftError, match=r"t\.arff'") as caught:
        _load(tmp_path, text)
    assert "\n" not in str(caught.value)


def test_an_attribute_type_that_is_not_read_is_explained(tmp_path):
    with pytest.raises(MedgraftError, match="declare it as string or numeric"):
        _load(tmp_path, "@relation r\n@attribute d date 'yyyy'\n@data\n2020\n")


def test_an_arff_file_becomes_a_cohort(tmp_path):
    (tmp_path / "t.arff").write_text(HEAD + "50,1,a,ckd\n60,2,a,'not ckd'\n70,3,b,ckd\n")
    cohort = read(tmp_path / "t.arff", label="class")
    assert cohort.classes == ["not ckd", "ckd"] and cohort.y.tolist() == [1, 0, 1]


@pytest.mark.parametrize("kind", ["{ yes, no }", '{"yes" , "no"}', "{'yes' ,'no'} "])
def test_blanks_around_nominal_values_may_be_as_weka_reads_them(tmp_path, kind):
    (tmp_path / "x.arff").write_text(
        f'@relation r\n@attribute "a b" numeric\n@attribute class{kind}\n@data\n1,yes\n2,no\n'
    )
    assert load(tmp_path / "x.arff", print)[0]["class"].tolist() == ["yes", "no"]
