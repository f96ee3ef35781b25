"""What a caller hands over is read the same, whichever way is quicker."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from medgraft.methods.table import InputError, Table


def frame():
    rng = np.random.default_rng(0)
    made = pd.DataFrame(rng.normal(size=(9, 4)), columns=["a", "b", "c", "d"])
    made.loc[2, "b"] = np.nan
    return made.astype({"c": np.float32}).assign(d=range(9))


def test_a_frame_of_numbers_alone_is_read_as_it_is_beside_a_column_of_words():
    plain, mixed = Table.of(frame()), Table.of(frame().assign(word=list("xyzxyzxyz")))
    assert plain.names == mixed.names[:-1] and plain.number == mixed.number[:-1]
    np.testing.assert_array_equal(plain.numbers, mixed.numbers)
    assert plain.codes.shape == (9, 0)


def test_nullable_and_object_numbers_are_the_same_numbers():
    whole = frame()
    np.testing.assert_array_equal(Table.of(whole.astype("Float64")).numbers, Table.of(whole).numbers)
    np.testing.assert_array_equal(Table.of(whole.astype(object)).numbers, Table.of(whole).numbers)


@pytest.mark.parametrize("more", [{}, {"word": "x"}])
def test_infinity_is_refused_with_the_name_of_its_column(more):
    bad = frame().assign(c=np.inf, **more)
    with pytest.raises(InputError, match="infinity in column 'c'"):
        Table.of(bad)


def test_the_callers_frame_is_not_shared():
    given = frame()[["a", "b"]]
    read = Table.of(given)
    read.numbers[0, 0] = 99.0
    assert given.iloc[0, 0] != 99.0
