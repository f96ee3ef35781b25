import json

import numpy as np
import pytest
from scipy.stats import kendalltau

from medgraft.base import MedgraftError
from medgraft.evidence.decision import (
    critic_weights,
    entropy_weights,
    rank_models,
    ranking_agreement,
    shap_weights,
)

# Drawn once, and given to the library pymcdm 1.4.0 (TOPSIS with its vector normalisation).
X = np.array(
    [
        [5.606, 9.554, 2.297, 9.538],
        [3.806, 4.81, 8.449, 4.683],
        [5.946, 1.248, 7.782, 5.843],
        [3.968, 8.096, 3.729, 5.081],
        [2.206, 4.628, 2.831, 3.361],
        [7.753, 3.524, 5.367, 9.827],
    ]
)
BETTER = ["higher", "lower", "higher", "lower"]
W = [0.4, 0.3, 0.2, 0.1]
PYMCDM = {
    "topsis": [0.3406215845, 0.50107450995, 0.78921388598, 0.2683830998, 0.34569053758, 0.74330947581],
    "vikor": [0.83322489699, 0.5248616454, 0.05021533422, 0.74342782394, 0.95925499649, 0.08216973123],
    "promethee": [-0.48, -0.04, 0.64, -0.28, -0.36, 0.52],
    "marcos": [0.39926204695, 0.5214599554, 0.81041177679, 0.38718565384, 0.34548736959, 0.63752295262],
}
METHODS = list(PYMCDM)


@pytest.mark.parametrize("method", METHODS)
def test_scores_are_those_of_pymcdm(method):
    np.testing.assert_allclose(rank_models(X, BETTER, method, W).score, PYMCDM[method], atol=1e-9)


def test_weights_are_those_of_pymcdm():
    want = [0.17415743241, 0.3698716296, 0.27435954952, 0.18161138847]
    np.testing.assert_allclose(entropy_weights(X), want, atol=1e-9)
    want = [0.29271531841, 0.16567990241, 0.19409067416, 0.3475141050]  # of the negated columns
    np.testing.assert_allclose(critic_weights(X, BETTER), want, atol=1e-9)


def test_agreement_is_that_of_pymcdm_and_scipy():
    a, b = np.arange(1, 7), [2, 1, 4, 3, 6, 5]
    got = ranking_agreement(a, b)
    assert (got["weighted_spearman"], got["kendall"]) == pytest.approx((0.82857142857, 0.6))
    tied = [1.5, 1.5, 3, 5, 5, 5]
    assert ranking_agreement(tied, b)["kendall"] == pytest.approx(kendalltau(tied, b).statistic)


def test_the_same_ranking_agrees_fully_and_the_reverse_not_at_all():
    a = np.arange(1, 8)
    assert ranking_agreement(a, a) == pytest.approx({"weighted_spearman": 1, "kendall": 1})
    assert ranking_agreement(a, a[::-1]) == pytest.approx({"weighted_spearman": -1, "kendall": -1})


def test_disagreement_at_the_top_counts_more():
    a = np.arange(1, 7)
    top, bottom = ranking_agreement(a, [2, 1, 3, 4, 5, 6]), ranking_agreement(a, [1, 2, 3, 4, 6, 5])
    assert top["weighted_spearman"] < bottom["weighted_spearman"]
    assert top["kendall"] == bottom["kendall"]


@pytest.mark.parametrize("method", METHODS)
def test_the_order_of_models_and_criteria_does_not_matter(method):
    rng = np.random.default_rng(0)
    i, j = rng.permutation(6), rng.permutation(4)
    a = rank_models(X, BETTER, method, W)
    b = rank_models(X[np.ix_(i, j)], np.array(BETTER)[j].tolist(), method, np.array(W)[j] * 7)
    np.testing.assert_allclose(a.score[i], b.score, atol=1e-12)
    np.testing.assert_array_equal(a.rank[i], b.rank)


@pytest.mark.parametrize("method", METHODS)
def test_a_model_better_in_everything_is_first_and_its_twin_shares_the_place(method):
    best = np.where(np.array(BETTER) == "higher", X.max(axis=0) + 1, X.min(axis=0) / 2)
    table = np.vstack([X, best, best])
    assert rank_models(table, BETTER, method).rank[-2:].tolist() == [1.5, 1.5]


@pytest.mark.parametrize("method", METHODS)
def test_a_criterion_in_which_all_are_equal_does_not_change_the_order(method):
    flat = np.column_stack([X, np.full(6, 0.5)])
    assert (
        rank_models(flat, [*BETTER, "lower"], method).rank.tolist()
        == rank_models(X, BETTER, method).rank.tolist()
    )


@pytest.mark.parametrize("method", METHODS)
def test_models_that_are_all_the_same_share_one_rank(method):
    got = rank_models(np.ones((4, 2)), ["higher", "lower"], method)
    assert got.rank.tolist() == [2.5] * 4 and np.isfinite(got.score).all()
    json.dumps(got.to_dict(), allow_nan=False)


def test_a_repeated_criterion_shares_its_critic_weight():
    z = np.random.default_rng(0).random((8, 2))
    w = critic_weights(z[:, [0, 0, 1]], ["higher"] * 3)
    assert w[0] == pytest.approx(w[1]) and w[2] > w[0]
    assert critic_weights(np.column_stack([z, np.ones(8)]), ["higher"] * 3)[2] == 0
    assert entropy_weights(np.ones((3, 2))).tolist() == [0.5, 0.5]


def test_shap_weights_are_shares_whatever_the_sign():
    assert shap_weights([[1, -2], [-3, 2]]).tolist() == [0.5, 0.5]


def test_a_third_model_can_turn_two_round_as_the_docstring_warns():
    two = [[0.80, 30.0], [0.75, 10.0]]
    alone = rank_models(two, ["higher", "lower"], "vikor", [0.5, 0.5]).score
    beside = rank_models([*two, [0.74, 100.0]], ["higher", "lower"], "vikor", [0.7, 0.3]).score
    reversed_ = rank_models([*two, [0.2, 31.0]], ["higher", "lower"], "vikor", [0.7, 0.3]).score
    assert alone[0] == alone[1]
    assert (beside[0] < beside[1]) != (reversed_[0] < reversed_[1])


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: rank_models(X, BETTER, "topsi"), "Did you mean 'topsis'"),
        (lambda: rank_models(X, BETTER[:3]), "each of the 4 criteria"),
        (lambda: rank_models(X, BETTER, weights=[1, 1]), "'weights' must be 4"),
        (lambda: rank_models(-X, BETTER, "marcos"), "above zero"),
        (lambda: rank_models(X[:1], BETTER), "at least two models"),
        (lambda: rank_models(np.where(X > 9, np.nan, X), BETTER), "no finite value"),
        (lambda: entropy_weights(-X), "0 or more"),
        (lambda: shap_weights([1.0, 2.0]), "finite table"),
        (lambda: ranking_agreement([1, 2], [1, 2, 3]), "same m models"),
    ],
)
def test_what_cannot_be_ranked_is_told_in_a_sentence(call, said):
    with pytest.raises(MedgraftError, match=said):
        call()
