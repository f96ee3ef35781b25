"""Rows by site, merged and ordered by what they are and not by what they are called."""

from __future__ import annotations

import numpy as np
import pytest

from medgraft.methods.base import InputError
from medgraft.methods.model.site_effects import SiteEffects
from medgraft.methods.rows import Rows
from medgraft.methods.sites import Sited, fewest_patients
from medgraft.methods.table import Table


def sited(order=None, names=("a", "b", "t")):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(12, 2)), np.array(["ill", "well"] * 6)
    X[3], y[3] = X[1], y[1]  # two rows of one site that are the same
    site = np.array([names[i // 4] for i in range(12)])
    order = np.arange(12) if order is None else order
    rows = Rows.of(Table.of(X[order]), y[order], regression=False, domain=site[order], target=names[2])
    return Sited.of(rows, site[order])


def test_copies_become_one_row_of_their_weight():
    s = sited()
    assert len(s.rows.y) == 11
    assert s.rows.weight.sum() == 12
    assert sorted(s.rows.weight)[-1] == 2


def test_neither_order_nor_names_of_sites_change_what_a_method_sees():
    a = sited()
    b = sited(np.random.default_rng(1).permutation(12), ("z", "y", "x"))
    np.testing.assert_array_equal(a.rows.table.numbers, b.rows.table.numbers)
    np.testing.assert_array_equal(a.rows.y, b.rows.y)
    np.testing.assert_array_equal(a.site, b.site)
    assert [{"z": "a", "y": "b", "x": "t"}[n] for n in b.names] == a.names


def test_the_target_is_site_zero_and_a_site_has_its_rows():
    s = sited()
    assert s.names[0] == "t"
    assert s.of_site(0).sum() == 4
    assert s.sources == [1, 2]
    assert {s.names[1], s.names[2]} == {"a", "b"}


def test_an_estimator_of_one_s_own_is_refused():
    with pytest.raises(InputError, match="leave estimator unset"):
        SiteEffects(estimator=object()).fit([[0.0], [1.0]], [0, 1])


def test_patients_are_counted_once_in_the_rarest_class():
    assert fewest_patients(np.array([0, 0, 0, 1]), np.array([0, 0, 1, 2])) == 1
    assert fewest_patients(np.array([0, 0]), np.array([0, 1])) == 0
