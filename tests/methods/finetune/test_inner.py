"""The inner split."""

from __future__ import annotations

import numpy as np
import pytest

from medgraft.methods.finetune.inner import ENOUGH, SHARE, hold_out, hold_out_target, share_to_hold


def test_parts_are_disjoint_whole_and_of_the_asked_size():
    y = np.arange(200) % 4
    train, held = hold_out(y, np.arange(200), 0.15, 0, 4)
    assert sorted([*train, *held]) == list(range(200))
    assert abs(len(held) - 200 / 7) <= 4  # one of seven parts
    assert np.ptp(np.bincount(y[held])) <= 1


def test_no_patient_is_in_both_parts():
    units = np.repeat(np.arange(50), 4)
    train, held = hold_out(np.repeat(np.arange(50) % 2, 4), units, 0.2, 3, 2)
    assert len(held)
    assert not set(units[train]) & set(units[held])


def test_values_are_held_out_over_their_whole_range():
    y = np.random.default_rng(0).normal(size=120)
    _, held = hold_out(y, np.arange(120), 0.25, 0, 0)
    assert 20 <= len(held) <= 40
    assert all((np.searchsorted(np.quantile(y, [1 / 3, 2 / 3]), y[held]) == t).sum() >= 5 for t in range(3))


@pytest.mark.parametrize(
    ("y", "share"),
    [
        (np.arange(20) % 2, 0.15),  # three rows
        (np.arange(200) % 2, 0.0),
        (np.r_[np.zeros(99, int), 1], 0.2),  # the second class has one row
    ],
)
def test_too_little_data_holds_nothing_out(y, share):
    train, held = hold_out(y, np.arange(len(y)), share, 0, 2)
    assert len(held) == 0
    assert len(train) == len(y)


def test_patients_of_the_target_are_held_out_where_it_has_enough():
    y, units, target = np.arange(300) % 3, np.arange(300) // 3, np.arange(300) >= 180
    train, held = hold_out_target(y, units, target, 0.2, 0, 3)
    assert target[held].all() and len(np.unique(units[held])) >= 8
    assert sorted([*train, *held]) == list(range(300))


def test_source_rows_of_a_held_out_patient_of_the_target_do_not_teach():
    y, units, target = np.arange(120) % 2, np.tile(np.arange(60) // 2, 2), np.arange(120) >= 60
    train, held = hold_out_target(y, units, target, 0.3, 0, 2)
    assert target[held].all() and not {*units[train]} & {*units[held]}
    assert len(train) == 120 - 2 * len(held)


@pytest.mark.parametrize(
    ("y", "units", "target"),
    [
        (np.arange(90) % 2, np.arange(90), np.arange(90) < 20),  # four rows of the target
        (np.arange(160) % 2, np.arange(160) // 20, np.arange(160) < 80),  # rows enough, of two patients
        (np.arange(160) % 2 + (np.arange(160) >= 80), np.arange(160), np.arange(160) < 80),  # no third class
        (np.arange(90) % 2, np.arange(90), np.ones(90, bool)),
        (np.arange(90) % 2, np.arange(90), np.zeros(90, bool)),
    ],
)
def test_else_patients_of_all_domains_are_held_out(y, units, target):
    k = len(np.unique(y))
    got, expected = hold_out_target(y, units, target, 0.2, 0, k), hold_out(y, units, 0.2, 0, k)
    assert len(expected[1])
    assert all(np.array_equal(a, b) for a, b in zip(got, expected, strict=True))


@pytest.mark.parametrize(("patients", "share"), [(ENOUGH - 1, 0.0), (ENOUGH, SHARE)])
def test_few_patients_all_teach_however_many_images_and_source_patients_there_are(patients, share):
    units = np.concatenate([np.repeat(np.arange(patients), 2), 10_000 + np.arange(3_000)])
    target = np.arange(len(units)) < 2 * patients
    assert share_to_hold(None, units, target) == share
    assert share_to_hold(None, units[: 2 * patients], np.zeros(2 * patients, bool)) == share


def test_what_was_asked_for_or_is_needed_counts_whatever_the_number():
    few, many = (np.arange(20), np.ones(20, bool)), (np.arange(900), np.ones(900, bool))
    assert share_to_hold(0.3, *few) == 0.3
    assert share_to_hold(0.0, *many, needed=True) == 0.0
    assert share_to_hold(None, *few, needed=True) == SHARE
