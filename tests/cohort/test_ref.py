from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medgraft.base import MedgraftError
from medgraft.cohort.ref import Ref

KEYS = st.from_regex(r"[a-z]{1,6}", fullmatch=True)
VALUES = st.text(st.characters(exclude_characters=";", exclude_categories=("Cs",)), max_size=8)


@given(st.dictionaries(KEYS, VALUES.filter(lambda v: "::" not in v), max_size=3))
def test_a_reference_is_what_its_text_says(parts):
    ref = Ref("a folder/b::c.edf", **parts)
    assert Ref.parse(str(ref)) == ref


@pytest.mark.parametrize("path", ["a::b.png", "C::", "x::y=1;z", "::", "a.png"])
def test_a_path_that_merely_holds_the_mark_stays_a_path(path):
    ref = Ref.parse(path)
    assert (ref.path, ref.parts, str(ref)) == (path, {}, path)


@pytest.mark.parametrize("row", ["-1", "1.5", "", "x", "9" * 40, "١"])
def test_a_part_that_is_no_whole_number_is_an_error(row):
    with pytest.raises(MedgraftError, match="needs row=NUMBER"):
        Ref("a.npz", row=row).number("row")


@pytest.mark.parametrize("box", ["1,2,x", "nan", "1,inf", ""])
def test_a_part_that_is_no_list_of_finite_numbers_is_an_error(box):
    with pytest.raises(MedgraftError, match="needs box=NUMBERS"):
        Ref("a.png", box=box).numbers("box")
