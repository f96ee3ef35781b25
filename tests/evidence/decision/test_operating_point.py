import json
import math

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from medgraft.base import MedgraftError
from medgraft.evidence.decision import choose_threshold, cross_decisions


def drawn(n=60, seed=0, digits=2):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    return y, np.round(np.clip(0.3 * y + 0.7 * rng.random(n), 0, 1), digits)


def every(y, p):
    """All thresholds there are, with what they do, the slow way."""
    for t in [math.inf, *sorted(set(p), reverse=True), -math.inf]:
        flag = p >= t
        yield t, (flag & (y == 1)).sum(), (flag & (y == 0)).sum()


@pytest.mark.parametrize("seed", range(5))
def test_each_rule_is_met_as_trying_all_thresholds_says(seed):
    y, p = drawn(seed=seed)
    n1, n0, n = y.sum(), (1 - y).sum(), len(y)
    tried = list(every(y, p))
    youden = max(tp / n1 - fp / n0 for _, tp, fp in tried)
    want = {
        ("sensitivity", 0.8): max(t for t, tp, fp in tried if tp / (n1 + 1) >= 0.8),
        ("specificity", 0.7): min(t for t, tp, fp in tried if (n0 - fp) / (n0 + 1) >= 0.7),
        ("youden", None): max(t for t, tp, fp in tried if tp / n1 - fp / n0 > youden - 1e-12),
    }
    for cost in (0.5, 3.0):
        least = min(cost * (n1 - tp) + fp for _, tp, fp in tried)
        want["cost", cost] = max(t for t, tp, fp in tried if cost * (n1 - tp) + fp < least + 1e-9)
    for q in (0.1, 0.6):
        most = max(tp / n - fp / n * q / (1 - q) for _, tp, fp in tried)
        want["net_benefit", q] = max(t for t, tp, fp in tried if tp / n - fp / n * q / (1 - q) > most - 1e-12)
    for (rule, value), t in want.items():
        assert choose_threshold(y, p, rule, value).threshold == t, rule


def test_youden_is_the_largest_vertical_distance_of_the_roc_curve():
    y, p = drawn(seed=8, digits=6)
    fpr, tpr, t = roc_curve(y, p, drop_intermediate=False)
    assert choose_threshold(y, p, "youden").threshold == t[np.argmax(tpr - fpr)]


def test_a_promised_sensitivity_is_kept_on_average_by_new_patients():
    # With n events from a continuous law, the k-th lowest score leaves k / (n + 1) of new events below it.
    n, promise = 27, 0.9
    rng = np.random.default_rng(0)
    kept, plain = [], []
    for _ in range(1500):
        x = np.sort(rng.random(n))  # uniform, so that new events are flagged with a chance of 1 - t
        y, p = np.append(np.ones(n), 0), np.append(x, 0.0)
        kept.append(1 - choose_threshold(y, p, "sensitivity", promise).threshold)
        plain.append(1 - x[math.floor(n * (1 - promise))])
    k = math.floor((n + 1) * (1 - promise) + 1e-9)
    assert np.mean(kept) == pytest.approx(1 - k / (n + 1), abs=0.005)
    assert np.mean(kept) >= promise > np.mean(plain) + 0.005


def test_too_few_events_for_the_promise_flag_everybody_and_say_how_many_are_needed():
    y, p = np.repeat([1, 0], [18, 30]), np.linspace(1, 0, 48)
    short = choose_threshold(y, p, "sensitivity", 0.95)
    assert short.threshold == -math.inf and "19 are needed" in short.note
    y, p = np.repeat([1, 0], [19, 30]), np.linspace(1, 0, 49)
    assert choose_threshold(y, p, "sensitivity", 0.95).threshold == p[18]
    nobody = choose_threshold(1 - y, 1 - p, "specificity", 0.96)
    assert nobody.threshold == math.inf and not nobody.decide(p).any()


def test_a_patient_with_many_rows_is_one_patient_to_the_promise():
    y, p = np.repeat([1, 0], [19, 30]), np.linspace(1, 0, 49)
    group = np.append(np.arange(19) // 2, 100 + np.arange(30))  # the nineteen rows are of ten patients
    assert choose_threshold(y, p, "sensitivity", 0.95, group=group).threshold == -math.inf


def test_flagging_nobody_may_be_best_and_is_said():
    got = choose_threshold([0, 0, 0, 1], [0.9, 0.8, 0.7, 0.1], "cost", 0.5)
    assert got.threshold == math.inf and "nobody" in got.note
    assert json.loads(json.dumps(got.to_dict(), allow_nan=False))["threshold"] is None


def test_the_rows_or_patients_of_the_choice_cannot_judge_it():
    y, p = drawn()
    group = np.arange(60)
    point = choose_threshold(y[:30], p[:30], "youden", group=group[:30])
    i = np.random.default_rng(0).permutation(30)
    with pytest.raises(MedgraftError, match="these rows"):
        point.report(y[:30][i], p[:30][i])
    with pytest.raises(MedgraftError, match="1 of these patients"):
        point.report(y[29:], p[29:], group=group[29:])
    assert point.report(y[30:], p[30:], group=group[30:]).n == 30
    assert "patient" not in json.dumps(point.to_dict()) and "chosen_on" not in repr(point)


def test_new_patients_are_judged_as_the_decision_says():
    y, p = drawn(seed=5)
    point = choose_threshold(y[:30], p[:30], "cost", 2.0)
    flag = p[30:] >= point.threshold
    got = point.report(y[30:], np.stack([1 - p[30:], p[30:]], axis=1))
    assert got.sensitivity.value == pytest.approx(flag[y[30:] == 1].mean())


def test_cross_decisions_take_each_threshold_from_the_other_folds():
    y, p = drawn(seed=6)
    fold = np.arange(60) % 3
    got = cross_decisions(y, p, fold, "cost", 2.0)
    for k in range(3):
        t = choose_threshold(y[fold != k], p[fold != k], "cost", 2.0).threshold
        np.testing.assert_array_equal(got[fold == k], p[fold == k] >= t)
    with pytest.raises(MedgraftError, match="two folds"):
        cross_decisions(y, p, fold, "cost", 2.0, group=np.arange(60) // 2)
    with pytest.raises(MedgraftError, match="at least two folds"):
        cross_decisions(y, p, np.zeros(60), "youden")


@pytest.mark.parametrize(
    ("rule", "value", "said"),
    [
        ("sensitivty", 0.9, "Did you mean 'sensitivity'"),
        ("sensitivity", None, "needs the share"),
        ("sensitivity", 1.0, "not 1.0"),
        ("youden", 0.5, "takes no number"),
        ("cost", 0, "not 0"),
        ("net_benefit", 1.2, "threshold probability"),
    ],
)
def test_a_rule_without_sense_is_told_in_a_sentence(rule, value, said):
    with pytest.raises(MedgraftError, match=said):
        choose_threshold([0, 1], [0.1, 0.9], rule, value)


def test_one_class_allows_no_choice():
    with pytest.raises(MedgraftError, match="one kind is missing"):
        choose_threshold([1, 1], [0.1, 0.9], "youden")
