from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medgraft.methods.splits import forward_folds, inner_folds, number_again, row_keys, units_of


def test_keys_follow_the_content_of_a_row_and_not_its_place():
    X = np.random.default_rng(0).normal(size=(200, 7))
    X[3, 2] = np.nan
    p = np.random.default_rng(1).permutation(200)
    np.testing.assert_array_equal(row_keys(X)[p], row_keys(X[p]))
    assert len(np.unique(row_keys(X))) == 200


def test_keys_tell_small_whole_numbers_apart():
    # Floats of small integers differ in few bits only: a weak hash would merge them.
    X = np.array([[a, b, c] for a in range(20) for b in range(20) for c in range(20)], dtype=float)
    assert len(np.unique(row_keys(X))) == 8000
    assert row_keys(np.array([[1.0, 2.0]]))[0] != row_keys(np.array([[2.0, 1.0]]))[0]


def test_minus_zero_is_zero_and_every_nan_is_the_same():
    odd = np.array([0x7FF8000000000001], dtype=np.uint64).view(float)[0]
    a, b = row_keys(np.array([[0.0, np.nan], [-0.0, odd]]))
    assert a == b


def test_copies_of_a_row_are_one_unit_unless_their_labels_differ():
    X = np.array([[1.0], [2.0], [1.0], [1.0]])
    u = units_of(row_keys(X), np.array([0, 0, 0, 1]))
    assert u[0] == u[2]
    assert len({u[0], u[1], u[3]}) == 3


def test_patients_alone_decide_where_they_are_known():
    X = np.array([[1.0], [1.0], [2.0]])
    assert units_of(row_keys(X), groups=np.array(["b", "a", "b"])).tolist() == [1, 0, 1]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 2)), min_size=1, max_size=60), st.integers(2, 6))
def test_a_patient_is_never_torn_and_the_order_of_rows_does_not_matter(rows, k):
    units = number_again(np.array([r[0] for r in rows]))
    y = np.array([r[1] for r in rows])
    fold = inner_folds(units, k=k, seed=3, stratum=y)
    for u in np.unique(units):
        assert len(np.unique(fold[units == u])) == 1
    p = np.random.default_rng(0).permutation(len(rows))
    np.testing.assert_array_equal(fold[p], inner_folds(units[p], k=k, seed=3, stratum=y[p]))


@pytest.mark.parametrize("k", [2, 3, 5])
def test_every_class_is_spread_evenly(k):
    y = np.repeat([0, 1, 2], [31, 17, 8])
    fold = inner_folds(np.arange(len(y)), k=k, seed=0, stratum=y)
    for c in range(3):
        per_fold = np.bincount(fold[y == c], minlength=k)
        assert per_fold.max() - per_fold.min() <= 1
    sizes = np.bincount(fold, minlength=k)
    assert sizes.max() - sizes.min() <= 1


def test_renaming_the_classes_changes_no_split():
    y = np.random.default_rng(0).integers(0, 3, 50)
    a = inner_folds(np.arange(50), k=5, seed=1, stratum=y)
    b = inner_folds(np.arange(50), k=5, seed=1, stratum=np.array([2, 0, 1])[y])
    np.testing.assert_array_equal(a, b)


def mixed(seed=0):
    """Patients with rows of several classes."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 20, 90), rng.integers(0, 3, 90), rng.integers(1, 4, 90)


@pytest.mark.parametrize("seed", range(8))
def test_a_row_of_weight_two_deals_the_patients_as_two_rows_do(seed):
    units, y, w = mixed(seed)
    units = number_again(units)
    i = np.repeat(np.arange(90), w)
    fold = inner_folds(units, k=4, seed=0, stratum=y, weight=w * 0.1)
    np.testing.assert_array_equal(fold[i], inner_folds(units[i], k=4, seed=0, stratum=y[i]))
    np.testing.assert_array_equal(fold, inner_folds(units, k=4, seed=0, stratum=y, weight=w))


def test_rows_of_weight_zero_decide_no_patient_s_class():
    # Patients 0 to 3 are of class 0; two worthless rows each would make the first two class 1.
    units, y = np.r_[np.arange(8), [0, 0, 1, 1]], np.r_[np.repeat([0, 1], 4), np.ones(4, dtype=int)]
    w = np.r_[np.ones(8), np.zeros(4)]
    for seed in range(10):
        fold = inner_folds(units, k=2, seed=seed, stratum=y, weight=w)
        np.testing.assert_array_equal(fold[:8], inner_folds(units[:8], k=2, seed=seed, stratum=y[:8]))


@pytest.mark.parametrize("seed", range(8))
def test_renaming_classes_changes_no_split_where_patients_are_torn_between_them(seed):
    rng = np.random.default_rng(seed)
    units, y = np.repeat(np.arange(30), 2), np.tile([0, 1], 30)
    units, y = np.r_[units, 30, 31], np.r_[y, 0, 1]  # every patient and both classes are even
    p = rng.permutation(len(y))
    a = inner_folds(units, k=5, seed=seed, stratum=y)
    b = inner_folds(units[p], k=5, seed=seed, stratum=1 - y[p])
    np.testing.assert_array_equal(a[p], b)


def test_the_seed_decides_the_split():
    a, b = (inner_folds(np.arange(50), k=5, seed=s) for s in (0, 1))
    assert (a != b).any()


def test_stretches_end_with_patients_and_cut_the_course_of_longer_ones():
    units = np.repeat([0, 1, 2], [10, 3, 2])
    when = np.r_[np.arange(1.0, 11.0), 5.0, 6.0, 7.0, 2.0, 3.0]
    # The patients end at 3 (the third), 7 (the second) and 10 (the first).
    fold = forward_folds(units, when, k=3)
    assert fold.tolist() == [0] * 3 + [1] * 4 + [2] * 3 + [1] * 3 + [0] * 2


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 7), st.one_of(st.none(), st.integers(0, 9))), min_size=1, max_size=40),
    st.integers(2, 5),
)
def test_patients_who_ended_before_a_stretch_forecast_it_and_none_is_on_both_sides(rows, k):
    units = number_again(np.array([r[0] for r in rows]))
    when = np.array([np.nan if r[1] is None else r[1] for r in rows], dtype=float)
    fold = forward_folds(units, when, k=k)
    np.testing.assert_array_equal(np.unique(fold), np.arange(fold.max() + 1))
    assert fold.max() < k
    for f in range(1, fold.max() + 1):
        train = ~np.isin(units, units[fold >= f])
        assert train.any()
        # Whatever a model saw was before whatever it predicts.
        assert not (when[train][:, None] >= when[fold == f]).any()
    p = np.random.default_rng(0).permutation(len(rows))
    np.testing.assert_array_equal(fold[p], forward_folds(units[p], when[p], k=k))
