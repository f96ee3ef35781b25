"""Several labels by a fit for each: what a method does for one label, and nothing else."""

from __future__ import annotations

import copy

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.base import clone

from medgraft.methods import entries
from medgraft.methods.multilabel import MultiLabel
from medgraft.methods.table import InputError

METHODS = ("target-only", "pooled", "coral", "ulsif", "l2sp", "majority")
every_method = pytest.mark.parametrize("name", METHODS)


def findings(seed=0, n=120):
    """Two sites, three labels, some unknown, some target rows without any that may be used."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(n, 3)), columns=["a", "b", "c"])
    X["sex"] = rng.choice(["f", "m"], n)
    Y = (X[["a", "b", "c"]].to_numpy() + 0.8 * rng.normal(size=(n, 3)) > [0.0, 0.5, 1.0]).astype(float)
    Y[rng.random(Y.shape) < 0.15] = np.nan
    rows = {
        "domain": np.where(np.arange(n) < 70, "s", "t"),
        "target": "t",
        "labelled": (np.arange(n) < 70) | (np.arange(n) % 2 == 0),
        "groups": np.arange(n) // 2,
    }
    return X, Y, rows


def take(rows, order):
    return {k: v if k == "target" else v[order] for k, v in rows.items()}


def made(name):
    return MultiLabel(entries[name].cls())


@every_method
def test_each_label_is_the_method_on_the_rows_that_know_it(name):
    X, Y, rows = findings()
    new = findings(1)[0]
    got = made(name).fit(X, Y, **rows).predict_proba(new)
    assert got.shape == (len(new), 3)
    for k in range(3):
        known = rows["labelled"] & ~np.isnan(Y[:, k])
        y = np.where(known, np.nan_to_num(Y[:, k]), 0).astype(int)
        single = entries[name].cls().fit(X, y, **(rows | {"labelled": known}))
        np.testing.assert_array_equal(got[:, k], single.predict_proba(new)[:, 1])


@every_method
def test_the_order_of_rows_and_of_labels_changes_nothing(name):
    X, Y, rows = findings()
    new = findings(1)[0]
    before = copy.deepcopy((X, Y, rows))
    p = made(name).fit(X, Y, **rows).predict_proba(new)
    order = np.random.default_rng(3).permutation(len(X))
    shuffled = made(name).fit(X.iloc[order], Y[order], **take(rows, order)).predict_proba(new)
    np.testing.assert_allclose(shuffled, p, rtol=1e-6, atol=1e-7)
    turned = made(name).fit(X, Y[:, [2, 0, 1]], **rows).predict_proba(new)
    np.testing.assert_array_equal(turned, p[:, [2, 0, 1]])
    pd.testing.assert_frame_equal(X, before[0])
    np.testing.assert_array_equal(Y, before[1])


@every_method
def test_labels_that_may_not_be_used_are_not_read(name):
    X, Y, rows = findings()
    other = Y.copy()
    other[~rows["labelled"]] = 1 - other[~rows["labelled"]]
    a, b = (made(name).fit(X, y, **rows).predict_proba(X) for y in (Y, other))
    np.testing.assert_array_equal(a, b)


def test_what_is_saved_predicts_the_same_to_the_last_bit():
    X, Y, rows = findings()
    model = made("coral").fit(X, Y, **rows)
    data = skops.io.dumps(model)
    again = skops.io.loads(data, trusted=skops.io.get_untrusted_types(data=data))
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    np.testing.assert_array_equal(model.predict(X), model.predict_proba(X) >= 0.5)


def test_a_label_that_all_known_rows_have_is_certain():
    X, Y, rows = findings()
    Y[:, 1] = 1.0
    assert (made("pooled").fit(X, Y, **rows).predict_proba(X)[:, 1] == 1.0).all()


def test_a_table_that_is_none_of_labels_is_refused_and_a_label_known_nowhere_is_named():
    X, Y, rows = findings()
    with pytest.raises(InputError, match="a table of 0 and 1"):
        made("pooled").fit(X, Y[:, 0], **rows)
    with pytest.raises(InputError, match="a table of 0 and 1"):
        made("pooled").fit(X, Y + 1, **rows)
    Y[:, 2] = np.nan
    with pytest.raises(InputError, match="Label 3 is known in no row"):
        made("pooled").fit(X, Y, **rows)


def test_it_can_be_cloned_and_says_once_what_its_methods_fell_back_to():
    X, Y, rows = findings()
    model = clone(made("majority"))
    model.fit(X, Y, **(rows | {"labelled": rows["domain"] == "s"}))
    assert model.note_.count("No target patient has a label") == 1
