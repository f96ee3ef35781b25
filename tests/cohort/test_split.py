"""Splits that no patient crosses, for every cohort."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from medgraft.base import MedgraftError
from medgraft.cohort import domain_splits, external_splits, kfold_splits, read

PROPERTY = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


def _cohort(n=60, *, classes=2, patients=None, domains=("a", "b", "c"), seed=0, label="y"):
    """Make a cohort; `patients` None gives no group column, a number that many patients."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"x": rng.normal(size=n)})
    frame[label] = rng.normal(size=n) if classes == 0 else rng.permutation(np.arange(n) % classes)
    roles = {"label": label}
    if patients:
        frame["pid"] = [f"p{k:03d}" for k in rng.permutation(np.arange(n) % patients)]
        roles["group"] = "pid"
    if domains:
        frame["site"] = rng.choice(domains, size=n)
        roles["domain"] = "site"
    return read(frame, **roles)


cohorts = st.builds(
    _cohort,
    n=st.integers(40, 90),
    classes=st.sampled_from([0, 2, 3]),
    patients=st.sampled_from([None, 20, 35]),
    domains=st.sampled_from([None, ("a", "b"), ("a", "b", "c")]),
    seed=st.integers(0, 10**6),
)


def _split(cohort, **more):
    """Split, or give up on this example when the cohort is too small for it: that is another test."""
    target = None if cohort.domain is None else "a"
    try:
        return target, kfold_splits(cohort, target=target, **more)
    except MedgraftError:
        assume(False)


@PROPERTY
@given(cohorts, st.integers(2, 4), st.integers(1, 3), st.sampled_from([(), (1,), (3, 1, 2), (0, -1)]))
def test_what_every_cross_validation_keeps(cohort, folds, repeats, budgets):
    assume(0 not in budgets or cohort.domain is not None)
    target, splits = _split(cohort, folds=folds, repeats=repeats, labels_per_class=budgets, seed=3)
    rows = np.arange(cohort.n)
    own = rows if target is None else rows[cohort.domains == target]
    wanted = set(budgets) or {-1}
    seen = Counter()
    for s in splits:
        parts = [set(s.labelled.tolist()), set(s.unlabelled.tolist()), set(s.test.tolist())]
        for part, array in zip(parts, (s.labelled, s.unlabelled, s.test), strict=True):
            assert len(part) == len(array) and (np.diff(array) > 0).all()
        assert not any(a & b for a, b in itertools.combinations(parts, 2))
        # No patient on both sides, and nobody is lost but those who are tested.
        tested = set(cohort.groups[s.test])
        training = parts[0] | parts[1]
        assert not tested & set(cohort.groups[sorted(training)])
        assert training == {r for r in rows if cohort.groups[r] not in tested}
        # Only target rows are tested or unlabelled; source rows are always labelled.
        assert parts[1] | parts[2] <= set(own)
        assert {r for r in training if r not in set(own)} <= parts[0]
        if s.budget == -1:
            assert not parts[1]
        if s.budget == 0:
            assert not parts[0] & set(own)
        seen.update((s.repeat, s.budget, r) for r in s.test.tolist())
    assert len(splits) == folds * repeats * len(wanted)
    expected = itertools.product(range(repeats), wanted, own.tolist())
    assert seen == Counter(dict.fromkeys(expected, 1))


@PROPERTY
@given(cohorts, st.integers(0, 1000))
def test_budgets_hold_exactly_for_rows_and_are_nested(cohort, seed):
    _, splits = _split(cohort, folds=2, labels_per_class=(4, 1, 2), seed=seed)
    target = np.ones(cohort.n, bool) if cohort.domain is None else cohort.domains == "a"
    for fold in (0, 1):
        drawn = {}
        for s in splits:
            if s.fold != fold:
                continue
            own = s.labelled[target[s.labelled]]
            drawn[s.budget] = set(own)
            counts = [len(own)] if cohort.classes is None else np.bincount(cohort.y[own], minlength=1)
            counts = [c for k, c in enumerate(counts) if cohort.classes is None or k in cohort.y[target]]
            assert min(counts) >= s.budget
            if cohort.group is None:
                assert max(counts) == s.budget
            # Whole patients are labelled: none has a labelled and an unlabelled row.
            assert not set(cohort.groups[own]) & set(cohort.groups[s.unlabelled])
        assert drawn[1] < drawn[2] < drawn[4] or cohort.group is not None
        assert drawn[1] <= drawn[2] <= drawn[4]


def test_no_patient_is_labelled_who_was_not_needed():
    cohort = _cohort(80, patients=40, domains=None, classes=2)
    for s in kfold_splits(cohort, folds=2, labels_per_class=(5,)):
        counts = np.bincount(cohort.y[s.labelled], minlength=2)
        largest = max(Counter(cohort.groups).values())
        # The last patient called brings at most all their rows over the budget, in each class.
        assert counts.min() >= 5 and len(s.labelled) <= 2 * (5 - 1) + 2 * largest


@PROPERTY
@given(st.integers(30, 80), st.integers(2, 4), st.integers(2, 5), st.integers(0, 10**6))
def test_every_class_is_spread_over_the_folds_within_one(n, classes, folds, seed):
    cohort = _cohort(n, classes=classes, domains=None, seed=seed)
    counts = np.array(
        [
            np.bincount(cohort.y[s.test], minlength=classes)
            for s in kfold_splits(cohort, folds=folds, seed=seed)
        ]
    )
    assert (counts.max(axis=0) - counts.min(axis=0) <= 1).all()


def test_grouped_folds_are_stratified_as_far_as_patients_allow():
    rng = np.random.default_rng(0)
    ill = rng.permutation(np.arange(60) % 2)
    frame = pd.DataFrame(
        {"x": rng.normal(size=180), "pid": np.repeat(np.arange(60), 3), "y": np.repeat(ill, 3)}
    )
    cohort = read(frame, label="y", group="pid")
    shares = [cohort.y[s.test].mean() for s in kfold_splits(cohort, folds=5)]
    assert max(abs(s - 0.5) for s in shares) < 0.1


@PROPERTY
@given(cohorts, st.integers(0, 1000))
def test_the_seed_decides_everything(cohort, seed):
    _, first = _split(cohort, folds=3, repeats=2, labels_per_class=(1, 2), seed=seed)
    _, again = _split(cohort, folds=3, repeats=2, labels_per_class=(1, 2), seed=seed)
    _, other = _split(cohort, folds=3, repeats=2, labels_per_class=(1, 2), seed=seed + 1)
    assert first == again
    assert first != other


def test_repeats_differ_from_each_other_and_extend_fewer_repeats():
    cohort = _cohort()
    many = kfold_splits(cohort, target="a", folds=3, repeats=3, labels_per_class=(2,))
    few = kfold_splits(cohort, target="a", folds=3, repeats=2, labels_per_class=(2,))
    assert many.table[many.table["repeat"] < 2].reset_index(drop=True).equals(few.table)
    tests = [tuple(s.test) for s in many]
    assert len(set(tests)) == len(tests)


@PROPERTY
@given(st.sampled_from([0, 2, 3]), st.integers(0, 10**6))
def test_with_patients_the_order_of_rows_changes_nothing(classes, seed):
    cohort = _cohort(80, classes=classes, patients=40, seed=seed)
    order = np.random.default_rng(seed).permutation(cohort.n)
    shuffled = cohort.select(order)
    _, splits = _split(cohort, folds=2, repeats=2, labels_per_class=(1, 3), seed=seed)
    for a, b in zip(
        splits,
        kfold_splits(shuffled, target="a", folds=2, repeats=2, labels_per_class=(1, 3), seed=seed),
        strict=True,
    ):
        for part in ("labelled", "unlabelled", "test"):
            assert sorted(order[getattr(b, part)]) == getattr(a, part).tolist()


def test_renaming_the_classes_changes_no_draw_of_the_same_order():
    cohort = _cohort(domains=None)
    renamed = read(cohort.table.assign(y=cohort.table["y"].map({0: "no", 1: "yes"})), label="y")
    assert kfold_splits(cohort, labels_per_class=(3,)) == kfold_splits(renamed, labels_per_class=(3,))


def test_draws_are_uniform_over_the_rows():
    cohort = _cohort(40, domains=None)
    hits = np.zeros(cohort.n)
    repeats = 400
    for s in kfold_splits(cohort, folds=2, repeats=repeats, labels_per_class=(5,)):
        hits[s.labelled] += 1
    # Each row is in training once a repeat, where 5 of the 10 of its class are drawn.
    assert np.abs(hits / repeats - 0.5).max() < 4 * np.sqrt(0.25 / repeats)


@PROPERTY
@given(cohorts)
def test_leaving_a_domain_out_leaves_nothing_of_it_in_training(cohort):
    assume(cohort.domain is not None)
    try:
        splits = list(domain_splits(cohort))
    except MedgraftError:
        assume(False)
    assert [s.fold for s in splits] == list(range(len(set(cohort.domains))))
    for s, name in zip(splits, sorted(set(cohort.domains)), strict=True):
        assert s.test.tolist() == np.flatnonzero(cohort.domains == name).tolist()
        assert not set(cohort.groups[s.test]) & set(cohort.groups[s.labelled])
        expected = [r for r in range(cohort.n) if cohort.groups[r] not in set(cohort.groups[s.test])]
        assert s.labelled.tolist() == expected and len(s.unlabelled) == 0 and s.budget == -1


def test_an_external_test_is_one_fold_per_repeat_and_source_rows_teach():
    cohort = _cohort(60)
    test_rows = np.flatnonzero(cohort.domains == "a")[:6]
    splits = list(external_splits(cohort, test_rows, target="a", repeats=3, labels_per_class=(2, 0)))
    assert [(s.repeat, s.fold, s.budget) for s in splits] == [(r, 0, b) for r in range(3) for b in (0, 2)]
    source = set(np.flatnonzero(cohort.domains != "a"))
    for s in splits:
        assert s.test.tolist() == test_rows.tolist()
        assert source <= set(s.labelled)
        own = s.labelled[cohort.domains[s.labelled] == "a"]
        assert len(own) == 2 * s.budget
    assert len({tuple(s.labelled) for s in splits if s.budget == 2}) == 3
    mask = np.isin(np.arange(cohort.n), test_rows)
    assert external_splits(cohort, mask) == external_splits(cohort, test_rows)


def test_an_external_test_with_a_training_patient_is_an_error():
    cohort = _cohort(60, patients=30)
    with pytest.raises(MedgraftError, match=r"10 patients are in both .* \(column 'pid'\)"):
        # One row of each of ten patients who have two.
        external_splits(cohort, [int(np.flatnonzero(cohort.groups == g)[0]) for g in range(10)])


@pytest.mark.parametrize("rows", [[], range(60)])
def test_an_external_test_needs_rows_on_both_sides(rows):
    with pytest.raises(MedgraftError, match="needs rows to test on and other rows"):
        external_splits(_cohort(60), list(rows))


UNSPLIT = [
    ({}, {"target": "d"}, "no domain 'd' to be the target"),
    ({"domains": ("north", "south")}, {"target": "noth"}, "Did you mean 'north'"),
    ({"domains": None}, {"target": "a"}, "needs domains"),
    ({"n": 4, "domains": None}, {"folds": 5}, "4 samples to test on, fewer than 5 folds"),
    ({"n": 8, "domains": None}, {"folds": 5}, "The class '0' has 4 samples .* fewer than 5 folds"),
    ({"n": 9, "domains": None, "classes": 0}, {"folds": 10}, "9 samples to test on"),
    ({"patients": 4, "domains": None}, {"folds": 5}, r"4 patients \(column 'pid'\)"),
    ({}, {"target": "a", "folds": 1}, "--folds must be 2 or more"),
    ({}, {"target": "a", "repeats": 0}, "--repeats must be 1 or more"),
    ({}, {"target": "a", "seed": -1}, "--seed must be 0 or more"),
    ({}, {"target": "a", "labels_per_class": (-2,)}, "must be 0 or more, not -2"),
    ({"domains": None}, {"labels_per_class": (0,)}, "leaves nothing to learn from"),
    ({"domains": None}, {"folds": 2, "labels_per_class": (16,)}, "the 15 target samples of the class '0'"),
    ({"domains": None, "classes": 0}, {"folds": 2, "labels_per_class": (31,)}, "the 30 target samples that"),
]


@pytest.mark.parametrize(("cohort", "more", "message"), UNSPLIT)
def test_what_cannot_be_split_is_one_sentence(cohort, more, message):
    with pytest.raises(MedgraftError, match=message) as caught:
        kfold_splits(_cohort(**cohort), **more)
    assert "\n" not in str(caught.value)


def test_leaving_one_domain_out_needs_two():
    with pytest.raises(MedgraftError, match="needs domains"):
        domain_splits(_cohort(domains=None))
    with pytest.raises(MedgraftError, match="needs two, but 'site' has 'a' only"):
        domain_splits(_cohort(domains=("a",)))


def test_a_class_that_would_vanish_from_training_is_an_error():
    frame = pd.DataFrame({"x": range(8), "y": [0, 1] * 2 + [0] * 4, "site": ["a"] * 4 + ["b"] * 4})
    cohort = read(frame, label="y", domain="site")
    with pytest.raises(MedgraftError, match="the rows outside the domain 'a' have '0' only"):
        domain_splits(cohort)
    with pytest.raises(MedgraftError, match="the training rows have '0' only"):
        external_splits(cohort, range(4))
    with pytest.raises(MedgraftError, match="one class only, '0'"):
        kfold_splits(cohort, target="b", folds=2)


def test_a_budget_beyond_a_class_that_the_target_lacks_is_no_error():
    frame = pd.DataFrame({"x": range(12), "y": [0, 1] * 4 + [2] * 4, "site": ["a"] * 8 + ["b"] * 4})
    cohort = read(frame, label="y", domain="site")
    for s in kfold_splits(cohort, target="a", folds=2, labels_per_class=(1,)):
        assert np.bincount(cohort.y[s.labelled]).tolist() == [1, 1, 4]


def test_a_target_whose_labels_are_all_missing_is_said_to_have_been_left_out():
    from medgraft.cohort import kfold_splits, read

    table = pd.DataFrame(
        {"x": range(8), "site": list("aaaabbbb"), "ill": [0, 1, 0, 1, None, None, None, None]}
    )
    with pytest.raises(MedgraftError, match=r"no domain 'b'.*4 of 8 rows have no label 'ill'"):
        kfold_splits(read(table, label="ill", domain="site"), target="b", folds=2)
