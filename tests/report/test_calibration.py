from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from medgraft.evidence import reliability
from medgraft.report.calibration import from_predictions, means


def test_means_agree_with_a_naive_loop_over_sorted_rows():
    rng = np.random.default_rng(0)
    y, p = rng.normal(size=37), rng.normal(size=37)
    bins = means(y, p, np.arange(37), bins=5)["bins"]
    rows, start = sorted(range(37), key=lambda i: p[i]), 0
    for size, found in zip([8, 8, 7, 7, 7], bins, strict=True):
        mine = rows[start : start + size]
        start += size
        half = 1.96 * np.std(y[mine], ddof=1) / np.sqrt(size)
        assert found["n"] == size
        assert found["predicted"] == pytest.approx(np.mean(p[mine]))
        assert found["observed"] == pytest.approx(np.mean(y[mine]))
        assert found["hi"] - found["observed"] == pytest.approx(half)


def test_copies_of_a_patient_do_not_narrow_the_interval():
    y, p = np.array([1.0, 2.0, 4.0, 7.0]), np.zeros(4)
    once = means(y, p, np.arange(4), bins=1)["bins"][0]
    thrice = means(np.tile(y, 3), np.tile(p, 3), np.tile(np.arange(4), 3), bins=1)["bins"][0]
    assert (thrice["lo"], thrice["hi"]) == pytest.approx((once["lo"], once["hi"]))


def test_a_bin_of_one_patient_has_no_interval():
    found = means(np.array([1.0, 2.0]), np.zeros(2), np.zeros(2), bins=1)["bins"][0]
    assert np.isnan(found["lo"]) and np.isnan(found["hi"])


def test_the_curve_of_an_arm_is_that_of_its_own_predictions():
    rng = np.random.default_rng(1)
    p = rng.uniform(size=60)
    frame = pd.DataFrame({"arm": np.repeat(["coral", "pooled"], 30), "row": np.tile(np.arange(30), 2)})
    frame = frame.assign(group=frame["row"], y_true=rng.integers(2, size=60), p_0=1 - p, p_1=p)
    mine = frame[frame["arm"] == "pooled"]
    found = from_predictions(frame, "binary")["pooled"]
    assert found == reliability(mine["y_true"], mine[["p_0", "p_1"]].to_numpy())
