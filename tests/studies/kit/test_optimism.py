"""The optimism of leaks is the difference on the same patients, and says so where it is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr

import medgraft as mg
from medgraft.evidence import Scores, as_metric, compare
from medgraft.evidence.bootstrap import tail
from medgraft.evidence.compare import differing
from medgraft.evidence.fairness.mover import mover
from medgraft.studies import studies
from medgraft.studies.kit import account
from medgraft.studies.kit.found import Found
from medgraft.studies.kit.optimism import PAIRED, ROUGH, optimism, paired
from medgraft.studies.kit.page import page
from medgraft.studies.kit.run import Run
from medgraft.studies.kit.show import outcome
from medgraft.trial import Result


def rows_of(patient, y, seed=0):
    """A cohort of these patients and labels, whose cells tell every row."""
    x = np.random.default_rng(seed).normal(size=len(y))
    return mg.read(pd.DataFrame({"who": patient, "y": y, "x": x}), label="y", group="who", features=["x"])


def predicted(cohort, p, *, arm="m", repeats=1, folds=3, seed=0):
    """Predictions of a cohort's rows, in folds of their own; `p` is (n, repeats) or (n, repeats, K)."""
    rng, frames = np.random.default_rng(seed), []
    for r in range(repeats):
        columns = {"row": np.arange(cohort.n), "repeat": r, "budget": -1, "arm": arm, "group": cohort.groups}
        columns |= {"fold": rng.integers(folds, size=cohort.n), "y_true": cohort.y}
        own = np.asarray(p)[:, r]
        columns |= {"value": own} if own.ndim == 1 else {f"p_{k}": own[:, k] for k in range(own.shape[1])}
        frames.append(pd.DataFrame(columns))
    return pd.concat(frames, ignore_index=True)


def ran(out, protocol, cohort, frame, metric, figure, **more):
    """A run with one trial that is written, and the figure that it told of its method."""
    run = Run(studies["rasa2024"], Found("generated", "", {}, {}), out / protocol, protocol)
    (run.out / "t").mkdir(parents=True)
    Result({"budget": -1}, frame).write(run.out / "t")
    method = frame["arm"].iloc[0]
    arms = [{"name": method, "value": figure, "ci": [figure - 0.1, figure + 0.1]}]
    told = {"title": "T", "folder": "t", "metric": metric, "method": method, "arms": arms}
    run.experiments.append(told | {"higher_is_better": metric != "mae"} | more)
    run.judged["t"] = cohort
    return run


def decided(classes):
    """Certain probabilities of these classes, (n, 1, 2)."""
    return np.eye(2)[np.asarray(classes)][:, None]


@pytest.fixture
def small():
    return rows_of([1, 1, 2, 3, 4, 5, 6, 7], ["no", "yes", "no", "yes", "no", "yes", "no", "yes"])


def test_the_difference_is_that_on_the_honest_rows_and_copies_stay_in_the_runs_own_figure(tmp_path, small):
    # Of eight rows the honest run decides 4 rightly, the leaking one 7, and of its four copies none.
    honest = decided(np.where(np.arange(8) < 4, small.y, 1 - small.y))
    copied = small.select(np.r_[np.arange(8), np.arange(4)])
    right = np.r_[np.arange(8) != 7, np.zeros(4, dtype=bool)]
    leaking = decided(np.where(right, copied.y, 1 - copied.y))
    copied = replace(copied, group=None)
    told = optimism(
        ran(tmp_path, "honest", small, predicted(small, honest), "accuracy", 4 / 8),
        ran(tmp_path, "as_published", copied, predicted(copied, leaking, arm="m2"), "accuracy", 7 / 12),
    )
    assert len(told) == 1
    assert told[0]["value"] == pytest.approx((7 - 4) / 8)
    assert (told[0]["way"], told[0]["n"], told[0]["patients"]) == (PAIRED, 8, 7)
    assert told[0]["as_published"] == pytest.approx([7 / 12, 7 / 12 - 0.1, 7 / 12 + 0.1])
    assert told[0]["honest"][0] == 4 / 8


@pytest.fixture
def errors():
    """Thirty patients of one to seven rows with values, errors that a patient's rows share."""
    rng = np.random.default_rng(5)
    patient = np.repeat(np.arange(30), rng.integers(1, 8, size=30))
    cohort = rows_of([f"p{i}" for i in patient], rng.normal(0, 10, size=len(patient)))
    shared, own = rng.normal(0, 2, size=30)[patient], rng.normal(0, 0.2, size=len(patient))
    return cohort, cohort.y + 3 + shared, cohort.y + 2.5 + 0.5 * shared + own


def test_the_interval_is_that_of_a_naive_bootstrap_of_patients(tmp_path, errors):
    cohort, honest, leaking = errors
    told = optimism(
        ran(tmp_path, "honest", cohort, predicted(cohort, honest[:, None]), "mae", 3.0),
        ran(tmp_path, "as_published", cohort, predicted(cohort, leaking[:, None], seed=1), "mae", 2.0),
    )[0]
    gain = np.abs(honest - cohort.y) - np.abs(leaking - cohort.y)  # smaller errors are rosier
    assert told["value"] == pytest.approx(gain.mean())
    rng, of = np.random.default_rng(99), [gain[cohort.groups == g] for g in range(30)]
    outside = ndtr(-tail(30, 0.95))  # the house's widening for thirty patients

    def naive(units):
        draws = [
            np.concatenate([units[k] for k in rng.integers(len(units), size=len(units))]) for _ in range(6000)
        ]
        return np.quantile([drawn.mean() for drawn in draws], [outside, 1 - outside])

    ci = naive(of)
    assert told["ci"] == pytest.approx(ci, abs=0.07 * np.ptp(ci))
    by_row = naive([np.array([x]) for x in gain])  # what taking rows for independent would have said
    assert np.ptp(by_row) < 0.8 * np.ptp(told["ci"])


def test_predictions_may_be_written_in_any_order(tmp_path, errors):
    cohort, honest, leaking = errors
    more = cohort.select(np.r_[np.arange(cohort.n), np.arange(10)])
    longer = np.r_[leaking, leaking[:10]]
    frames = (
        predicted(cohort, np.c_[honest, honest + 1], repeats=2),
        predicted(more, np.c_[longer, longer - 1], repeats=2, seed=1),
    )
    mixed = [frame.sample(frac=1, random_state=1) for frame in frames]
    found = [
        optimism(
            ran(tmp_path / name, "honest", cohort, one, "mae", 3.0),
            ran(tmp_path / name, "as_published", more, two, "mae", 2.0),
        )
        for name, (one, two) in {"a": frames, "b": mixed}.items()
    ]
    assert found[0] == found[1] and found[0][0]["way"] == PAIRED


def test_where_folds_agree_it_is_the_comparison_of_two_arms():
    rng = np.random.default_rng(1)
    y, group, fold = rng.integers(2, size=120), np.tile(np.arange(20), 6), rng.integers(3, size=120)
    p, q = (np.c_[1 - s, s] for s in (rng.random(120), rng.random(120)))
    where = {"group": group, "repeat": np.arange(120) // 60, "fold": fold}
    for name in ("auroc", "accuracy", "brier"):
        metric = as_metric(name)
        made = paired(metric, *(Scores.of(metric, y, x, **where) for x in (p, q)), seed=4)
        assert made == compare(metric, y, p, q, **where, seed=4)


def test_each_run_is_ranked_within_its_own_folds():
    y, p = np.array([0, 1, 0, 1] * 8), np.tile([0.1, 0.2, 0.6, 0.7], 8)
    scores = [
        Scores.of(as_metric("auroc"), y, np.c_[1 - p, p], fold=fold)
        for fold in (np.tile([0, 0, 1, 1], 8), np.zeros(32, dtype=int))
    ]
    # Within folds every ill row is above every healthy one; in one fold the pairs (0.2, 0.6) are lost: 3/4.
    assert paired(as_metric("auroc"), *scores).difference == pytest.approx(1 - 3 / 4)


def test_patients_differ_where_their_ranks_within_each_runs_own_folds_do():
    y, auroc = np.tile([0, 1], 4), as_metric("auroc")
    # The same ranks within rows 0-3 and 4-7 (the arm's folds), and within 0, 1, 4, 5 and 2, 3, 6, 7.
    ranks = np.array([0, 1, 2, 3, 2, 3, 0, 1])
    first, second = np.repeat([0, 1], 4), np.array([0, 0, 1, 1, 0, 0, 1, 1])
    p, q = ranks / 10, ranks / 10 + np.where(second == 0, 0.4, 0.0)
    one, two = (Scores.of(auroc, y, np.c_[1 - s, s], fold=fold) for s, fold in ((p, first), (q, second)))
    assert differing(auroc, one, one.p, two.p, two.fold) == 0
    assert differing(auroc, one, one.p, two.p) == 2  # rows 0 and 1 would stand above 2 and 3


@pytest.mark.parametrize("how", ["shuffled", "relabelled", "others"])
def test_a_leaking_cohort_of_as_many_rows_that_are_others_is_taken_for_independent(tmp_path, small, how):
    other = {
        "shuffled": small.select(np.roll(np.arange(8), 2)),
        "relabelled": small.select([1, 0, *range(2, 8)]),
        "others": rows_of([1, 1, 2, 3, 4, 5, 6, 7], small.table["y"].tolist(), seed=1),
    }[how]
    runs = (
        ran(tmp_path, "honest", small, predicted(small, decided(small.y)), "accuracy", 0.5),
        ran(tmp_path, "as_published", other, predicted(other, decided(other.y)), "accuracy", 0.75),
    )
    told = optimism(*runs)[0]
    assert told["way"] == ROUGH and "differ" in told["why"]
    a, b = (account.interval_of(run.experiments[0]["arms"][0]) for run in reversed(runs))
    assert (told["value"], *told["ci"]) == (0.25, mover(a, b).lo, mover(a, b).hi)


def test_what_cannot_be_paired_says_why(tmp_path, small):
    frame = predicted(small, np.repeat(decided(small.y), 2, axis=1), repeats=2)
    honest = ran(tmp_path, "honest", small, frame, "accuracy", 0.5)
    lacking = frame[(frame["repeat"] == 0) | (frame["row"] != 3)]
    told = optimism(honest, ran(tmp_path / "a", "as_published", small, lacking, "accuracy", 0.5))
    assert told[0]["way"] == ROUGH and "every repeat" in told[0]["why"]
    none = ran(tmp_path / "b", "as_published", small, frame, "accuracy", 0.5, folder=None)
    assert optimism(honest, none)[0]["why"] == "it is no trial"
    joined = ran(tmp_path / "c", "as_published", small, frame, "accuracy", 0.5)
    Result({"budget": -1, "aggregate": {"how": "mean"}}, frame).write(joined.out / "t")
    assert "joined" in optimism(honest, joined)[0]["why"]
    for other in ({"metric": "auroc"}, {"title": "another"}):
        joined.experiments[0] |= other
        assert optimism(honest, joined) == []
        joined.experiments[0] |= {"metric": "accuracy", "title": "T"}


def test_two_runs_that_predict_the_same_have_no_optimism(tmp_path, small):
    runs = [
        ran(tmp_path, name, small, predicted(small, decided(1 - small.y)), "accuracy", 0.0)
        for name in ("honest", "as_published")
    ]
    told = optimism(*runs)[0]
    assert (told["value"], told["ci"], told["way"]) == (0.0, [0.0, 0.0], PAIRED)


def test_rough_errors_are_rosier_above_zero_too(tmp_path, small):
    frame = predicted(small, decided(small.y))
    runs = [
        ran(tmp_path, name, small, frame, "mae", value, folder=None)
        for name, value in (("honest", 5.0), ("as_published", 3.0))
    ]
    told = optimism(*runs)[0]
    assert told["value"] == 2.0
    assert told["ci"] == pytest.approx([2 - 0.1 * np.sqrt(2), 2 + 0.1 * np.sqrt(2)])


def test_page_and_terminal_say_which_way_a_figure_came_and_accounts_from_before_are_rough():
    gap = {"title": "T", "metric": "auroc", "value": 0.05, "ci": [0.0, 0.1]}
    gap |= {"as_published": [0.85, 0.8, 0.9], "honest": [0.8, 0.7, 0.9]}
    pair = gap | {"way": PAIRED, "n": 90, "patients": 30}
    because = gap | {"way": ROUGH, "why": "it is no trial"}
    arms = [{"name": name, "role": "transfer", "value": 0.8, "ci": [0.7, 0.9]} for name in "mc"]
    one = {"title": "T", "metric": "auroc", "n": 90, "unit": "rows", "arms": arms, "method": "m"}
    one |= {"control": "c", "difference": 0.0, "ci": [-0.1, 0.1], "verdict": "inconclusive"}
    data = {"kind": "generated", "note": ""}
    told = {"study": "rasa2024", "protocol": "honest", "data": data, "networks": {}, "experiments": [one]}
    told |= {"verdict": "inconclusive", "notes": [], "date": "", "version": "", "leaks": []}
    for each, way, mark in (
        (pair, "paired by patient, on the 90 rows that both runs tested, of 30 patients", ""),
        (because, "rough: two runs taken for independent, because it is no trial", " (rough)"),
        (gap, "rough: two runs taken for independent", " (rough)"),
    ):
        both = {"protocol": "both", "honest": told, "as_published": told, "optimism": [each]}
        text = page({"rasa2024": [both]})
        assert f"optimism +0.050 [+0.000, +0.100] (above 0: rosier; {way})." in text
        assert f"| +0.050 [+0.000, +0.100]{mark} |" in text
        assert f"  T: auroc +0.050 [+0.000, +0.100] ({way})" in outcome(studies["rasa2024"], both)
