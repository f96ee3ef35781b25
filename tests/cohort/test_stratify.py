"""Folds of rows with several labels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import medgraft as mg
from medgraft.base import MedgraftError
from medgraft.cohort import kfold_splits
from medgraft.cohort.deal import draw_labelled
from medgraft.cohort.stratify import iterative_folds


def several(n=200, seed=0, per_patient=1):
    rng = np.random.default_rng(seed)
    Y = rng.random((n, 3)) < [0.05, 0.2, 0.5]
    frame = pd.DataFrame(Y.astype(int), columns=["rare", "some", "half"])
    return frame.assign(x=rng.normal(size=n), who=[f"p{i // per_patient:03d}" for i in range(n)])


def test_every_fold_has_its_share_of_each_label_to_one_row_and_its_share_of_rows():
    there = several()[["rare", "some", "half"]].to_numpy() == 1
    fold = iterative_folds(there, np.arange(200), 5, 0)
    assert set(np.bincount(fold)) <= {39, 40, 41}
    for column in there.T:
        counts = np.bincount(fold[column], minlength=5)
        assert np.ptp(counts) <= 2
    assert np.ptp(np.bincount(fold[there[:, 0]], minlength=5)) <= 1  # the rarest is dealt first


def test_patients_stay_whole_and_the_order_of_rows_plays_no_part():
    there = several(120, per_patient=3)[["rare", "some", "half"]].to_numpy() == 1
    units = np.arange(120) // 3
    fold = iterative_folds(there, units, 4, 7)
    assert all(len(np.unique(fold[units == u])) == 1 for u in range(40))
    order = np.random.default_rng(2).permutation(120)
    np.testing.assert_array_equal(iterative_folds(there[order], units[order], 4, 7), fold[order])


def test_splits_of_several_labels_test_each_row_once_by_patient():
    cohort = mg.read(several(150, per_patient=2), label="rare,some,half", group="who")
    splits = list(kfold_splits(cohort, folds=3))
    np.testing.assert_array_equal(np.sort(np.concatenate([s.test for s in splits])), np.arange(150))
    for s in splits:
        assert not set(cohort.groups[s.test]) & set(cohort.groups[s.labelled])


def test_a_label_with_fewer_patients_than_folds_is_named():
    frame = several(40)
    frame["rare"] = 0
    frame.loc[:1, "rare"] = 1
    cohort = mg.read(frame, label="rare,half", group="none")
    with pytest.raises(MedgraftError, match="2 samples with the label 'rare' to test on, fewer than 3 folds"):
        kfold_splits(cohort, folds=3)


def test_a_budget_gives_each_label_rows_with_and_without_it():
    cohort = mg.read(several(), label="rare,some,half", group="none")
    drawn = draw_labelled(cohort, np.arange(200), [2, 5], np.random.default_rng(0))
    for budget, rows in drawn.items():
        assert ((cohort.y[rows] == 1).sum(axis=0) >= budget).all()
        assert ((cohort.y[rows] == 0).sum(axis=0) >= budget).all()
    assert set(drawn[2]) <= set(drawn[5])
    with pytest.raises(MedgraftError, match="with the label 'rare'"):
        draw_labelled(cohort, np.arange(200), [50], np.random.default_rng(0))
