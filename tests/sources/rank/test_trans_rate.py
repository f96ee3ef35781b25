"""TransRate against explicit determinants."""

from __future__ import annotations

import numpy as np
import pytest

from medgraft.base import MedgraftError
from medgraft.sources.rank.trans_rate import trans_rate


def rate(Z, eps=1e-4):
    n, d = Z.shape
    return 0.5 * np.linalg.slogdet(np.eye(d) + Z.T @ Z / (n * eps))[1]


def naive(F, y, kept):
    Z = F - F.mean(axis=0)
    Z = Z / np.sqrt(np.trace(Z @ Z.T) / len(Z))
    out = rate(Z)
    for c in set(y.tolist()):
        own = Z[y == c]
        out -= np.mean(y == c) * rate(own if kept else own - own.mean(axis=0))
    return out


@pytest.mark.parametrize("kept", [True, False])
def test_it_is_the_formula(labelled, kept):
    F, y = labelled
    y = np.where(np.arange(len(y)) < 5, 0, y)  # classes of different size
    mine = trans_rate(F, y, class_means="kept" if kept else "removed")
    assert mine == pytest.approx(naive(F, y, kept), abs=1e-8)


def test_two_classes_of_gaussians_have_the_mutual_information_of_their_rates():
    # One direction, means +-m, variance v within: after scaling R = log(1 + 1/eps)/2 and
    # R_c = log(1 + v/(v + m^2)/eps)/2.
    y = np.arange(2000) % 2
    noise = np.repeat([-1.0, -1.0, 1.0, 1.0], 500)[np.argsort(np.arange(2000) % 4, kind="stable").argsort()]
    F = (noise + 3 * (2 * y - 1))[:, None]
    truth = 0.5 * np.log((1 + 1e4) / (1 + 1e3))
    assert trans_rate(F, y) == pytest.approx(truth, abs=1e-8)


def test_with_class_means_kept_two_equal_classes_score_nothing():
    y = np.arange(400) % 2
    F = np.random.default_rng(0).normal(size=(400, 2))
    F = np.r_[F, -F] + 5 * (2 * np.r_[y, 1 - y][:, None] - 1)
    y = np.r_[y, 1 - y]
    assert trans_rate(F, y, class_means="kept") == pytest.approx(0.0, abs=1e-6)
    assert trans_rate(F, y) > 1


def test_an_unknown_choice_is_said():
    with pytest.raises(MedgraftError, match="class_means 'both'"):
        trans_rate(np.ones((4, 1)), [0, 1, 0, 1], class_means="both")
