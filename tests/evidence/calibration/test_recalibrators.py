"""What holds for every recalibrator, and what each of them solves."""

import json

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit, log_softmax, logit
from sklearn.isotonic import IsotonicRegression

from medgraft.base import MedgraftError
from medgraft.evidence.calibration import (
    Isotonic,
    Platt,
    PriorShift,
    Recalibrator,
    Temperature,
    VectorScaling,
    VennAbers,
    em_prevalence,
)

ALL = [Temperature, VectorScaling, Platt, Isotonic, VennAbers, PriorShift]
SEVERAL = [Temperature, VectorScaling, Isotonic, PriorShift]


def drawn(n=80, k=2, seed=0):
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(k), n)
    y = np.array([rng.choice(k, p=q) for q in np.sqrt(p) / np.sqrt(p).sum(axis=1, keepdims=True)])
    return p, y


@pytest.mark.parametrize("made", ALL)
def test_saved_and_loaded_it_is_the_same_to_the_last_bit(made):
    p, y = drawn()
    first = made().fit(p, y)
    again = Recalibrator.from_dict(json.loads(json.dumps(first.to_dict())))
    assert type(again) is made
    new = drawn(200, seed=1)[0]
    np.testing.assert_array_equal(first.transform(new), again.transform(new))
    assert again.to_dict() == first.to_dict()


@pytest.mark.parametrize("made", SEVERAL)
def test_several_classes_are_saved_and_loaded_and_stay_probabilities(made):
    p, y = drawn(k=4)
    first = made().fit(p, y)
    again = Recalibrator.from_dict(json.loads(json.dumps(first.to_dict())))
    q = first.transform(p)
    np.testing.assert_array_equal(q, again.transform(p))
    np.testing.assert_allclose(q.sum(axis=1), 1, atol=1e-12)
    assert (q >= 0).all()


@pytest.mark.parametrize("made", ALL)
def test_a_column_or_both_columns_say_the_same(made):
    p, y = drawn()
    a, b = made().fit(p[:, 1], y), made().fit(p, y)
    np.testing.assert_allclose(a.transform(p[:, 1]), b.transform(p)[:, 1], atol=1e-12)


@pytest.mark.parametrize("made", ALL)
def test_a_patient_counts_once_however_many_rows_it_has(made):
    p, y = drawn()
    rows = np.repeat(np.arange(80), np.arange(80) % 4 + 1)
    one, many = made().fit(p, y), made().fit(p[rows], y[rows], group=rows)
    np.testing.assert_allclose(many.transform(p), one.transform(p), atol=1e-6)
    assert np.abs(made().fit(p[rows], y[rows]).transform(p) - one.transform(p)).max() > 1e-4


@pytest.mark.parametrize("made", ALL)
def test_order_of_rows_does_not_matter_and_inputs_stay(made):
    p, y = drawn()
    before, i = p.copy(), np.random.default_rng(5).permutation(80)
    a, b = made().fit(p, y), made().fit(p[i], y[i])
    np.testing.assert_allclose(a.transform(p), b.transform(p), atol=1e-6)
    np.testing.assert_array_equal(p, before)


@pytest.mark.parametrize("made", SEVERAL)
def test_renaming_the_classes_does_not_matter(made):
    p, y = drawn(k=3)
    new = np.array([2, 0, 1])
    renamed = np.empty_like(p)
    renamed[:, new] = p
    found = made().fit(renamed, new[y]).transform(renamed)
    np.testing.assert_allclose(found[:, new], made().fit(p, y).transform(p), atol=1e-6)


def test_temperature_is_the_best_of_a_fine_grid():
    p, y = drawn(k=3)
    found = Temperature().fit(p, y).temperature_

    def loss(t):
        return -log_softmax(np.log(p) / t, axis=1)[np.arange(80), y].sum()

    grid = np.exp(np.linspace(np.log(0.1), np.log(10), 401))
    best = grid[np.argmin([loss(t) for t in grid])]
    assert found == pytest.approx(best, rel=0.02)
    assert loss(found) <= min(loss(t) for t in grid)


def test_temperature_undoes_a_temperature():
    p, y = drawn(k=3)
    hot = p**3 / (p**3).sum(axis=1, keepdims=True)
    a, b = Temperature().fit(p, y), Temperature().fit(hot, y)
    assert b.temperature_ == pytest.approx(3 * a.temperature_, rel=1e-6)


def test_temperature_ends_at_its_bounds_where_all_are_right_or_nothing_is_known():
    assert Temperature().fit([0.9, 0.1], [1, 0]).temperature_ == 0.01
    assert Temperature().fit([0.9, 0.1], [0, 1]).temperature_ == 100.0


def test_vector_scaling_minimises_its_loss():
    p, y = drawn(120, k=3)
    z = np.log(p)

    def loss(v):
        logs = log_softmax(v[:3] * z + v[3:], axis=1)
        return -logs[np.arange(120), y].sum() + 0.005 * (((v[:3] - 1) ** 2).sum() + (v[3:] ** 2).sum())

    best = minimize(loss, np.r_[np.ones(3), np.zeros(3)], method="BFGS", options={"gtol": 1e-6}).x
    found = VectorScaling().fit(p, y)
    np.testing.assert_allclose(np.r_[found.scale_, found.shift_], best, atol=1e-4)


def test_platt_solves_its_equations_with_smoothed_targets():
    p, y = drawn()
    found = Platt().fit(p, y)
    events = y.sum()
    target = np.where(y == 1, (events + 1) / (events + 2), 1 / (80 - events + 2))
    gap = target - found.transform(p)[:, 1]
    assert gap.sum() == pytest.approx(0, abs=1e-8)
    assert (gap * logit(p[:, 1])).sum() == pytest.approx(0, abs=1e-7)


def test_platt_stays_finite_where_the_classes_are_apart():
    found = Platt().fit([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1])
    q = found.transform([0.01, 0.99])
    assert 0 < q[0] < 0.5 < q[1] < 1


def test_isotonic_is_that_of_scikit_learn():
    p, y = drawn()
    curve = IsotonicRegression(out_of_bounds="clip").fit(p[:, 1], y)
    new = np.linspace(0, 1, 50)
    np.testing.assert_allclose(Isotonic().fit(p, y).transform(new), curve.predict(new), atol=1e-12)


def test_isotonic_leaves_a_row_that_every_class_rules_out():
    p = np.array([[0.6, 0.3, 0.1], [0.1, 0.6, 0.3], [0.3, 0.1, 0.6]])
    found = Isotonic().fit(p, [0, 1, 2]).transform([[0.3, 0.3, 0.4], [0.34, 0.33, 0.33]])
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-12)
    low = Isotonic().fit(np.repeat(p, 2, axis=0), [0, 0, 1, 1, 2, 2])
    low.x_, low.y_ = [np.array([0.0, 1.0])] * 3, [np.array([0.0, 0.0])] * 3
    np.testing.assert_array_equal(low.transform(p), p)


# venn-abers 1.5: VennAbers().fit(p_cal, y_cal).predict_proba(p_test)[1]
SCORES = [0.1, 0.15, 0.2, 0.3, 0.3, 0.45, 0.5, 0.6, 0.7, 0.8, 0.85, 0.95]
LABELS = [0, 0, 1, 0, 0, 1, 0, 1, 0, 1, 1, 1]
PAIRS = [[0, 1 / 3], [1 / 4, 1 / 2], [1 / 4, 1 / 2], [1 / 3, 2 / 3], [2 / 3, 1]]


def test_venn_abers_gives_the_pairs_of_its_library():
    found = VennAbers().fit(SCORES, LABELS).interval([0.05, 0.2, 0.3, 0.55, 0.9])
    np.testing.assert_allclose(found, PAIRS, atol=1e-12)


@pytest.mark.parametrize("decimals", [1, 6])
def test_venn_abers_is_two_isotonic_fits_for_every_new_row(decimals):
    rng = np.random.default_rng(0)
    p, new = np.round(rng.random(50), decimals), np.round(rng.random(40), decimals)
    y = (rng.random(50) < p).astype(int)
    found = VennAbers().fit(p, y).interval(new)
    for row, (low, high) in zip(new, found, strict=True):
        for label, value in ((0, low), (1, high)):
            fit = IsotonicRegression().fit(np.r_[p, row], np.r_[y, label])
            assert fit.predict([row])[0] == pytest.approx(value, abs=1e-12)


def test_venn_abers_is_calibrated_by_one_of_its_two():
    """Given the probability that belongs to what happens, that is how often it happens: no model enters."""
    rng = np.random.default_rng(1)
    hits, said = [], []
    for _ in range(300):
        p = rng.random(21)
        y = (rng.random(21) < p**3).astype(int)  # the scores are badly calibrated
        low, high = VennAbers().fit(p[1:], y[1:]).interval(p[:1])[0]
        said.append(high if y[0] else low)
        hits.append(y[0])
    error = np.array(hits) - said
    assert abs(error.mean()) < 4 * error.std() / np.sqrt(300)


def test_prior_shift_is_the_rule_of_bayes():
    # 80 % sensitivity and 90 % specificity: PPV at 50 % and at 2 %.
    at_half = 0.8 / (0.8 + 0.1)
    at_two = 0.02 * 0.8 / (0.02 * 0.8 + 0.98 * 0.1)
    assert PriorShift.of(0.5, 0.02).transform([at_half])[0] == pytest.approx(at_two, abs=1e-14)


def test_prior_shift_there_and_back_is_no_shift():
    p = drawn(k=3)[0]
    old, new = [0.2, 0.3, 0.5], [0.6, 0.3, 0.1]
    back = PriorShift.of(new, old).transform(PriorShift.of(old, new).transform(p))
    np.testing.assert_allclose(back, p, atol=1e-14)


def test_prior_shift_from_labels_changes_the_intercept_alone_and_meets_the_prevalence():
    p, y = drawn()
    q = PriorShift().fit(p, y).transform(p)[:, 1]
    moved = logit(q) - logit(p[:, 1])
    np.testing.assert_allclose(moved, moved[0], atol=1e-9)
    assert q.mean() == pytest.approx(y.mean(), abs=1e-7)
    p, y = drawn(k=3)
    np.testing.assert_allclose(
        PriorShift().fit(p, y).transform(p).mean(axis=0), np.bincount(y) / 80, atol=1e-6
    )


def test_prevalence_of_unlabelled_patients_is_the_maximum_of_the_likelihood():
    p = drawn(200)[0]
    found = em_prevalence(p, 0.4)[1]
    grid = np.linspace(0.001, 0.999, 9981)
    likelihood = [np.log((1 - g) * p[:, 0] / 0.6 + g * p[:, 1] / 0.4).sum() for g in grid]
    assert found == pytest.approx(grid[np.argmax(likelihood)], abs=1e-4)


def test_prevalence_is_found_where_it_changed():
    rng = np.random.default_rng(0)
    y = (rng.random(20_000) < 0.1).astype(int)
    x = rng.normal(2 * y, 1)
    p = expit(2 * x - 2)  # calibrated where half of the patients have it
    assert em_prevalence(p, 0.5)[1] == pytest.approx(0.1, abs=0.01)
    found = PriorShift.unlabelled(p, 0.5).transform(p)
    np.testing.assert_allclose(found, expit(2 * x - 2 + logit(0.1)), atol=0.03)


def test_prevalence_counts_each_patient_once():
    p = np.array([0.1, 0.2, 0.8])
    rows = np.array([0, 0, 0, 1, 2])
    assert em_prevalence(p[rows], 0.5, rows) == pytest.approx(em_prevalence(p, 0.5), abs=1e-10)


def test_there_is_no_way_to_fit_and_transform_in_one():
    assert not hasattr(Recalibrator, "fit_transform")


def test_bad_input_is_told_in_one_sentence():
    p, y = drawn(k=3)
    with pytest.raises(MedgraftError, match="takes two classes, not 3"):
        Platt().fit(p, y)
    with pytest.raises(MedgraftError, match="is not fitted"):
        Temperature().transform(p)
    with pytest.raises(MedgraftError, match="fitted with 3 classes, not 2"):
        Temperature().fit(p, y).transform([0.5])
    with pytest.raises(MedgraftError, match="no recalibrator 'plat'. Did you mean 'platt'"):
        Recalibrator.from_dict({"kind": "plat"})
    with pytest.raises(MedgraftError, match="lacks slope_"):
        Recalibrator.from_dict({"kind": "platt", "classes": 2, "intercept_": 0.0})
    with pytest.raises(MedgraftError, match="All predictions are equal"):
        Platt().fit([0.5, 0.5], [0, 1])
    with pytest.raises(MedgraftError, match="Class 1 has no labelled row"):
        PriorShift().fit([0.5, 0.4], [0, 0])
    with pytest.raises(MedgraftError, match="'new' must be shares"):
        PriorShift.of(0.5, 0.0)
    with pytest.raises(MedgraftError, match="'group' has shape"):
        em_prevalence([0.1, 0.2], 0.5, ["a"])
