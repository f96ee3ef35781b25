"""Metrics of outlines: means of the measures of single samples."""

from __future__ import annotations

import numpy as np
import pytest

from medgraft.evidence import compare, default_metric, interval, sentence
from medgraft.evidence.metrics import metrics

NAMES = ("dice", "iou", "hd95")


@pytest.mark.parametrize("name", NAMES)
def test_the_value_is_the_weighted_mean_of_the_measures(name):
    rng = np.random.default_rng(0)
    p, w = rng.uniform(size=20), rng.uniform(size=20)
    assert metrics[name].value(np.zeros(20), p, w) == pytest.approx(np.average(p, weights=w), abs=1e-15)


def test_dice_is_what_segmentation_is_judged_by():
    assert default_metric("segmentation") == "dice"
    assert [m for m in metrics if "segmentation" in metrics[m].tasks] == sorted(NAMES)


def test_an_arm_that_outlines_better_on_every_patient_helps_and_a_shorter_distance_is_better():
    rng = np.random.default_rng(1)
    base, y = rng.uniform(0.5, 0.8, 24), np.zeros(24)
    patient = np.arange(24) // 2
    better = compare("dice", y, base + rng.uniform(0.05, 0.1, 24), base, group=patient, n_boot=400)
    assert better.verdict == "helps" and 0.05 < better.lo < better.hi < 0.1
    far = 10 * base
    assert compare("hd95", y, far + 2, far, group=patient, n_boot=200).verdict == "harms"
    assert sentence("unet", better, "dice", control="unet-scratch").startswith("unet helps: Dice is 0.07")


def test_perfect_outlines_have_an_exact_bound():
    found = interval("dice", np.zeros(10), np.ones(10), n_boot=50)
    assert found.value == 1.0 and found.lo == pytest.approx(0.025 ** (1 / 10))
