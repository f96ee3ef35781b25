import numpy as np
import pytest

from medgraft.base import MedgraftError
from medgraft.evidence.conformal import ConformalSets
from medgraft.evidence.conformal.scores import class_scores


def drawn(k=4, decimals=1):
    p = np.round(np.random.default_rng(0).dirichlet(np.ones(k), 50), decimals)  # with ties
    p[:, -1] = 1 - p[:, :-1].sum(axis=1)
    return np.abs(p)


def test_aps_adds_up_what_is_more_probable_and_half_of_its_own():
    p = drawn()
    naive = [[sum(q * ((q > own) + (q == own) / 2) for q in row) for own in row] for row in p]
    np.testing.assert_allclose(class_scores(p, "aps"), naive, atol=1e-12)


def test_raps_adds_a_penalty_for_each_class_beyond_the_free_ones():
    p = drawn()
    beyond = np.array([[max(sum(q >= own for q in row) - 2, 0) for own in row] for row in p])
    found = class_scores(p, "raps", penalty=0.05, free=2)
    np.testing.assert_allclose(found, class_scores(p, "aps") + 0.05 * beyond, atol=1e-12)


@pytest.mark.parametrize("kind", ["lac", "aps", "raps"])
def test_a_less_probable_class_never_scores_lower_and_renaming_renames(kind):
    p = drawn()
    s = class_scores(p, kind)
    for row, score in zip(p, s, strict=True):
        assert (np.diff(score[np.argsort(-row, kind="stable")]) >= -1e-12).all()
    i = [2, 0, 3, 1]
    np.testing.assert_allclose(class_scores(p[:, i], kind), s[:, i], atol=1e-12)


def test_an_unknown_score_is_told_in_one_sentence():
    with pytest.raises(MedgraftError, match="no conformal score 'raaps'. Did you mean 'raps'"):
        class_scores(drawn(), "raaps")


def test_with_two_classes_all_scores_make_the_same_sets():
    rng = np.random.default_rng(1)
    p, y, new = rng.dirichlet([1, 1], 60), rng.integers(0, 2, 60), rng.dirichlet([1, 1], 100)
    lac, aps = (ConformalSets(0.3, kind).fit(p, y).predict(new) for kind in ("lac", "aps"))
    top = new == new.max(axis=1, keepdims=True)
    np.testing.assert_array_equal(lac | top, aps)
