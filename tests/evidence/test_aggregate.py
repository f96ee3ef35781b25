"""Rows of a patient to one prediction: worked by hand, and what must not matter."""

from __future__ import annotations

import numpy as np
import pytest

from medgraft.base import MedgraftError
from medgraft.evidence.aggregate import HOW, aggregate, aggregate_labels, check_how

P = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.7, 0.3]])
WHO = np.array(["b", "a", "b", "b"])  # a: 0.6; b: 0.1, 0.8, 0.3


@pytest.mark.parametrize(
    ("how", "event"),
    [
        ("mean", [0.6, 0.4]),
        ("vote", [1.0, 1 / 3]),
        ("max", [0.6, 0.8]),
        ("noisy-or", [0.6, 1 - 0.9 * 0.2 * 0.7]),
    ],
)
def test_worked_by_hand(how, event):
    joined = aggregate(P, WHO, how)
    np.testing.assert_allclose(joined[:, 1], event, rtol=1e-12)
    np.testing.assert_allclose(joined.sum(axis=1), 1.0, rtol=1e-12)


@pytest.mark.parametrize("how", HOW)
def test_the_order_of_rows_does_not_matter(how):
    rng = np.random.default_rng(0)
    p, who = rng.dirichlet(np.ones(2), 60), rng.integers(0, 9, 60)
    order = rng.permutation(60)
    np.testing.assert_allclose(
        aggregate(p[order], who[order], how), aggregate(p, who, how), rtol=1e-12, atol=1e-15
    )


@pytest.mark.parametrize("how", ["mean", "max", "noisy-or"])
def test_one_row_a_patient_is_no_aggregation(how):
    p = np.random.default_rng(0).dirichlet(np.ones(2), 20)
    np.testing.assert_allclose(aggregate(p, np.arange(20), how), p, rtol=1e-12)


def test_votes_and_means_join_several_classes_and_values():
    p = np.array([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7], [0.2, 0.2, 0.6]])
    np.testing.assert_allclose(aggregate(p, [0, 0, 0], "vote"), [[1 / 3, 0, 2 / 3]])
    np.testing.assert_allclose(aggregate(p, [0, 0, 0], "mean"), [[0.8 / 3, 0.7 / 3, 1.5 / 3]])
    np.testing.assert_allclose(aggregate([1.0, 3.0, 5.0], [1, 0, 1], "mean"), [3.0, 3.0])


def test_labels_are_joined_one_by_one():
    p = np.array([[0.9, 0.6], [0.2, 0.7]])
    np.testing.assert_allclose(aggregate(p, [0, 0], "vote", labels=True), [[0.5, 1.0]])
    np.testing.assert_allclose(
        aggregate(p, [0, 0], "noisy-or", labels=True), [[1 - 0.1 * 0.8, 1 - 0.4 * 0.3]]
    )


def test_labels_of_a_patient_must_agree_unless_any_positive_row_makes_a_positive_patient():
    y, who = np.array([0, 1, 0, 0]), np.array([7, 7, 3, 3])
    assert aggregate_labels(y, who, "max")[0].tolist() == [0, 1]
    assert aggregate_labels(y, who, "noisy-or")[1].tolist() == [2, 2]
    with pytest.raises(MedgraftError, match=r"1 of 2 patients have rows with different labels.*use max"):
        aggregate_labels(y, who, "mean")
    assert aggregate_labels([2.5, 2.5, 1.0], [0, 0, 1], "mean")[0].tolist() == [2.5, 1.0]


def test_unknown_labels_stay_unknown_unless_a_row_is_positive():
    y = np.array([[1.0, np.nan], [np.nan, 0.0]])
    np.testing.assert_array_equal(aggregate_labels(y, [0, 0], "max")[0], [[1.0, np.nan]])
    same = np.array([[1.0, np.nan], [1.0, np.nan]])
    np.testing.assert_array_equal(aggregate_labels(same, [0, 0], "mean")[0], [[1.0, np.nan]])


@pytest.mark.parametrize(
    ("how", "task", "why"),
    [
        ("max", "multiclass", "joins yes and no; use mean or vote"),
        ("noisy-or", "ordinal", "joins yes and no"),
        ("vote", "regression", "use mean"),
        ("mean", "segmentation", "each sample is scored by itself"),
        ("media", "binary", "Did you mean"),
    ],
)
def test_a_way_that_a_task_has_no_place_for_is_refused(how, task, why):
    with pytest.raises(MedgraftError, match=why):
        check_how(how, task)
