"""Scores and choices without target labels, against closed forms and hand-computed values."""

from __future__ import annotations

import numpy as np
import pytest

from medgraft.base import MedgraftError
from medgraft.evidence.unlabelled import (
    choose_unlabelled,
    deviance_risk,
    effective_patients,
    entropy,
    row_loss,
    soft_neighbourhood_density,
    too_few,
)


def two_gaussians(n=4000, seed=0):
    """Source x ~ N(0, 1), target x ~ N(1, 1): w(x) = exp(x - 1/2), and E_t[x^2] = 2."""
    x = np.random.default_rng(seed).normal(size=n)
    return x, np.exp(x - 0.5)


def test_the_weighted_risk_is_the_target_s():
    risks = [deviance_risk(x**2, w) for x, w in (two_gaussians(seed=s) for s in range(30))]
    spread = np.std(risks) / np.sqrt(len(risks))
    assert abs(np.mean(risks) - 2.0) < 4 * spread + 0.01


def test_the_control_variate_lowers_the_variance():
    pairs = [two_gaussians(seed=s) for s in range(60)]
    plain = np.std([np.mean(w * (x**2 + 1)) for x, w in pairs])
    ours = np.std([deviance_risk(x**2 + 1, w) for x, w in pairs])
    assert ours < plain


def test_equal_weights_give_the_plain_mean_and_row_order_plays_no_part():
    loss = np.random.default_rng(1).random(50)
    w = np.random.default_rng(2).random(50)
    assert deviance_risk(loss, np.full(50, 1.0)) == pytest.approx(loss.mean(), rel=1e-12)
    p = np.random.default_rng(3).permutation(50)
    assert deviance_risk(loss[p], w[p]) == pytest.approx(deviance_risk(loss, w), rel=1e-12)


def test_entropy_is_that_of_the_textbook_and_zero_times_log_zero_is_zero():
    assert entropy([[0.5, 0.5]]) == pytest.approx(np.log(2))
    assert entropy([[1.0, 0.0], [0.25, 0.75]]) == pytest.approx(
        0.5 * -(0.25 * np.log(0.25) + 0.75 * np.log(0.75))
    )


def test_neighbourhood_density_agrees_with_a_naive_double_loop():
    p = np.random.default_rng(0).dirichlet([1, 1, 1], size=700)
    q = p / np.linalg.norm(p, axis=1, keepdims=True)
    naive = []
    for i in range(len(q)):
        s = np.array([q[i] @ q[j] / 0.05 for j in range(0, len(q)) if j != i])
        share = np.exp(s - s.max()) / np.exp(s - s.max()).sum()
        naive.append(-(share * np.log(share)).sum())
    assert soft_neighbourhood_density(p) == pytest.approx(np.mean(naive), rel=1e-9)
    assert soft_neighbourhood_density(p) == soft_neighbourhood_density(p)  # scoring twice agrees


def test_losses_of_rows_are_brier_scores_and_squares():
    assert row_loss([0, 1], [[0.8, 0.2], [0.6, 0.4]]).tolist() == pytest.approx([0.08, 0.72])
    assert row_loss([1.0, 3.0], [2.0, 0.0]).tolist() == [1.0, 9.0]


def test_an_arm_that_is_better_where_the_target_is_wins_though_it_is_worse_on_average():
    x, w = two_gaussians(600)
    y = x
    near = np.where(x > 0.5, y, y + 1.2)  # right where the target's patients are
    far = np.where(x > 0.5, y + 1.0, y)
    choice = choose_unlabelled(y, {"far": far, "near": near}, w, "far")
    assert choice.name == "near"
    flat = choose_unlabelled(y, {"far": far, "near": near}, np.ones(600), "far")
    assert flat.name == "far"


def test_the_control_is_kept_when_too_few_source_patients_resemble_the_target_s():
    y = np.zeros(100)
    w = np.r_[np.full(5, 1.0), np.full(95, 1e-6)]
    choice = choose_unlabelled(y, {"a": y + 1, "b": y}, w, "a")
    assert choice.name == "a"
    assert "too few" in choice.reason


def test_the_standard_error_counts_patients_and_not_rows():
    rng = np.random.default_rng(0)
    gain = rng.normal(0.1, 1.0, 30)
    y = np.zeros(30)
    control, arm = np.sqrt(2 + gain - gain.min()), np.full(30, np.sqrt(2 - gain.min()))
    once = choose_unlabelled(y, {"c": control, "a": arm}, np.ones(30), "c", group=np.arange(30))
    many = choose_unlabelled(
        np.repeat(y, 10),
        {"c": np.repeat(control, 10), "a": np.repeat(arm, 10)},
        np.ones(300),
        "c",
        group=np.repeat(np.arange(30), 10),
    )
    assert many.table[1]["se"] == pytest.approx(once.table[1]["se"], rel=1e-9)
    assert once.table[1]["se"] == pytest.approx(gain.std(ddof=1) / np.sqrt(30), rel=1e-9)


def false_choices(repeats, trials=1500, n=300, seed=0):
    """Share of trials in which an arm is chosen that is as good as the control on the target."""
    rng = np.random.default_rng(seed)
    wrong = 0
    for _ in range(trials):
        x = rng.normal(size=n)  # source N(0, 1), target N(0.5, 1): the ratio is exp(x / 2 - 1 / 8)
        patient = np.repeat(np.arange(n), repeats)
        # The difference of the losses is worth nothing on the target: E_t x = 0.5.
        d = np.repeat(x - 0.5 + rng.normal(size=n), repeats) + rng.normal(size=n * repeats)
        arms = {"c": np.sqrt(50 + d), "a": np.full(n * repeats, np.sqrt(50.0))}
        w = np.repeat(np.exp(x / 2 - 1 / 8), repeats)
        wrong += choose_unlabelled(np.zeros(n * repeats), arms, w, "c", group=patient).name == "a"
    return wrong / trials


@pytest.mark.parametrize("repeats", [1, 4])
def test_an_arm_no_better_on_the_target_is_chosen_in_one_case_of_six(repeats):
    assert false_choices(repeats) == pytest.approx(0.159, abs=0.035)


def test_the_standard_error_is_the_ratio_estimator_s_over_patients():
    rng = np.random.default_rng(0)
    patient, w, d = rng.integers(0, 12, 60), rng.gamma(1.0, size=60), rng.normal(size=60)
    arms = {"c": np.sqrt(9 + d), "a": np.full(60, 3.0)}
    row = choose_unlabelled(np.zeros(60), arms, w, "c", group=patient).table[1]
    gain = (w * d).sum() / w.sum()
    rest = [(w * (d - gain))[patient == u].sum() for u in range(12)]
    assert -row["difference"] == pytest.approx(gain)
    assert row["value"] == pytest.approx(9.0)
    assert row["se"] == pytest.approx(np.sqrt(12 / 11 * np.square(rest).sum()) / w.sum())
    # A patient of weight zero is as if absent.
    more = {k: np.append(p, 7.0) for k, p in arms.items()}
    again = choose_unlabelled(np.zeros(61), more, np.append(w, 0.0), "c", group=np.append(patient, 99))
    assert again.table[1] == pytest.approx(row)


def test_a_control_without_predictions_is_refused():
    with pytest.raises(MedgraftError, match="no predictions"):
        choose_unlabelled([0.0], {"a": [0.0]}, [1.0], "c")


def test_without_overlap_the_target_s_own_ratio_shows_it():
    """Two normals d apart: the effective share of the source is exp(-d^2), whichever side it is seen from."""
    rng = np.random.default_rng(0)
    x, z = rng.normal(size=20000), rng.normal(size=20000) + 0.7

    def ratio(v):
        return np.exp(0.7 * v - 0.245)

    own = effective_patients(ratio(x))
    both = effective_patients(ratio(x), None, ratio(z))
    assert own / 20000 == pytest.approx(np.exp(-0.49), rel=0.05)
    assert both / 20000 == pytest.approx(np.exp(-0.49), rel=0.05)
    assert effective_patients(np.ones(50), None, np.full(9, 100.0)) == pytest.approx(0.5)
    assert effective_patients(np.zeros(50)) == 0.0


def test_rows_of_one_patient_are_one_patient():
    assert effective_patients(np.ones(40), np.repeat(np.arange(8), 5)) == pytest.approx(8.0)
    assert "8.0 source patients" in too_few(8.0) and too_few(10.0) == ""
