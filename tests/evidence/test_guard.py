import dataclasses
import json

import numpy as np
import pytest

from medgraft.base import MedgraftError
from medgraft.evidence import choose, compare
from medgraft.evidence.metrics import metrics


def sure(score):
    score = np.asarray(score, float)
    return np.stack([1 - score, score], axis=1)


def errors(n=60, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.normal(size=n)
    return y, rng.normal(size=n), rng.normal(size=n)


def test_a_clearly_better_arm_is_chosen_for_metrics_of_either_direction():
    rng = np.random.default_rng(0)
    label = np.arange(80) % 2
    scores = {
        name: sure(1 / (1 + np.exp(-s * (label - 0.5) - rng.normal(size=80))))
        for name, s in (("target-only", 0.2), ("coral", 4.0), ("ulsif", 1.0))
    }
    for metric in ("auroc", "balanced_accuracy", "brier", "log_loss", "f1", "accuracy"):
        assert choose(metric, label, scores, "target-only").name == "coral"
    y, a, b = errors()
    assert choose("rmse", y, {"target-only": y + 2 * a, "l2sp": y + b}, "target-only").name == "l2sp"
    assert choose("r2", y, {"target-only": y + 2 * a, "l2sp": y + b}, "target-only").name == "l2sp"


def test_a_worse_arm_is_not_chosen_and_the_reason_says_so():
    y, a, b = errors()
    got = choose("mae", y, {"target-only": y + a, "l2sp": y + 2 * b}, "target-only")
    assert got.name == "target-only"
    assert got.reason.startswith("The control target-only is kept: no candidate has a better inner MAE")


def test_the_gain_must_exceed_one_standard_error():
    y = np.zeros(50)
    control = np.ones(50)

    # Gains of +1 and -1: mean m, standard error sqrt((1 - m^2) / 49). 29 to 21 gives 0.16 > 0.141.
    def arm(wins):
        return np.where(np.arange(50) < wins, 0.0, 2.0)

    kept = choose("mae", y, {"c": control, "a": arm(28)}, "c", n_boot=20_000)
    taken = choose("mae", y, {"c": control, "a": arm(29)}, "c", n_boot=20_000)
    assert (kept.name, taken.name) == ("c", "a")
    assert taken.table[1]["se"] == pytest.approx(np.sqrt((1 - 0.16**2) / 49), rel=0.02)
    assert taken.table[1]["difference"] == pytest.approx(-0.16)
    assert "more than 0.14 is asked for" in kept.reason


def test_the_standard_error_is_freed_of_the_bootstraps_shortfall():
    y, gains = np.zeros(8), np.array([1.0, 0.5, -0.3, 0.2, 0.9, -0.1, 0.4, 0.6])
    got = choose("mae", y, {"c": np.ones(8), "a": 1 - gains}, "c", n_boot=20_000)
    assert got.table[1]["se"] == pytest.approx(gains.std(ddof=1) / np.sqrt(8), rel=0.02)


def test_an_error_and_its_negative_as_a_score_lead_to_the_same_choice():
    mae = metrics["mae"]
    score = dataclasses.replace(mae, name="score", better="higher", fn=lambda *a: -mae.fn(*a))
    rng = np.random.default_rng(0)
    y = np.zeros(25)
    preds = {"c": np.ones(25), "a": rng.exponential(size=25) ** 2 / 2, "b": rng.exponential(size=25) ** 2 / 2}
    for rule in ("one-se", "family"):
        one, other = choose(mae, y, preds, "c", rule=rule), choose(score, y, preds, "c", rule=rule)
        assert one.name == other.name
        assert [r["needed"] for r in one.table] == pytest.approx(
            [r["needed"] for r in other.table], abs=1e-12
        )


def test_the_table_agrees_with_the_paired_comparison():
    y, a, b = errors()
    group, fold = np.arange(60) // 2, np.arange(60) % 3
    got = choose("mae", y, {"l2sp": y + b, "target-only": y + a}, "target-only", group=group, fold=fold)
    assert [row["name"] for row in got.table] == ["target-only", "l2sp"]
    paired = compare("mae", y, y + b, y + a, group=group, fold=fold)
    assert got.table[1]["difference"] == paired.difference
    assert got.table[1]["value"] == pytest.approx(np.abs(b).mean())
    assert got.table[1]["se"] == pytest.approx((paired.hi - paired.lo) / 2 / 2.09, rel=0.15)


def test_the_best_value_is_tried_not_the_surest_gain():
    y = np.zeros(40)
    noise = np.resize([3.0, -3.0], 40)
    preds = {"c": np.full(40, 2.0), "sure": np.full(40, 1.9), "best": np.clip(1.5 + noise, 0, None)}
    assert np.abs(preds["best"]).mean() > 1.9  # not best after all: the sure one is
    assert choose("mae", y, preds, "c").name == "sure"
    preds["best"] = np.clip(0.6 + noise, 0, None)  # mean 1.8, but one standard error is 0.29
    assert choose("mae", y, preds, "c").name == "c"


def test_the_control_itself_under_another_name_is_not_chosen():
    y, a, _ = errors()
    got = choose("mae", y, {"target-only": y + a, "pooled": y + a}, "target-only")
    assert got.name == "target-only"
    assert got.table[1]["difference"] == 0


def test_one_patient_is_not_enough_to_leave_the_control():
    y = np.zeros(30, int)
    right, wrong = sure(np.zeros(30)), sure(np.zeros(30))
    wrong[0] = wrong[0, ::-1]
    got = choose("accuracy", y, {"target-only": wrong, "coral": right}, "target-only")
    assert got.name == "target-only"
    assert "on too few patients to tell" in got.reason


def test_shifted_scores_of_inner_folds_do_not_mislead_the_choice():
    rng = np.random.default_rng(0)
    label, fold = np.arange(60) % 2, np.repeat([0, 1, 2], 20)
    score = 1 / (1 + np.exp(-2 * (label - 0.5) - rng.normal(size=60)))
    shifted = score / np.array([1, 10, 100])[fold]
    got = choose("auroc", label, {"c": sure(score), "a": sure(shifted)}, "c", fold=fold)
    assert got.table[1]["difference"] == 0


def test_an_undefined_metric_keeps_the_control():
    got = choose("auroc", np.zeros(6, int), {"c": sure(np.zeros(6)), "a": sure(np.arange(6) / 6)}, "c")
    assert got.name == "c"
    assert "undefined" in got.reason
    json.dumps(got.to_dict(), allow_nan=False)


def test_without_candidates_the_control_stays():
    got = choose("mae", np.zeros(3), {"c": np.ones(3)}, "c")
    assert (got.name, got.reason) == ("c", "The control c is kept: there is no other candidate.")


def test_the_same_seed_gives_the_same_choice_and_the_order_of_arms_does_not_matter():
    y, a, b = errors()
    preds = {"c": y + a, "a": y + b, "b": y + (a + b) / 2}
    one, again = (
        choose("mae", y, preds, "c", seed=3),
        choose("mae", y, dict(reversed(preds.items())), "c", seed=3),
    )
    assert one == choose("mae", y, preds, "c", seed=3)
    assert one.name == again.name
    assert {r["name"]: r["se"] for r in one.table} == {r["name"]: r["se"] for r in again.table}


def test_a_choice_is_frozen_and_json():
    y, a, b = errors()
    got = choose("mae", y, {"c": y + a, "a": y + b}, "c")
    with pytest.raises(dataclasses.FrozenInstanceError):
        got.name = "a"
    made = json.loads(json.dumps(got.to_dict(), allow_nan=False))
    assert sum(row["chosen"] for row in made["table"]) == 1


def test_unknown_names_are_told_in_one_sentence():
    y = np.zeros(3)
    with pytest.raises(MedgraftError, match="Did you mean 'target-only'"):
        choose("mae", y, {"target-only": y}, "target_only")
    with pytest.raises(MedgraftError, match="no rule 'boldest'"):
        choose("mae", y, {"c": y}, "c", rule="boldest")
    with pytest.raises(MedgraftError, match="'a' and the control 'c' do not predict the same classes"):
        choose("accuracy", y.astype(int), {"c": np.ones((3, 2)) / 2, "a": np.ones((3, 3)) / 3}, "c")


def test_with_nothing_to_gain_the_control_is_rarely_left(simulate):
    assert simulate.guard_leaves(40, 1, 0.0, "one-se", 200, n_boot=200)[0] <= 0.24  # 0.16 wanted
    assert simulate.guard_leaves(40, 5, 0.0, "family", 200, n_boot=200)[0] <= 0.24


def test_the_family_rule_is_stricter_the_more_candidates_there_are(simulate):
    loose = simulate.guard_leaves(40, 5, 0.0, "one-se", 200, n_boot=200)[0]
    strict = simulate.guard_leaves(40, 5, 0.0, "family", 200, n_boot=200)[0]
    assert strict < loose


def test_a_clear_gain_is_taken(simulate):
    assert simulate.guard_leaves(100, 3, 1.0, "one-se", 100, n_boot=200)[1] >= 0.95
    assert simulate.guard_leaves(100, 3, 1.0, "family", 100, n_boot=200)[1] >= 0.93


def test_a_harmful_candidate_is_almost_never_taken(simulate):
    assert simulate.guard_leaves(60, 1, -1.0, "one-se", 200, n_boot=200)[0] <= 0.01


def test_a_row_of_weight_three_is_a_row_that_is_there_three_times():
    rng = np.random.default_rng(0)
    n = 40
    y, times = rng.normal(size=n), rng.integers(1, 4, n)
    preds = {"control": y + rng.normal(size=n), "arm": y + 0.8 * rng.normal(size=n)}
    sex = {"sex": np.resize(["f", "m"], n)}
    weighted = choose("mae", y, preds, "control", group=np.arange(n), weight=times, subgroups=sex)
    again = np.repeat(np.arange(n), times)
    many = choose(
        "mae",
        y[again],
        {k: p[again] for k, p in preds.items()},
        "control",
        group=again,
        subgroups={"sex": sex["sex"][again]},
    )
    for one, other in zip(weighted.table, many.table, strict=True):
        for key in ("value", "difference", "se", "needed"):
            assert one[key] == pytest.approx(other[key], rel=1e-9)
    assert weighted.name == many.name


@pytest.mark.parametrize("weight", [[1.0], [1.0, -1.0], [1.0, np.nan], [0.0, 1.0]])
def test_weights_that_are_none_are_refused(weight):
    preds = {"control": np.zeros(2), "arm": np.zeros(2)}
    with pytest.raises(MedgraftError, match="weight"):
        choose("mae", np.zeros(2), preds, "control", weight=weight)


def test_the_rule_best_takes_the_smallest_gain_and_keeps_the_control_on_a_tie():
    y = np.zeros(6)
    wrong = np.array([1.0, -1.0, 2.0, -2.0, 1.0, 3.0])
    a_little = wrong + np.array([0.9, 0.9, -1.0, 0.9, 0.9, -0.9])  # some better, some worse, in all better
    gain = np.abs(wrong).mean() - np.abs(a_little).mean()
    assert 0 < gain < 0.4
    preds = {"control": wrong, "arm": a_little}
    assert choose("mae", y, preds, "control").name == "control"
    best = choose("mae", y, preds, "control", rule="best")
    assert best.name == "arm"
    assert "asked for" not in best.reason
    assert choose("mae", y, {"control": wrong, "arm": wrong.copy()}, "control", rule="best").name == "control"
