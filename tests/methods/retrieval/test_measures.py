"""Ranks of the right candidate, and the intervals of what is made of them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta

from medgraft.base import MedgraftError
from medgraft.methods.retrieval import mean_reciprocal_rank, rank, top_k, true_ranks

RANKED = rank(np.eye(3), {"P": [[2.0, 1.0, 0.0]], "Q": [[1.0, 2.0, 3.0]]}, names=["b", "a", "c"])


def test_the_rank_of_the_truth_is_in_the_order_of_the_queries():
    assert true_ranks(RANKED, ["P", "P", "P"]).tolist() == [1, 2, 2]
    assert true_ranks(RANKED, {"c": "P", "b": "P", "a": "Q"}).tolist() == [1, 1, 2]


def test_a_similarity_that_tells_nothing_apart_earns_nothing():
    ranked = rank(np.ones((4, 2)), {name: [[1.0, 1.0]] for name in "PQR"})
    assert true_ranks(ranked, ["P", "Q", "R", "P"]).tolist() == [3, 3, 3, 3]


def test_shares_and_means_are_those_worked_out_by_hand():
    ranks = [1, 3, 2, 1, 5]
    assert [top_k(ranks, k).value for k in (1, 2, 3, 4, 5)] == pytest.approx([0.4, 0.6, 0.8, 0.8, 1.0])
    assert mean_reciprocal_rank(ranks).value == pytest.approx((1 + 1 / 3 + 1 / 2 + 1 + 1 / 5) / 5)


def test_where_every_query_is_right_the_end_is_the_exact_one():
    for i in (top_k([1] * 12), mean_reciprocal_rank([1] * 12)):
        assert (i.value, i.hi) == (1.0, 1.0) and i.lo == pytest.approx(beta.ppf(0.025, 12, 1))
    assert top_k([2] * 12).hi == pytest.approx(beta.ppf(0.975, 1, 12))


def test_where_all_queries_have_one_rank_but_the_first_there_is_no_interval():
    i = mean_reciprocal_rank([2] * 12)
    assert i.value == 0.5 and np.isnan([i.lo, i.hi]).all() and "spread" in i.note


def test_the_interval_has_the_width_of_independent_queries():
    r = np.random.default_rng(0).integers(1, 8, size=600)
    i = mean_reciprocal_rank(r, n_boot=4000)
    assert (i.hi - i.lo) / 2 == pytest.approx(1.96 * (1 / r).std(ddof=1) / np.sqrt(600), rel=0.06)
    j = top_k(r, n_boot=4000)
    p = (r == 1).mean()
    assert (j.hi - j.lo) / 2 == pytest.approx(1.96 * np.sqrt(p * (1 - p) / 600), rel=0.06)


def test_queries_that_belong_together_count_as_one():
    r = np.random.default_rng(1).integers(1, 8, size=100)
    group = np.repeat(np.arange(100), 4)
    for measure in (top_k, mean_reciprocal_rank):
        once, four = measure(r), measure(np.repeat(r, 4), group=group)
        assert (four.value, four.lo, four.hi) == pytest.approx((once.value, once.lo, once.hi))
        assert measure(np.repeat(r, 4)).hi - measure(np.repeat(r, 4)).lo < 0.6 * (once.hi - once.lo)


def test_one_seed_one_interval():
    r = [1, 3, 2, 1, 5, 2, 2]
    assert mean_reciprocal_rank(r, seed=3) == mean_reciprocal_rank(r, seed=3)
    assert mean_reciprocal_rank(r, seed=3) != mean_reciprocal_rank(r, seed=4)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: true_ranks(RANKED, ["P"]), "3 queries and 1 truths"),
        (lambda: true_ranks(RANKED, {"a": "P", "b": "Q"}), "The query 'c' has no right candidate"),
        (lambda: true_ranks(RANKED, ["P", "X", "Q"]), "'X' is no candidate, but that of the query 'a'"),
        (lambda: top_k([1, 2], 0), "Among the first 0"),
        (lambda: top_k([0, 2]), "whole numbers from 1"),
        (lambda: mean_reciprocal_rank([1.5]), "whole numbers from 1"),
        (lambda: mean_reciprocal_rank(np.empty(0, int)), "whole numbers from 1"),
    ],
)
def test_what_cannot_be_measured_is_told_in_a_sentence(call, words):
    with pytest.raises(MedgraftError, match=words):
        call()


def test_ranks_that_nearly_all_agree_have_no_interval():
    assert np.isnan(mean_reciprocal_rank([7] * 19 + [6]).lo)
    assert np.isfinite(mean_reciprocal_rank([7] * 15 + [6, 5, 4, 3, 2]).lo)
