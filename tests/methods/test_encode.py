from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from medgraft.base import MedgraftError
from medgraft.methods.encode import TableEncoder, weighted_median
from medgraft.methods.table import Table


def test_a_small_table_is_encoded_as_by_hand():
    X = pd.DataFrame(
        {
            "age": [30.0, 50.0, 70.0, np.nan],
            "sex": ["f", "m", "m", "f"],
            "stage": ["I", None, "II", "I"],
            "dose": [1, 1, 3, 3],
        }
    )
    e = TableEncoder().fit(X)
    assert e.names_ == [
        "age",
        "dose",
        "age is missing",
        "sex=m",
        "stage=I",
        "stage=II",
        "stage is missing",
    ]
    s = np.sqrt(800 / 3)
    expected = [
        [-20 / s, -1, 0, -0.5, 1, 0, 0],
        [0, -1, 0, 0.5, 0, 0, 1],
        [20 / s, 1, 0, 0.5, 0, 1, 0],
        [0, 1, 1, -0.5, 1, 0, 0],
    ]
    np.testing.assert_allclose(e.transform(X), expected, atol=1e-15)
    assert list(e.get_feature_names_out()) == e.names_


def test_a_gap_gets_the_median_and_not_the_mean():
    X = np.array([[0.0], [0.0], [9.0], [np.nan]])
    e = TableEncoder().fit(X)
    Z = e.transform(X)
    assert Z[3, 0] == Z[0, 0]


def test_a_gap_that_training_never_had_says_nothing():
    X = np.array([[0.0, 1.0], [2.0, 5.0]])
    e = TableEncoder().fit(X)
    np.testing.assert_array_equal(e.transform([[np.nan, np.nan]]), [[0.0, 0.0]])


def test_unknown_words_are_no_information():
    X = pd.DataFrame({"two": ["a", "b", "b"], "three": ["x", "y", "z"]})
    e = TableEncoder().fit(X)
    new = pd.DataFrame({"two": ["?", None], "three": ["?", None]})
    np.testing.assert_array_equal(e.transform(new), np.zeros((2, 4)))


def test_constant_and_empty_columns_are_dropped():
    X = pd.DataFrame(
        {
            "same": [7.0] * 3,
            "empty": [np.nan] * 3,
            "nothing": [None] * 3,
            "word": ["a"] * 3,
            "x": [1.0, 2.0, 3.0],
        }
    )
    assert TableEncoder().fit(X).names_ == ["x"]


def test_a_constant_with_gaps_keeps_only_the_mark_of_the_gap():
    X = np.array([[5.0], [np.nan], [5.0]])
    e = TableEncoder().fit(X)
    assert e.names_ == ["x0 is missing"]
    np.testing.assert_array_equal(e.transform(X), [[0.0], [1.0], [0.0]])


def test_a_table_without_any_information_still_has_one_column():
    e = TableEncoder().fit(np.ones((3, 2)))
    np.testing.assert_array_equal(e.transform(np.zeros((2, 2))), np.zeros((2, 1)))


def test_a_large_offset_does_not_hide_small_differences():
    X = 1e9 + np.array([[0.0], [1.0], [2.0]])
    np.testing.assert_allclose(TableEncoder().fit_transform(X).ravel(), np.array([-1, 0, 1]) * np.sqrt(1.5))


def test_weights_are_repeated_rows():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"x": rng.normal(size=30), "c": rng.choice(["a", "b", "c"], 30)})
    X.loc[::4, "x"] = np.nan
    w = rng.integers(0, 4, 30)
    i = np.repeat(np.arange(30), w)
    a, b = TableEncoder().fit(X, sample_weight=w), TableEncoder().fit(X.iloc[i])
    np.testing.assert_allclose(a.transform(X), b.transform(X), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("w", [[1, 1, 1], [1, 2, 3], [2, 1, 1], [3, 1, 2], [1, 1, 4]])
def test_the_weighted_median_is_that_of_repeated_values(w):
    x = np.array([3.0, -1.0, 10.0])
    assert weighted_median(x, np.array(w, dtype=float)) == np.median(np.repeat(x, w))


def test_rare_words_beyond_the_limit_are_unknown():
    X = pd.DataFrame({"c": ["a"] * 5 + ["b"] * 4 + ["c"] * 3 + ["d"]})
    e = TableEncoder(max_levels=3).fit(X)
    assert e.names_ == ["c=a", "c=b", "c=c"]
    assert not e.transform(X)[-1].any()


def test_arrays_and_frames_of_the_same_numbers_agree():
    A = np.random.default_rng(0).normal(size=(20, 3))
    A[0, 0] = np.nan
    frame = pd.DataFrame(A)
    np.testing.assert_array_equal(TableEncoder().fit_transform(A), TableEncoder().fit_transform(frame))
    np.testing.assert_array_equal(
        TableEncoder().fit_transform(A), TableEncoder().fit_transform(frame.astype("Float64"))
    )


def test_every_way_to_write_words_is_the_same():
    values = ["a", "b", None, "a"]
    first = None
    for dtype in ("object", "string", "category", "str"):
        Z = TableEncoder().fit_transform(pd.DataFrame({"c": pd.Series(values, dtype=dtype)}))
        first = Z if first is None else first
        np.testing.assert_array_equal(Z, first)


def test_an_object_column_of_numbers_is_numbers():
    t = Table.of(pd.DataFrame({"x": pd.Series([1, None, 2.5], dtype=object), "b": [True, False, True]}))
    assert t.number == [True, False]


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (pd.to_datetime(["2020-01-01", "2020-01-02"]), "dates"),
        (np.array([1.0, np.inf]), "infinity"),
    ],
)
def test_what_cannot_be_a_feature_is_named(column, words):
    with pytest.raises(MedgraftError, match=f"'visit'.*|.*{words}.*'visit'") as error:
        TableEncoder().fit(pd.DataFrame({"visit": column}))
    assert words in str(error.value)


def test_words_in_a_number_column_at_prediction_are_named():
    e = TableEncoder().fit(pd.DataFrame({"age": [1.0, 2.0]}))
    with pytest.raises(MedgraftError, match="Column 'age' must hold numbers"):
        e.transform(pd.DataFrame({"age": ["old", "young"]}))
    np.testing.assert_array_equal(e.transform(pd.DataFrame({"age": ["1", "2"]})), [[-1.0], [1.0]])


def test_another_number_of_columns_is_an_error():
    e = TableEncoder().fit(np.zeros((3, 2)) + np.arange(3)[:, None])
    with pytest.raises(MedgraftError, match="3 features"):
        e.transform(np.zeros((1, 3)))
