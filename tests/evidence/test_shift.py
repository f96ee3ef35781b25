import json

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.special import ndtr

from medgraft.base import MedgraftError
from medgraft.evidence.shift import _mmd, shift

FAST = {"n_boot": 200}


def drawn(n=60, m=40, by=0.0, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 2)), rng.normal(size=(m, 2)) + np.array([by, 0.0])


def test_normal_features_apart_are_told_apart_as_theory_says():
    got = shift(*drawn(1500, 1500, by=1.0), **FAST)
    true = ndtr(1 / np.sqrt(2))  # the first feature alone, the best that can be done
    assert got.discriminability.lo < true < got.discriminability.hi
    assert got.discriminability.value == pytest.approx(true, abs=0.02)


def test_the_discrepancy_is_that_of_its_definition():
    a, b = drawn(30, 20, by=0.7)
    pooled = np.vstack([a, b])
    a, b = ((x - pooled.mean(0)) / pooled.std(0) for x in (a, b))
    pooled = np.vstack([a, b])
    width = np.median([cdist(pooled[[i]], pooled[[j]])[0, 0] for i in range(50) for j in range(i)])

    def k(x, z):
        return np.exp(-(cdist(x, z) ** 2) / (2 * width**2))

    want = (k(a, a).sum() - 30) / (30 * 29) + (k(b, b).sum() - 20) / (20 * 19) - 2 * k(a, b).mean()
    assert shift(*drawn(30, 20, by=0.7), **FAST).mmd2 == pytest.approx(want, abs=1e-9)


def test_alike_sides_are_rarely_called_different():
    target = np.repeat([0, 1], [30, 20])
    rng = np.random.default_rng(0)
    value, p = np.array([_mmd(np.vstack(drawn(30, 20, seed=s)), target, rng) for s in range(200)]).T
    assert np.mean(p <= 0.05) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)
    assert abs(value.mean()) < 3 * value.std() / np.sqrt(200)  # unbiased


def test_a_patients_rows_are_one_patient():
    a, b = drawn(30, 20, by=1.0)
    got = shift(np.repeat(a, 3, axis=0), b, group_source=np.repeat(np.arange(30), 3), **FAST)
    once = shift(a, b, **FAST)
    assert (got.n_source, got.n_target, got.source_share) == (30, 20, 0.6)
    assert got.mmd2 == pytest.approx(once.mmd2, abs=1e-9)


def test_the_label_that_differs_most_is_named_with_its_difference():
    a, b = drawn(40, 40)
    y, z = np.repeat(["no", "yes"], [30, 10]), np.repeat(["no", "yes"], [10, 30])
    got = shift(a, b, y, z, **FAST)
    assert got.label_of == "yes" and got.label.value == pytest.approx(0.5)
    assert "'yes' is 50 points more frequent in the target" in " ".join(got.sentences())
    three = shift(a, b, np.tile(["u", "v"], 20), np.repeat(["u", "v", "w"], [20, 4, 16]), **FAST)
    assert three.label_of == "v" or three.label_of == "w"
    assert abs(three.label.value) == pytest.approx(0.4)


def test_values_differ_in_standard_deviations():
    a, b = drawn(40, 40)
    y = np.arange(40.0)
    got = shift(a, b, y, y + 11.69, **FAST)
    assert got.label_of == "" and got.label.value == pytest.approx(11.69 / y.std(ddof=1))
    assert "standard deviations higher" in " ".join(got.sentences())


def test_missing_features_and_labels_are_no_obstacle_and_missingness_is_a_shift():
    a, b = drawn()
    b = b.copy()
    b[:, 1] = np.nan
    got = shift(a, b, [1, 0, None] * 20, [1.0, 0.0] * 20, **FAST)
    assert got.discriminability.value > 0.95
    assert got.label.value == pytest.approx(0.0)
    json.dumps(got.to_dict(), allow_nan=False)


def test_what_does_not_fit_is_told_in_a_sentence():
    a, b = drawn()
    with pytest.raises(MedgraftError, match="same features"):
        shift(a, b[:, :1])
    with pytest.raises(MedgraftError, match="9 target patients"):
        shift(a, b[:9])
    with pytest.raises(MedgraftError, match="one entry for each row"):
        shift(a, b, np.zeros(59), np.zeros(40))
