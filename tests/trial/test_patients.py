"""A trial that scores patients, not slices."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

import medgraft as mg
from medgraft.base import MedgraftError
from medgraft.evidence import choose
from medgraft.trial.result import Result
from medgraft.trial.tasks import fit


def windows(patients=40, seed=0, rows=(2, 6)):
    """Several noisy windows of each patient, at two sites."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(patients), rng.integers(*rows, patients))
    ill = np.arange(patients) % 2
    x = rng.normal(size=(len(who), 2)) * 1.5 + ill[who, None]
    frame = pd.DataFrame(x, columns=["u", "v"])
    frame["patient"] = [f"p{w:02d}" for w in who]
    frame["ill"] = np.where(ill[who] == 1, "yes", "no")
    frame["site"] = np.where(who < patients // 2, "a", "b")
    return frame


def cohort(frame, **roles):
    return mg.read(frame, label="ill", **{"group": "patient", "domain": "site"} | roles)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    frame = windows()
    out = tmp_path_factory.mktemp("run") / "run"
    made = mg.Trial(cohort(frame), ["pooled", "guarded"], target="b", folds=2, aggregate="mean")
    return frame, made, made.run(out)


def test_what_is_scored_is_the_mean_of_each_patients_rows(ran):
    frame, _, result = ran
    slices = pd.read_parquet(result.out / "slices.parquet")
    mine = slices[slices["arm"] == "pooled"]
    assert len(mine) == (frame["site"] == "b").sum()
    by_hand = mine.groupby("group").agg({"p_1": "mean", "y_true": "first", "row": "min", "fold": "first"})
    got = result.predictions[result.predictions["arm"] == "pooled"].set_index("group").sort_index()
    np.testing.assert_allclose(got["p_1"], by_hand["p_1"], rtol=1e-12)
    np.testing.assert_array_equal(got["row"], by_hand["row"])
    assert got["rows"].sum() == len(mine)
    assert (result.data["n"], result.data["n_patients"]) == (20, 20)
    assert result.data["aggregate"] == {"how": "mean", "rows": len(mine)}
    pairs = [
        (roc_auc_score(f["y_true"], f["p_1"]), f["y_true"].sum() * (1 - f["y_true"]).sum())
        for _, f in by_hand.groupby("fold")
    ]
    value = next(a["value"] for a in result.arms if a["name"] == "pooled")
    assert value == pytest.approx(np.average([v for v, _ in pairs], weights=[w for _, w in pairs]))


def test_the_graft_remembers_it_and_predicts_patients_where_it_is_told_who_they_are(ran):
    _, _, result = ran
    graft = mg.load(result.out / "graft")
    assert json.loads((graft.path / "graft.json").read_text())["aggregate"] == {
        "how": "mean",
        "group": "patient",
    }
    new = windows(6, seed=5).drop(columns=["ill", "site"])
    rows = graft.predict_proba(new)
    table = graft.table(mg.read(new, group="patient", require_label=False))
    expected = pd.DataFrame({"who": new["patient"], "p": rows[:, 1]}).groupby("who")["p"].mean()
    assert table["patient"].tolist() == expected.index.tolist()
    np.testing.assert_allclose(table["p_yes"], expected, rtol=1e-12)
    single = graft.table(mg.read(new, group="none", require_label=False))
    np.testing.assert_array_equal(single["p_yes"], rows[:, 1])


def test_the_guard_compares_patients_too(ran, monkeypatch):
    _, made, _ = ran
    seen = []

    def look(metric, y, preds, control, *, group, **others):
        seen.append((group, {name: len(p) for name, p in preds.items()}))
        return choose(metric, y, preds, control, group=group, **others)

    monkeypatch.setattr("medgraft.methods.inner_choice.choose", look)
    guard, split = next(a for a in made.arms if a.name == "guarded"), made.splits[0]
    fit(made.build(guard, split), made.arrays, split)
    ((group, sizes),) = seen
    assert len(np.unique(group)) == len(group) == 10
    assert set(sizes.values()) == {10}


def test_one_row_a_patient_gives_the_figures_without_aggregation(tmp_path):
    frame = windows(60, rows=(1, 2))
    runs = [
        mg.Trial(cohort(frame), ["pooled", "guarded"], target="b", folds=2, aggregate=how).run(
            tmp_path / str(how)
        )
        for how in (None, "mean")
    ]
    plain, joined = runs
    assert [a["metrics"] for a in joined.arms] == [a["metrics"] for a in plain.arms]
    same = [{k: v for k, v in c.items()} for c in plain.comparisons]
    assert joined.comparisons == same


def test_a_result_is_read_back_without_its_slices(ran):
    _, _, result = ran
    again = Result.read(result.out)
    pd.testing.assert_frame_equal(again.predictions, result.predictions)


@pytest.mark.parametrize(
    ("roles", "change", "how", "why"),
    [
        ({"group": "none"}, None, "mean", "say with --group"),
        ({}, "mixed", "mean", "patients have rows with different labels"),
        ({}, None, "sum", "no way 'sum' to aggregate"),
    ],
)
def test_what_cannot_be_aggregated_is_refused_before_anything_is_fitted(roles, change, how, why):
    frame = windows()
    if change:
        frame.loc[frame.index[-1], "ill"] = "no" if frame["ill"].iloc[-1] == "yes" else "yes"
    with pytest.raises(MedgraftError, match=why):
        mg.Trial(cohort(frame, **roles), ["pooled"], target="b", folds=2, aggregate=how)


def test_a_patient_with_one_positive_row_is_positive_to_max(tmp_path):
    frame = windows()
    frame.loc[frame.index[-1], "ill"] = "yes"
    result = mg.Trial(cohort(frame), ["pooled"], target="b", folds=2, aggregate="max").run(tmp_path / "run")
    mine = result.predictions[result.predictions["arm"] == "pooled"]
    own = frame[frame["site"] == "b"].groupby("patient")["ill"].agg(lambda v: int("yes" in set(v)))
    assert sorted(mine["y_true"]) == sorted(own)
