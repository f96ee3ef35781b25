import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from medgraft.evidence.metrics import metrics

AUROC, AUPRC = metrics["auroc"], metrics["auprc"]


def sure(score):
    score = np.asarray(score, float)
    return np.stack([1 - score, score], axis=1)


def made(seed, k, n=90, levels=7):
    """Probabilities on few levels, hence many ties."""
    rng = np.random.default_rng(seed)
    y = np.concatenate([np.arange(k), rng.integers(0, k, n - k)])
    counts = rng.multinomial(levels, np.ones(k) / k, n)
    return y, counts / levels, rng.random(n) + 0.01


def by_pairs(y, s, w, block):
    """The definition, pair by pair."""
    won = total = 0.0
    for i in np.flatnonzero(y == 1):
        for j in np.flatnonzero((y == 0) & (block == block[i])):
            won += w[i] * w[j] * ((s[i] > s[j]) + 0.5 * (s[i] == s[j]))
            total += w[i] * w[j]
    return won / total


def test_binary_auroc_and_auprc_agree_with_scikit_learn_with_ties_and_weights():
    for seed in range(8):
        y, p, w = made(seed, 2)
        assert AUROC.value(y, p, w) == pytest.approx(roc_auc_score(y, p[:, 1], sample_weight=w), abs=1e-12)
        expected = average_precision_score(y, p[:, 1], sample_weight=w)
        assert AUPRC.value(y, p, w) == pytest.approx(expected, abs=1e-12)


def test_multiclass_is_the_macro_average_of_one_against_the_rest():
    for seed in range(5):
        y, p, w = made(seed, 4)
        expected = np.mean([roc_auc_score(y == k, p[:, k], sample_weight=w) for k in range(4)])
        assert AUROC.value(y, p, w) == pytest.approx(expected, abs=1e-12)
        plain = roc_auc_score(y, p, multi_class="ovr", average="macro")
        assert AUROC.value(y, p) == pytest.approx(plain, abs=1e-12)
        expected = average_precision_score(np.eye(4)[y], p, average="macro", sample_weight=w)
        assert AUPRC.value(y, p, w) == pytest.approx(expected, abs=1e-12)


def test_auroc_within_blocks_agrees_with_counting_every_pair():
    for seed in range(5):
        y, p, w = made(seed, 2)
        block = np.random.default_rng(seed + 100).integers(0, 4, len(y))
        assert AUROC.value(y, p, w, block) == pytest.approx(by_pairs(y, p[:, 1], w, block), abs=1e-12)


def test_shifting_the_scores_of_one_fold_does_not_damage_the_auroc():
    y, block = np.array([0, 0, 1, 1, 0, 1, 1]), np.array([0, 0, 0, 0, 1, 1, 1])
    score = np.array([0.1, 0.3, 0.2, 0.4, 0.7, 0.8, 0.6])
    # Fold 0: 3 of 4 pairs in order; fold 1: 1 of 2. Pooled, the second fold's 0 beats three 1s.
    assert AUROC.value(y, sure(score), block=block) == pytest.approx(4 / 6, abs=1e-15)
    assert AUROC.value(y, sure(score)) == pytest.approx(8 / 12, abs=1e-15)
    shifted = np.where(block == 1, score - 0.55, score)
    assert AUROC.value(y, sure(shifted), block=block) == pytest.approx(4 / 6, abs=1e-15)
    assert AUROC.value(y, sure(shifted)) != pytest.approx(8 / 12, abs=1e-3)


def test_auprc_of_two_folds_is_their_average_weighted_by_pairs():
    y, block = np.array([0, 0, 1, 1, 0, 1, 1]), np.array([0, 0, 0, 0, 1, 1, 1])
    score = np.array([0.1, 0.3, 0.2, 0.4, 0.7, 0.8, 0.6])
    first, second = (1 + 2 / 3) / 2, (1 + 2 / 3) / 2  # ranks of the events: 1 and 3 of 4; 1 and 3 of 3
    expected = (4 * first + 2 * second) / 6
    assert AUPRC.value(y, sure(score), block=block) == pytest.approx(expected, abs=1e-15)
    score[3] = 0.25  # ranks in fold 0: 2 and 3
    first = (1 / 2 + 2 / 3) / 2
    assert AUPRC.value(y, sure(score), block=block) == pytest.approx((4 * first + 2 * second) / 6, abs=1e-15)


def test_blocks_with_one_class_are_left_out():
    y, block = np.array([0, 1, 1, 1]), np.array([0, 0, 1, 1])
    assert AUROC.value(y, sure([0.2, 0.9, 0.0, 0.1]), block=block) == 1.0


def test_leave_one_out_has_no_block_with_both_classes_so_all_rows_are_pooled():
    y, p, w = made(3, 2)
    one_each = np.arange(len(y))
    assert AUROC.value(y, p, w, one_each) == AUROC.value(y, p, w)
    assert AUPRC.value(y, p, w, one_each) == AUPRC.value(y, p, w)


def test_one_class_has_no_rank_metric_and_gives_no_warning():
    y, p = np.ones(4, int), sure([0.1, 0.2, 0.3, 0.4])
    assert np.isnan(AUROC.value(y, p))
    assert np.isnan(AUPRC.value(y, p))


def test_a_draw_without_one_class_is_undefined_and_leaves_other_draws_alone():
    y, p = np.array([0, 1, 0]), sure([0.1, 0.2, 0.3])
    w = np.array([[1.0, 0, 1], [1, 1, 1], [0, 1, 0]])
    for metric in (AUROC, AUPRC):
        values = metric.fn(y, p, w, np.zeros(3, int))
        assert np.isnan(values[[0, 2]]).all()
        assert values[1] == 0.5


def test_a_class_that_lacks_in_a_draw_is_not_replaced_by_pooling_other_blocks():
    y, block = np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1])
    w = np.array([[1.0, 0, 0, 1]])
    assert np.isnan(AUROC.fn(y, sure([0.1, 0.2, 0.3, 0.4]), w, block)).all()


def test_constant_scores_have_auroc_one_half_exactly():
    y, _, _ = made(0, 2)
    w = np.random.default_rng(0).integers(0, 4, (5, len(y))).astype(float)
    assert (AUROC.fn(y, sure(np.full(len(y), 0.3)), w, np.zeros(len(y), int)) == 0.5).all()


def test_monotone_changes_of_the_scores_change_nothing():
    y, p, w = made(4, 2)
    assert AUROC.value(y, sure(p[:, 1] ** 3), w) == AUROC.value(y, p, w)
    assert AUPRC.value(y, sure(p[:, 1] ** 3), w) == AUPRC.value(y, p, w)


def test_reversing_the_scores_mirrors_the_auroc():
    y, p, w = made(5, 2)
    assert AUROC.value(y, p[:, ::-1], w) == pytest.approx(1 - AUROC.value(y, p, w), abs=1e-12)
