"""Which source suits: closed forms of the distances, invariances, and sources whose worth is known."""

from __future__ import annotations

import numpy as np
import pytest

from medgraft.methods.base import InputError
from medgraft.methods.suit import mmd2, proxy_a_distance, rank_sources


def hospitals(seed=0, n=150):
    """Three sources: the target's rule and patients, its rule in other patients, another rule."""
    rng = np.random.default_rng(seed)
    site = np.repeat(["same", "moved", "other", "here"], n)
    X = rng.normal(size=(4 * n, 4)) + np.where(site == "moved", 2.0, 0.0)[:, None]
    angle = np.where(site == "other", X[:, 2], X[:, 0] - X[:, 1])
    return X, angle + 0.3 * rng.normal(size=4 * n) > 0, site


def test_the_kernel_distance_agrees_with_plain_loops_and_with_its_closed_form():
    rng = np.random.default_rng(0)
    A, B = rng.normal(size=(30, 2)), rng.normal(1.0, 1.0, size=(20, 2))
    points = np.vstack([A, B])
    d = ((points[:, None] - points[None]) ** 2).sum(axis=2)
    width = np.median(d[np.triu_indices(50, 1)])
    k = np.exp(-d / width)
    aa = np.mean([k[i, j] for i in range(30) for j in range(30) if i != j])
    bb = np.mean([k[i, j] for i in range(30, 50) for j in range(30, 50) if i != j])
    assert mmd2(A, B) == pytest.approx(aa + bb - 2 * k[:30, 30:].mean(), rel=1e-12)


def test_the_kernel_distance_is_unbiased_where_both_sides_are_one_distribution():
    values = [mmd2(*np.random.default_rng(s).normal(size=(2, 60, 3))) for s in range(200)]
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(200)


def test_the_a_distance_is_two_for_sides_apart_and_near_zero_for_one_distribution():
    rng = np.random.default_rng(0)
    side, units = np.repeat([False, True], 200), np.arange(400)
    Z = rng.normal(size=(400, 2))
    assert proxy_a_distance(Z, side, units) < 0.5
    assert proxy_a_distance(Z + 50.0 * side[:, None], side, units) == 2.0
    # Two Gaussians d apart: the best error is Phi(-d/2), here d = 2.
    from scipy.stats import norm

    Z = rng.normal(size=(20_000, 1))
    side = np.repeat([False, True], 10_000)
    expected = 2 * (1 - 2 * norm.cdf(-1.0))
    assert proxy_a_distance(Z + 2.0 * side[:, None], side, np.arange(20_000)) == pytest.approx(
        expected, abs=0.03
    )


def test_a_patient_s_rows_are_held_out_together():
    rng = np.random.default_rng(0)
    patient = np.repeat(np.arange(20), 10)
    Z = rng.normal(size=(20, 30))[patient]  # every row of a patient is the same, sides mean nothing
    side = patient % 2 == 0
    assert proxy_a_distance(Z, side, patient) < proxy_a_distance(Z, side, np.arange(200)) == 2.0


def test_sources_with_the_target_s_rule_come_first_and_distances_tell_why_the_others_do_not():
    X, y, site = hospitals()
    ranked = rank_sources(X, y, domain=site, target="here")
    by = {s.name: s for s in ranked}
    assert ranked[-1].name == "other"
    assert by["moved"].a_distance > 1.0 > by["same"].a_distance
    assert by["other"].class_distance > 5 * abs(by["same"].class_distance)
    assert by["same"].low <= by["same"].value <= by["same"].high
    assert by["same"].patients == 150


def test_without_target_labels_the_nearest_source_comes_first():
    X, y, site = hospitals()
    ranked = rank_sources(X, y, domain=site, target="here", labelled=site != "here")
    assert ranked[-1].name == "moved"
    assert all(s.value is None and s.label_distance is None for s in ranked)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_order_of_rows_and_labels_of_unlabelled_rows_play_no_part(task):
    X, y, site = hospitals()
    y = y if task == "classification" else X[:, 0]
    labelled = (site != "here") | (np.arange(len(y)) % 2 == 0)
    a = rank_sources(X, y, domain=site, target="here", labelled=labelled, task=task)
    p = np.random.default_rng(0).permutation(len(y))
    hidden = np.where(labelled, y, y[0])
    b = rank_sources(X[p], hidden[p], domain=site[p], target="here", labelled=labelled[p], task=task)
    assert [s.name for s in a] == [s.name for s in b]
    for one, other in zip(a, b, strict=True):
        for key, value in one.to_dict().items():
            if isinstance(value, float) and key not in ("low", "high"):  # resampling follows the rows' places
                assert value == pytest.approx(other.to_dict()[key], rel=1e-7, abs=1e-12), key


def test_without_a_source_there_is_nothing_to_rank():
    with pytest.raises(InputError, match="at least one other domain"):
        rank_sources([[0.0], [1.0]], [0, 1], domain=["t", "t"], target="t")
