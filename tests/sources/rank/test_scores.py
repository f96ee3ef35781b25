"""What holds for every score."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import special_ortho_group

from medgraft.base import MedgraftError
from medgraft.sources.rank import scores

NAMES = ["gbc", "hscore", "leep", "logme", "nleep", "transrate"]
ROTATED = ["hscore", "logme", "transrate", "gbc", "nleep"]


def given(name, F):
    return softmax(F, axis=1) if scores[name].needs == "probabilities" else F


def test_all_are_registered_with_what_they_need():
    assert list(scores) == NAMES
    assert scores["leep"].needs == "probabilities"
    assert [n for n in scores if "regression" in scores[n].tasks] == ["logme"]
    assert all(scores[n].ref and scores[n].label for n in scores)


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_rows_does_not_matter(labelled, name):
    F, y = labelled
    P = given(name, F)
    mixed = np.random.default_rng(3).permutation(len(y))
    assert scores[name](P[mixed], y[mixed]) == pytest.approx(scores[name](P, y), abs=1e-8)


@pytest.mark.parametrize("name", NAMES)
def test_the_names_of_classes_do_not_matter(labelled, name):
    F, y = labelled
    P = given(name, F)
    truth = pytest.approx(scores[name](P, y), abs=1e-8)
    assert scores[name](P, np.array(["zoster", "acne", "measles"])[y]) == truth
    assert scores[name](P, np.array(["zoster", "acne", "measles"], dtype=object)[y]) == truth
    assert scores[name](P, 7 - 2 * y) == truth


@pytest.mark.parametrize("name", ROTATED)
def test_rotating_scaling_and_copying_features_to_float32_does_not_matter(labelled, name):
    F, y = labelled
    Q = special_ortho_group(F.shape[1], seed=1).rvs()
    truth = scores[name](F, y)
    assert scores[name](F @ Q, y) == pytest.approx(truth, abs=1e-7)
    assert scores[name](1000 * F, y) == pytest.approx(truth, abs=1e-7)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("n", "d"), [(90, 8), (45, 120)])
def test_true_labels_score_above_shuffled_ones(name, n, d):
    rng = np.random.default_rng(0)
    y = np.arange(n) % 3
    F = rng.normal(size=(n, d)) + 5 * np.eye(d)[y]
    P = given(name, F)
    shuffled = [scores[name](P, rng.permutation(y)) for _ in range(20)]
    assert scores[name](P, y) > max(shuffled)


@pytest.mark.parametrize("name", NAMES)
def test_two_classes_far_apart_score_above_two_near(name):
    rng = np.random.default_rng(0)
    y = np.arange(80) % 2
    near = rng.normal(size=(80, 5))
    near[:, 0] += np.where(y, 0.5, -0.5)
    far = near.copy()
    far[:, 0] += np.where(y, 3.0, -3.0)
    assert scores[name](given(name, far), y) > scores[name](given(name, near), y)


@pytest.mark.parametrize("name", NAMES)
def test_one_row_a_class_gives_a_number_or_a_sentence(name):
    F = np.random.default_rng(0).normal(size=(4, 6))
    try:
        assert np.isfinite(scores[name](given(name, F), [0, 1, 2, 3]))
    except MedgraftError as error:
        assert "two images of every class" in str(error)


@pytest.mark.parametrize("name", NAMES)
def test_mistakes_are_sentences(name):
    F, y = np.full((6, 2), 0.5), [0, 1, 0, 1, 0, 1]
    broken = F.copy()
    broken[1, 1] = np.nan
    with pytest.raises(MedgraftError, match="of 1 of 6 images are not finite"):
        scores[name](broken, y)
    with pytest.raises(MedgraftError, match="6 rows of .* but 5 labels"):
        scores[name](F, y[:5])
    with pytest.raises(MedgraftError, match="at least two classes; there are 1"):
        scores[name](F, ["ill"] * 6)
    with pytest.raises(MedgraftError, match="label of 2 of 6 images is missing"):
        scores[name](F, ["a", None, "b", np.nan, "a", "b"])
    with pytest.raises(MedgraftError, match="must be a matrix"):
        scores[name](F[:, 0], y)
    with pytest.raises(MedgraftError, match="must be numbers"):
        scores[name]([["x", "y"]] * 6, y)


@pytest.mark.parametrize("name", ROTATED)
def test_equal_images_give_a_number_or_a_sentence(name):
    try:
        assert np.isfinite(scores[name](np.full((6, 3), 0.1), [0, 1, 0, 1, 0, 1]))
    except MedgraftError as error:
        assert "same features" in str(error)


def test_values_that_cannot_be_ranked_are_said():
    F = np.random.default_rng(0).normal(size=(4, 2))
    for y, why in [
        ([1, 1, 1, 1], "all are the same"),
        ([1, 2, np.nan, 3], "finite"),
        (list("abcd"), "numbers"),
    ]:
        with pytest.raises(MedgraftError, match=why):
            scores["logme"](F, y, "regression")


def test_inputs_stay_as_they_are(labelled):
    F, y = labelled
    for name in NAMES:
        P = given(name, F).copy()
        before = P.copy()
        scores[name](P, y)
        assert np.array_equal(P, before)
