from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from scipy.stats import t

from medgraft.base import MedgraftError
from medgraft.methods.explain.tcav import direction, tcav
from small_networks import SIDE, network

HEAD = np.array([[-1.0, 1.0, -1.0], [1.0, -1.0, 1.0]])  # malign is bright: A1 and A3 rise, A2 falls


@pytest.fixture
def images(tmp_path):
    """Bright ones (the concept), and others of any brightness."""
    rng = np.random.default_rng(0)

    def save(kind, k, low, high):
        x = rng.integers(low, high, (SIDE, SIDE)).astype(np.uint8)
        path = tmp_path / f"{kind}{k}.png"
        Image.fromarray(x).save(path)
        return str(path)

    bright = [save("bright", k, 190, 256) for k in range(8)]
    low = rng.integers(0, 150, 60)
    others = [save("other", k, low[k], low[k] + 60) for k in range(60)]
    return bright, others


def test_a_concept_that_the_score_rises_with_is_found_and_the_other_class_falls(images):
    bright, others = images
    found = tcav(network(head=HEAD), bright, others, others[:7], target="malign")
    assert found.score == 1.0 and np.array_equal(found.scores, np.ones(10))  # a linear score has one slope
    against = tcav(network(head=HEAD), bright, others, others[:7], target="benign")
    assert against.score == 0.0
    assert set(found.random) <= {0.0, 1.0} and found.random.mean() < 1
    n, mean, var = 10, found.random.mean(), found.random.var(ddof=1)
    welch = (1 - mean) / np.sqrt(var / n)  # the concept's scores have no scatter
    assert found.p == pytest.approx(2 * t.sf(welch, n - 1))
    assert found.p < 0.05


def test_a_random_concept_is_not_told_from_random_ones(images):
    _, others = images
    found = tcav(network(head=HEAD), others[:10], others[10:], others[:7], target="malign")
    assert found.p > 0.05


def test_the_direction_points_from_the_others_to_the_concept():
    rng = np.random.default_rng(0)
    shift = np.array([3.0, 0.0, -4.0])
    v = direction(rng.normal(size=(400, 3)) + shift, rng.normal(size=(400, 3)))
    assert np.linalg.norm(v) == pytest.approx(1)
    assert v @ shift / 5 > 0.98


def test_too_few_images_are_refused(images):
    bright, others = images
    with pytest.raises(MedgraftError, match="need 100 random images or more, and there are 60"):
        tcav(network(), bright, others, others, target="malign", sets=20)
    with pytest.raises(MedgraftError, match="concept needs 5 images"):
        tcav(network(), bright[:4], others, others, target="malign")
    with pytest.raises(MedgraftError, match="no class 'malignant'"):
        tcav(network(), bright, others, others[:3], target="malignant")
    with pytest.raises(MedgraftError, match="3 sets or more"):
        tcav(network(), bright, others, others[:3], target="malign", sets=2)
