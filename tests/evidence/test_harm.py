import json
import math

import numpy as np
import pytest

from medgraft.base import MedgraftError
from medgraft.evidence import compare
from medgraft.evidence.harm import harm_sentences, transfer_gap, transfer_gaps
from medgraft.evidence.shift import shift

FAST = {"n_boot": 300}


def drawn(n=80, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    common = rng.normal(size=n)

    def arm(separation):
        s = 1 / (1 + np.exp(-(separation * (y - 0.5) + common + 0.5 * rng.normal(size=n))))
        return np.stack([1 - s, s], axis=1)

    return y, arm


def test_with_one_control_the_gap_is_the_comparison():
    y, arm = drawn()
    a, c = arm(1.0), arm(2.0)
    got, want = transfer_gap("auroc", y, a, {"c": c}, **FAST), compare("auroc", y, a, c, **FAST)
    assert (got.difference, got.lo, got.hi, got.verdict) == (want.difference, want.lo, want.hi, want.verdict)
    json.dumps(got.to_dict(), allow_nan=False)


@pytest.mark.parametrize("metric", ["auroc", "brier"])
def test_the_gap_is_to_the_best_control_and_its_ends_are_those_of_all(metric):
    y, arm = drawn()
    a, controls = arm(1.5), {k: arm(s) for k, s in (("x", 1.0), ("y", 1.6), ("z", 1.4))}
    got = transfer_gap(metric, y, a, controls, **FAST)
    plain = [compare(metric, y, a, c, **FAST) for c in controls.values()]
    wide = [compare(metric, y, a, c, level=1 - 0.05 / 3, **FAST) for c in controls.values()]
    worst = min if metric == "auroc" else max  # of the arm minus control
    assert got.difference == worst(c.difference for c in plain)
    mild, hard = ("lo", "hi") if metric == "auroc" else ("hi", "lo")
    assert getattr(got, mild) == worst(getattr(c, mild) for c in plain)
    assert getattr(got, hard) == worst(getattr(c, hard) for c in wide)
    assert got.lo <= got.difference <= got.hi
    assert got.control == list(controls)[[c.difference for c in plain].index(got.difference)]


def test_helping_means_to_beat_every_control_and_harming_to_lose_to_one():
    y, arm = drawn(300)
    a, weak, strong = arm(2.0), arm(0.0), arm(6.0)
    assert transfer_gap("auroc", y, a, {"weak": weak}, **FAST).verdict == "helps"
    both = transfer_gap("auroc", y, a, {"weak": weak, "strong": strong}, **FAST)
    assert (both.verdict, both.control) == ("harms", "strong")
    assert transfer_gap("auroc", y, a, {"weak": weak, "itself": a}, **FAST).verdict == "inconclusive"


def test_many_equal_controls_do_not_make_a_harm():
    # The best of eight is flattered: its own comparison harms too often, the gap does not.
    naive, honest, runs = 0, 0, 80
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        y = np.zeros(40)
        a, controls = rng.normal(size=40), {str(k): rng.normal(size=40) for k in range(8)}
        got = transfer_gap("mae", y, a, controls, n_boot=100)
        naive += got.comparisons[got.control].verdict == "harms"
        honest += got.verdict == "harms"
    assert naive / runs > 0.1
    assert honest / runs < 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)


def test_by_site_the_verdicts_are_adjusted_and_small_sites_left_out():
    rng = np.random.default_rng(0)
    site = np.repeat(["a", "b", "c", "d", "e"], [40, 40, 40, 12, 3])
    y = np.zeros(135)
    control = 1 + 0.2 * rng.normal(size=135)
    arm = control + np.where(site == "a", 0.5, np.where(site == "b", -0.5, 0.0)) + 0.3 * rng.normal(size=135)
    got = transfer_gaps("mae", y, arm, {"alone": control}, {"site": site}, **FAST)
    assert {k: g.verdict for k, g in got.items()} == {
        "site=a": "harms",
        "site=b": "helps",
        "site=c": "inconclusive",
    }
    assert got["site=a"].difference == compare("mae", y[:40], arm[:40], control[:40], **FAST).difference
    assert all(g.p_adjusted <= 1 for g in got.values()) and got["site=c"].p_adjusted == 1


def test_rows_of_several_label_budgets_are_patients_again():
    rng = np.random.default_rng(1)
    group, budget = np.tile(np.arange(30), 2), np.repeat([10, 20], 30)
    y = np.zeros(60)
    control = 1 + 0.1 * rng.random(60)
    arm = control + np.where(budget == 10, -0.5, 0.5)
    got = transfer_gaps("mae", y, arm, {"c": control}, {"budget": budget}, group=group, **FAST)
    assert {k: (g.verdict, g.n_patients) for k, g in got.items()} == {
        "budget=10": ("helps", 30),
        "budget=20": ("harms", 30),
    }


def test_the_sentences_of_harm_give_figures_and_claim_no_cause():
    rng = np.random.default_rng(0)
    y, wave = np.zeros(40), 0.1 * (np.arange(40) % 3)
    harm = transfer_gap("mae", y, 2 + wave, {"ridge": 1 + wave}, **FAST)
    help_ = transfer_gap("mae", y, 1 + wave, {"ridge": 2 + wave}, **FAST)
    s = shift(rng.normal(size=(60, 2)), rng.normal(size=(20, 2)) + 2, **FAST)
    said = harm_sentences("coral", harm, "mae", s)
    assert said[0].startswith("coral harms: MAE is 1.00 higher than ridge")
    assert "60 of the 80 patients (75%) are source." in said
    assert said[-1] == "These figures go with the harm; none of them shows that it caused it."
    assert harm_sentences("coral", help_, "mae", s)[1:] == []


def test_no_control_is_refused():
    with pytest.raises(MedgraftError, match="at least one"):
        transfer_gap("mae", [0.0], [0.0], {})
