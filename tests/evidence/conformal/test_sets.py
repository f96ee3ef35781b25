import json
from itertools import pairwise

import numpy as np
import pytest

from medgraft.base import MedgraftError
from medgraft.evidence.conformal import ConformalSets, covered


def drawn(rng, n, k=3):
    p = rng.dirichlet(np.ones(k), n)
    return p, (rng.random(n)[:, None] > np.cumsum(p, axis=1)).sum(axis=1)


def test_lac_holds_the_classes_whose_probability_reaches_the_order_statistic():
    rng = np.random.default_rng(0)
    p, y = drawn(rng, 59)
    new = drawn(rng, 100)[0]
    own = np.sort(1 - p[np.arange(59), y])
    np.testing.assert_array_equal(ConformalSets(0.2).fit(p, y).predict(new), 1 - new <= own[48 - 1])


def test_a_class_is_in_if_the_rank_test_does_not_reject_it():
    """The set is {k : (1 + #scores >= s_k) / (n + 1) > alpha}, with the p-value counted by hand."""
    rng = np.random.default_rng(1)
    p, y = drawn(rng, 37, 4)
    new = drawn(rng, 60, 4)[0]
    for by_class in (False, True):
        own = 1 - p[np.arange(37), y]
        found = ConformalSets(0.23, by_class=by_class).fit(p, y).predict(new)
        for k in range(4):
            of = own[y == k] if by_class else own
            pvalue = (1 + (of[None, :] >= 1 - new[:, [k]]).sum(axis=1)) / (len(of) + 1)
            np.testing.assert_array_equal(found[:, k], pvalue > 0.23)


@pytest.mark.parametrize("score", ["lac", "aps", "raps"])
def test_a_smaller_alpha_makes_larger_sets(score):
    rng = np.random.default_rng(2)
    p, y = drawn(rng, 100)
    new = drawn(rng, 50)[0]
    sets = [ConformalSets(a, score).fit(p, y).predict(new) for a in (0.4, 0.2, 0.1, 0.05)]
    for a, b in pairwise(sets):
        assert (a <= b).all()


@pytest.mark.parametrize("score", ["aps", "raps"])
def test_adaptive_sets_hold_the_most_probable_class_and_all_that_are_more_probable(score):
    rng = np.random.default_rng(3)
    p, y = drawn(rng, 100)
    new = drawn(rng, 200)[0]
    sets = ConformalSets(0.3, score).fit(p, y).predict(new)
    assert sets[np.arange(200), new.argmax(axis=1)].all()
    least = np.where(sets, new, 1).min(axis=1, keepdims=True)
    assert (sets | (new <= least)).all()


@pytest.mark.parametrize("score", ["lac", "aps", "raps"])
@pytest.mark.parametrize("by_class", [False, True])
def test_sets_hold_the_truth_as_often_as_promised(score, by_class):
    rng = np.random.default_rng(4)
    hits = []
    for _ in range(150):
        p, y = drawn(rng, 60 + 60)
        p = p**2 / (p**2).sum(axis=1, keepdims=True)  # overconfident: the promise holds for any model
        made = ConformalSets(0.2, score, by_class=by_class).fit(p[:60], y[:60])
        hit = covered(y[60:], made.predict(p[60:]))
        hits.append([hit.mean(), *(hit[y[60:] == k].mean() for k in range(3) if by_class)])
    assert (np.mean(hits, axis=0) + 3 * np.std(hits, axis=0) / np.sqrt(150) >= 0.8).all()


def test_by_subgroup_the_worse_served_get_what_was_promised():
    rng = np.random.default_rng(5)
    hits = {True: [], False: []}
    for _ in range(300):
        p, y = drawn(rng, 200)
        sex = np.where(rng.random(200) < 0.3, "f", "m")
        y = np.where((sex == "f") & (rng.random(200) < 0.4), 2 - y, y)  # the model knows women less well
        for by in hits:
            more = ({"subgroup": sex[:100]}, {"subgroup": sex[100:]}) if by else ({}, {})
            sets = ConformalSets(0.2).fit(p[:100], y[:100], **more[0]).predict(p[100:], **more[1])
            hits[by].append(covered(y[100:], sets)[sex[100:] == "f"].mean())
    assert np.mean(hits[True]) + 3 * np.std(hits[True]) / np.sqrt(300) >= 0.8
    assert np.mean(hits[False]) < 0.77


def test_with_several_rows_a_patient_it_is_patients_who_are_covered():
    """Patients with many rows are easy: by row the threshold is too low for a row of a new patient."""
    rng = np.random.default_rng(6)
    hits = []
    for _ in range(300):
        easy = rng.random(31) < 0.5
        rows = np.where(easy, 20, 1)
        group = np.repeat(np.arange(31), rows)
        event = np.where(easy[group], 0.95, 0.6) + 0.05 * (rng.random(len(group)) - 0.5)
        y = (rng.random(len(group)) < event).astype(int)
        cal, new = group < 30, np.flatnonzero(group == 30)[:1]
        sets = [ConformalSets(0.2).fit(event[cal], y[cal], g).predict(event[new]) for g in (None, group[cal])]
        hits.append([covered(y[new], s)[0] for s in sets])
    by_row, by_patient = np.mean(hits, axis=0)
    assert by_patient + 3 * np.sqrt(0.16 / 300) >= 0.8
    assert by_row < 0.76


def test_one_row_a_patient_is_no_group_and_copies_change_nothing():
    rng = np.random.default_rng(7)
    p, y = drawn(rng, 40)
    new = drawn(rng, 30)[0]
    plain = ConformalSets().fit(p, y).predict(new)
    np.testing.assert_array_equal(ConformalSets().fit(p, y, np.arange(40)).predict(new), plain)
    i = np.repeat(np.arange(40), np.arange(40) % 5 + 1)
    np.testing.assert_array_equal(ConformalSets().fit(p[i], y[i], i).predict(new), plain)


def test_equal_weights_are_no_weights():
    rng = np.random.default_rng(8)
    p, y = drawn(rng, 40)
    new = drawn(rng, 30)[0]
    plain = ConformalSets().fit(p, y).predict(new)
    same = ConformalSets().fit(p, y, weight=np.full(40, 7.0)).predict(new, weight=np.full(30, 7.0))
    np.testing.assert_array_equal(same, plain)
    np.testing.assert_array_equal(ConformalSets().fit(p, y, class_weight=[3, 3, 3]).predict(new), plain)


def test_a_row_unlike_all_calibration_rows_gets_every_class():
    rng = np.random.default_rng(9)
    p, y = drawn(rng, 40)
    sets = ConformalSets().fit(p, y, weight=np.ones(40)).predict(p[:2], weight=[1.0, 1000.0])
    assert sets[1].all()
    assert not sets[0].all()


def test_label_shift_thresholds_are_weighted_quantiles_of_each_candidate():
    rng = np.random.default_rng(10)
    p, y = drawn(rng, 50)
    new, ratio = drawn(rng, 40)[0], np.array([0.5, 1.0, 3.0])
    found = ConformalSets(0.2).fit(p, y, class_weight=ratio).predict(new)
    own, w = 1 - p[np.arange(50), y], ratio[y]
    for k in range(3):
        total = w.sum() + ratio[k]
        tail = np.array([w[own >= s].sum() + ratio[k] for s in 1 - new[:, k]])
        np.testing.assert_array_equal(found[:, k], tail / total > 0.2 + 1e-12)


def test_too_few_patients_bound_nothing_and_that_is_said():
    p, y = drawn(np.random.default_rng(11), 20)
    made = ConformalSets(0.05).fit(p[:18], y[:18])
    assert made.note_ == "18 calibration patients bound nothing: 19 are needed."
    assert made.predict(p).all()
    assert ConformalSets(0.05).fit(p[:19], y[:19]).note_ == ""
    i = np.repeat(np.arange(9), 9)
    copies = ConformalSets(0.05).fit(p[i], y[i], i)
    assert copies.note_.startswith("9 calibration patients")
    site = ConformalSets(0.2).fit(p, y, subgroup=["a"] * 17 + ["b"] * 3)
    assert site.note_ == "3 calibration patients of 'b' bound nothing: 4 are needed."
    assert site.predict(p[:2], subgroup=["b", "new"]).all()
    rare = ConformalSets(0.2, by_class=True).fit(p, np.where(y == 2, 1, y))
    assert rare.note_ == "0 calibration patients of 'class 2' bound nothing: 4 are needed."
    assert rare.predict(p)[:, 2].all()


def test_renaming_classes_renames_the_sets_and_inputs_stay():
    rng = np.random.default_rng(12)
    p, y = drawn(rng, 60)
    new, i = drawn(rng, 30)[0], np.array([2, 0, 1])
    before = p.copy()
    for score in ("lac", "aps", "raps"):
        sets = ConformalSets(0.2, score).fit(p, y).predict(new)
        renamed = ConformalSets(0.2, score).fit(p[:, np.argsort(i)], i[y]).predict(new[:, np.argsort(i)])
        np.testing.assert_array_equal(renamed[:, i], sets)
    np.testing.assert_array_equal(p, before)


def test_bad_input_is_told_in_one_sentence():
    p, y = drawn(np.random.default_rng(13), 30)
    fitted = ConformalSets().fit(p, y)
    for match, call in {
        "'alpha'": lambda: ConformalSets(1.0).fit(p, y),
        "call fit": lambda: ConformalSets().predict(p),
        "3 classes were calibrated, not 2": lambda: fitted.predict([0.5]),
        "give both": lambda: fitted.predict(p, weight=np.ones(30)),
        "'weight' must be 30": lambda: ConformalSets().fit(p, y, weight=-np.ones(30)),
        "nobody there is like": lambda: ConformalSets().fit(p, y, weight=np.zeros(30)),
        "'class_weight' must be 3": lambda: ConformalSets().fit(p, y, class_weight=[1, 1]),
        "'subgroup' has shape": lambda: ConformalSets().fit(p, y, subgroup=["a"]),
        "'group' has shape": lambda: ConformalSets().fit(p, y, ["a"]),
    }.items():
        with pytest.raises(MedgraftError, match=match):
            call()


@pytest.mark.parametrize("by_class", [False, True])
@pytest.mark.parametrize("score", ["lac", "aps", "raps"])
def test_sets_read_back_are_the_same_and_keep_thresholds_alone(score, by_class):
    rng = np.random.default_rng(3)
    p, y = drawn(rng, 60)
    sets = ConformalSets(0.2, score, by_class=by_class, penalty=0.3, free=2).fit(p, y)
    saved = json.loads(json.dumps(sets.to_dict()))
    again = ConformalSets.from_dict(saved)
    new = drawn(rng, 200)[0]
    np.testing.assert_array_equal(again.predict(new), sets.predict(new))
    assert again.to_dict() == saved and len(saved["thresholds"]) == (3 if by_class else 1)


def test_an_infinite_threshold_stays_so_when_read_back():
    sets = ConformalSets(0.05, by_class=True).fit([[0.8, 0.2]] * 30, [0] * 25 + [1] * 5)
    again = ConformalSets.from_dict(json.loads(json.dumps(sets.to_dict(), allow_nan=False)))
    np.testing.assert_array_equal(again.predict([[1.0, 0.0]]), sets.predict([[1.0, 0.0]]))
    assert "of 'class 1' is infinite" in again.note_


def test_sets_with_weights_are_not_saved():
    rng = np.random.default_rng(4)
    p, y = drawn(rng, 60)
    for given in ({"weight": np.ones(60)}, {"class_weight": [1.0, 2.0, 1.0]}):
        with pytest.raises(MedgraftError, match="cannot be saved"):
            ConformalSets().fit(p, y, **given).to_dict()
