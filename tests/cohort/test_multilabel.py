"""Several labels of a row: from columns of yes and no, and from lists as chest X-ray sets have them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import medgraft as mg
from medgraft.base import MedgraftError
from medgraft.cohort.multilabel import decode, encode, rarity


def test_encoding_and_decoding_are_inverse_where_something_is_known():
    rng = np.random.default_rng(0)
    Y = rng.choice([0.0, 1.0, np.nan], size=(60, 4))
    Y = Y[~np.isnan(Y).all(axis=1)]
    texts = encode(Y == 1, np.isnan(Y), ["a", "b", "c", "d"])
    np.testing.assert_array_equal(decode(np.array(texts, dtype=object), ["a", "b", "c", "d"]), Y)


def test_columns_of_yes_and_no_are_labels_and_no_features():
    frame = pd.DataFrame(
        {
            "x": np.arange(4.0),
            "flu": ["yes", "no", None, "no"],
            "cold": [1, 0, 0, 1],
            "well": [True, False, True, False],
        }
    )
    before = frame.copy()
    cohort = mg.read(frame, label="cold,flu")
    assert (cohort.task, cohort.classes, cohort.features) == ("multilabel", ["cold", "flu"], ("x", "well"))
    np.testing.assert_array_equal(cohort.y, [[1, 1], [0, 0], [0, np.nan], [1, 0]])
    pd.testing.assert_frame_equal(frame, before)
    assert mg.read(frame, label=["cold", "well"]).y.tolist() == [[1, 1], [0, 0], [0, 1], [1, 0]]


def test_lists_are_read_with_either_separator_and_a_word_of_absence_is_no_label():
    lists = ["Effusion|Nodule", "No Finding", "Nodule", "Nodule;Effusion", None]
    cohort = mg.read(pd.DataFrame({"x": range(5), "found": lists}), label="found", task="multilabel")
    assert cohort.classes == ["Effusion", "Nodule"]
    assert cohort.y.tolist() == [[1, 1], [0, 0], [0, 1], [1, 1]]
    assert "1 of 5 rows have no label" in cohort.warnings[0]


def test_levels_pick_labels_of_lists_and_their_order():
    frame = pd.DataFrame({"x": range(4), "found": ["a|b", "c", "b|c", "a"]})
    cohort = mg.read(frame, label="found", task="multilabel", levels="c,a")
    assert cohort.classes == ["c", "a"]
    assert cohort.y.tolist() == [[0, 1], [1, 0], [1, 0], [0, 1]]
    with pytest.raises(MedgraftError, match="No row of 'found' has the label 'd'"):
        mg.read(frame, label="found", task="multilabel", levels="c,d")


def test_rows_without_any_known_label_are_left_out():
    frame = pd.DataFrame({"x": range(5), "a": [1, 0, None, 1, 0], "b": [0, 1, None, None, 0]})
    cohort = mg.read(frame, label="a,b")
    assert cohort.n == 4
    assert cohort.table["x"].tolist() == [0, 1, 3, 4]


@pytest.mark.parametrize(
    ("label", "why"),
    [
        ("a,grade", "'grade' of the label 'a,grade' has 3 values"),
        ("a,bb", "'bb' of the label 'a,bb' is no column"),
        ("a,all", "'all' is in every row"),
        ("a,a", "name each once"),
    ],
)
def test_what_cannot_be_labels_is_refused_in_a_sentence(label, why):
    frame = pd.DataFrame({"a": [0, 1] * 3, "b": [1, 0] * 3, "grade": [1, 2, 3] * 2, "all": 1, "x": range(6)})
    with pytest.raises(MedgraftError, match=why):
        mg.read(frame, label=label)


def test_one_label_only_is_no_task_of_several():
    frame = pd.DataFrame({"x": range(4), "found": ["a", "none", "a", "none"]})
    with pytest.raises(MedgraftError, match="several take two or more"):
        mg.read(frame, label="found", task="multilabel")


def test_rarity_does_not_depend_on_the_order_of_rows_or_labels():
    rng = np.random.default_rng(1)
    Y = (rng.random((50, 4)) < [0.1, 0.3, 0.3, 0.6]).astype(float)
    rows, labels = rng.permutation(50), rng.permutation(4)
    np.testing.assert_array_equal(rarity(Y)[rows], rarity(Y[rows]))
    np.testing.assert_array_equal(rarity(Y), rarity(Y[:, labels]))
