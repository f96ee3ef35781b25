from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from medgraft.base import MedgraftError
from medgraft.methods.rows import Rows
from medgraft.methods.table import Table

X = np.arange(12.0).reshape(6, 2)
Y = ["b", "a", "b", None, "a", "b"]
DOMAIN = ["s", "s", "t", "t", "t", "s"]
LABELLED = np.array([True, True, True, False, True, True])


def rows(y=Y, regression=False, **given):
    given = {"domain": DOMAIN, "target": "t", "labelled": LABELLED, **given}
    return Rows.of(Table.of(X), y, regression=regression, **given)


def test_rows_are_told_apart():
    r = rows()
    assert r.classes.tolist() == ["a", "b"]
    assert r.y.tolist() == [1, 0, 1, -1, 0, 1]
    assert r.source.tolist() == [True, True, False, False, False, True]
    assert (r.target == ~r.source).all()
    assert r.k == 2


def test_rows_without_weight_are_gone_and_their_place_is_remembered():
    r = rows(sample_weight=[1, 0, 2, 1, 0, 1])
    assert r.index.tolist() == [0, 2, 3, 5]
    assert r.n_given == 6
    assert r.classes.tolist() == ["b"]


def test_missing_values_stand_for_labels_that_are_not_there():
    r = rows(y=[1.5, 2.0, 3.0, np.nan, 5.0, 6.0], regression=True)
    assert np.isnan(r.y).tolist() == [False, False, False, True, False, False]
    assert r.k == 0


@pytest.mark.parametrize("y", [pd.Series(Y), pd.Series(Y, dtype="string"), pd.Series(Y, dtype="category"), Y])
def test_labels_may_come_in_any_container(y):
    assert rows(y=y).classes.tolist() == ["a", "b"]


def test_a_patient_is_one_unit_whatever_the_name():
    r = rows(groups=["p1", "p2", "p1", "p3", "p3", "p2"])
    assert r.units.tolist() == [0, 1, 0, 2, 2, 1]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"y": None}, "requires y"),
        ({"labelled": [1, 1, 1, 0, 1, 1]}, "true or false"),
        ({"labelled": np.ones(5, dtype=bool)}, "labelled must be 6"),
        ({"labelled": np.zeros(6, dtype=bool)}, "No row has a label"),
        ({"labelled": None}, "Input y contains NaN: mark rows"),
        ({"domain": ["s"] * 5}, "domain must have one value a row"),
        ({"groups": [["p"] * 6]}, "groups must have one value a row"),
        ({"target": None}, "target must name the target domain, one of: s, t"),
    ],
)
def test_a_mistake_is_one_sentence(given, words):
    with pytest.raises(MedgraftError, match=words) as error:
        rows(**given)
    assert "\n" not in str(error.value)


def test_words_as_values_of_a_regression_are_a_mistake():
    with pytest.raises(MedgraftError, match="y must hold numbers"):
        rows(regression=True)


def test_one_domain_needs_no_target():
    assert not rows(domain=["s"] * 6, target=None).source.any()
