import json

import numpy as np
import pytest
from sklearn.metrics import precision_score, recall_score

from medgraft.base import MedgraftError
from medgraft.evidence.decision import decision_accuracy


def drawn(n=80, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 2, n), rng.random(n) < 0.4, rng.integers(0, 30, n)


def test_the_values_are_those_of_scikit_learn():
    y, flag, group = drawn()
    got = decision_accuracy(y, flag, group=group)
    assert got.sensitivity.value == pytest.approx(recall_score(y, flag))
    assert got.specificity.value == pytest.approx(recall_score(1 - y, ~flag))
    assert got.ppv.value == pytest.approx(precision_score(y, flag))
    assert got.npv.value == pytest.approx(precision_score(1 - y, ~flag))
    assert got.lr_positive.value == pytest.approx(got.sensitivity.value / (1 - got.specificity.value))
    assert got.lr_negative.value == pytest.approx((1 - got.sensitivity.value) / got.specificity.value)
    assert (got.n, got.n_patients) == (80, len(np.unique(group)))


def test_bayes_theorem_ties_the_measures_together():
    y, flag, _ = drawn(seed=3)
    got = decision_accuracy(y, flag)
    odds = got.prevalence.value / (1 - got.prevalence.value)
    after = odds * got.lr_positive.value
    assert got.ppv.value == pytest.approx(after / (1 + after))
    after = odds * got.lr_negative.value
    assert 1 - got.npv.value == pytest.approx(after / (1 + after))


def test_turning_event_and_decision_round_turns_the_measures_round():
    y, flag, group = drawn(seed=4)
    a, b = decision_accuracy(y, flag, group=group), decision_accuracy(1 - y, ~flag, group=group)
    assert (a.sensitivity, a.ppv) == (b.specificity, b.npv)
    assert a.lr_negative.value == pytest.approx(1 / b.lr_positive.value)


def test_nobody_flagged_has_no_predictive_value_and_a_plain_sentence():
    got = decision_accuracy([0, 1, 1], [0, 0, 0])
    assert np.isnan(got.ppv.value) and got.sensitivity.value == 0
    assert got.sentence() == (
        "Of 3 patients, 0 are flagged: 0 with the event and 0 without; of 2 with the event 2 are missed."
    )
    json.dumps(got.to_dict(), allow_nan=False)


def test_rows_are_not_called_patients():
    assert decision_accuracy([0, 1, 1], [0, 0, 1], group=[1, 1, 2]).sentence().startswith("Of 3 rows, ")


def test_a_probability_is_not_a_decision():
    with pytest.raises(MedgraftError, match="turn probabilities into decisions"):
        decision_accuracy([0, 1], [0.2, 0.7])


def test_the_callers_arrays_stay_as_they_are():
    arrays = drawn()
    before = [a.copy() for a in arrays]
    decision_accuracy(arrays[0], arrays[1], group=arrays[2])
    for a, b in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(a, b)
