"""Early records teach, later ones test."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from medgraft.base import MedgraftError
from medgraft.cohort import read, time_splits
from medgraft.cohort.time import clock, early_blocks, time_blocks, timed


def course(n_patients=4, n=10, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "who": np.repeat([f"p{i}" for i in range(n_patients)], n),
            "day": np.concatenate([rng.permutation(n) * 1.5 for _ in range(n_patients)]),
            "voice": rng.normal(size=n_patients * n),
            "score": rng.normal(size=n_patients * n),
        }
    )
    return read(frame, label="score", group="who", time="day")


def test_every_patient_is_tested_once_on_all_records_after_the_early_ones():
    cohort = course()
    splits = list(time_splits(cohort, first=0.3))
    assert len(splits) == 4
    when = clock(cohort)
    for s in splits:
        (who,) = np.unique(cohort.groups[s.test])
        own = np.flatnonzero(cohort.groups == who)
        early = np.intersect1d(own, s.labelled)
        assert len(early) == 3
        assert when[early].max() < when[s.test].min()
        np.testing.assert_array_equal(np.sort(np.r_[s.labelled, s.test]), np.arange(cohort.n))
        assert len(s.unlabelled) == 0


def test_records_of_one_time_are_not_torn_apart():
    frame = pd.DataFrame({"who": ["a"] * 6, "day": [1, 2, 2, 2, 3, 4], "x": range(6), "score": range(6)})
    (split,) = time_splits(read(frame, label="score", group="who", time="day"), first=0.34)
    assert split.test.tolist() == [4, 5]


def test_the_order_of_rows_does_not_touch_the_splits():
    cohort = course()
    p = np.random.default_rng(1).permutation(cohort.n)
    for a, b in zip(time_splits(cohort), time_splits(cohort.select(p)), strict=True):
        assert set(p[b.test]) == set(a.test.tolist())


def test_a_patient_with_too_few_records_teaches_only():
    frame = pd.concat([course().table, pd.DataFrame([{"who": "z", "day": 1.0, "voice": 0.0, "score": 0.0}])])
    cohort = read(frame, label="score", group="who", time="day")
    splits = list(time_splits(cohort))
    assert len(splits) == 4
    assert all(cohort.n - 1 in s.labelled for s in splits)


def test_dates_are_days_since_the_first():
    frame = pd.DataFrame(
        {"day": pd.to_datetime(["2020-01-03", "2020-01-01"]), "x": [1.0, 2.0], "y": [1.0, 2.0]}
    )
    assert clock(read(frame, label="y", time="day")).tolist() == [2.0, 0.0]


def test_time_is_a_feature_of_a_time_ordered_trial_and_patients_are_its_domains():
    cohort = course()
    assert "day" not in cohort.features
    seen = timed(cohort)
    assert seen.features == ("voice", "day")
    np.testing.assert_array_equal(seen.domains, cohort.table["who"])


def test_blocks_are_stretches_of_time_and_only_of_early_records():
    when = np.array([5.0, 1.0, 1.0, 9.0, 2.0, 7.0])
    blocks = time_blocks(when, 3)
    assert (np.diff(blocks[np.argsort(when, kind="stable")]) >= 0).all()
    assert blocks[1] == blocks[2]
    cohort = course()
    splits = list(time_splits(cohort, first=0.6))
    of = early_blocks(cohort, splits)
    for s in splits:
        assert (of[s.test] == 0).all()


@pytest.mark.parametrize(("roles", "said"), [({"time": "day"}, "--group"), ({"group": "who"}, "--time")])
def test_what_is_missing_is_named(roles, said):
    with pytest.raises(MedgraftError, match=said):
        time_splits(read(course().table, label="score", **roles))


@pytest.mark.parametrize("first", [0.0, 1.0, -1])
def test_a_share_outside_zero_and_one_is_refused(first):
    with pytest.raises(MedgraftError, match="--first"):
        time_splits(course(), first=first)


def test_too_small_a_share_says_what_to_do():
    with pytest.raises(MedgraftError, match="raise --first"):
        time_splits(course(), first=0.05)


def test_a_missing_time_is_counted():
    frame = course().table.assign(day=lambda t: t["day"].where(t.index > 1))
    with pytest.raises(MedgraftError, match="2 rows"):
        time_splits(read(frame, label="score", group="who", time="day"))
