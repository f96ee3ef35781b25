"""A trial of several labels, from the table to the report and the model."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

import medgraft as mg
from medgraft.base import MedgraftError

LABEL = "flu,cold,gout"


def findings(n=160, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3))
    frame = pd.DataFrame(x, columns=["a", "b", "c"])
    for k, name in enumerate(LABEL.split(",")):
        told = np.where(x[:, k] + 0.7 * rng.normal(size=n) > 0.3 * k, "yes", "no").astype(object)
        told[rng.random(n) < 0.05] = None
        frame[name] = told
    frame["site"] = np.where(np.arange(n) < n // 2, "a", "b")
    return frame


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    frame = findings()
    cohort = mg.read(frame, label=LABEL, domain="site")
    out = tmp_path_factory.mktemp("run") / "run"
    return cohort, mg.Trial(cohort, ["pooled", "coral"], target="b", folds=2).run(out)


def test_figures_are_those_of_the_predictions_label_by_label(ran):
    cohort, result = ran
    assert (result.data["task"], result.data["metric"]) == ("multilabel", "macro_auroc")
    frame = pd.read_parquet(result.out / "predictions.parquet")
    mine = frame[frame["arm"] == "pooled"]
    np.testing.assert_array_equal(mine[["y_true_0", "y_true_1", "y_true_2"]], cohort.y[mine["row"]])
    arm = next(a for a in result.arms if a["name"] == "pooled")
    assert set(arm["metrics"]) >= {
        "macro_auroc",
        "macro_auprc",
        "micro_auprc",
        "subset_accuracy",
        "hamming_loss",
    }
    means = []
    for k, label in enumerate(cohort.classes):
        known = mine[mine[f"y_true_{k}"].notna()]
        told = arm["labels"][label]
        assert (told["rows"], told["positive"]) == (len(known), known[f"y_true_{k}"].sum())
        folds = [f for _, f in known.groupby("fold")]
        pairs = [f[f"y_true_{k}"].sum() * (1 - f[f"y_true_{k}"]).sum() for f in folds]
        each = [roc_auc_score(f[f"y_true_{k}"], f[f"p_{k}"]) for f in folds]
        assert told["auroc"]["value"] == pytest.approx(np.average(each, weights=pairs))
        means.append(told["auroc"]["value"])
    assert arm["value"] == pytest.approx(np.mean(means))


def test_the_model_names_the_likely_labels_and_predicts_as_it_was_saved(ran):
    cohort, result = ran
    graft = mg.load(result.out / "graft")
    new = findings(12, seed=3)[["a", "b", "c"]]
    p = graft.predict_proba(new)
    assert p.shape == (12, 3)
    named = ["|".join(np.array(cohort.classes)[row >= 0.5]) or "none" for row in p]
    assert graft.predict(new).tolist() == named
    table = graft.table(new)
    np.testing.assert_array_equal(table[[f"p_{c}" for c in cohort.classes]], p)
    assert table["prediction"].tolist() == named
    np.testing.assert_array_equal(mg.load(result.out / "graft").predict_proba(new), p)


def test_the_report_has_a_table_of_the_labels(ran):
    _, result = ran
    page = mg.write_report(result.out).read_text()
    told = result.arms[0]["labels"]["gout"]
    assert "AUROC of each label by itself" in page
    assert f"gout ({told['positive']} of {told['rows']})" in page
    assert "several labels, each there or not" in page


def test_budgets_repeats_and_a_list_column_work_and_an_external_test_set_has_its_own_list(tmp_path):
    frame = findings()
    names = np.array(LABEL.split(","))
    lists = ["|".join(names[row]) or "No Finding" for row in (frame[list(names)] == "yes").to_numpy()]
    frame = frame.drop(columns=list(names)).assign(found=lists)
    roles = {"label": "found", "task": "multilabel"}
    test = mg.read(frame.iloc[120:].drop(columns="site"), **roles)
    cohort = mg.read(frame.iloc[:120], domain="site", **roles)
    trial = mg.Trial(cohort, ["pooled"], target="b", test=test, labels_per_class=(4, 6), repeats=2)
    result = trial.run(tmp_path / "run")
    assert len(result.data["learning_curve"]) == 4
    assert result.data["n"] == 40
    json.dumps(result.data)


def test_labels_and_patients_are_aggregated_together(tmp_path):
    frame = findings()
    frame[list(LABEL.split(","))] = frame[list(LABEL.split(","))].iloc[np.arange(160) // 2 * 2].to_numpy()
    cohort = mg.read(frame.assign(who=np.arange(160) // 2), label=LABEL, domain="site", group="who")
    result = mg.Trial(cohort, ["pooled"], target="b", folds=2, aggregate="mean").run(tmp_path / "run")
    assert result.data["n"] == 40
    assert result.data["aggregate"] == {"how": "mean", "rows": 80}


@pytest.mark.parametrize(
    ("arms", "why"),
    [(["guarded"], "'guarded' cannot do multilabel"), (["pooled+ridge"], "ridge does regression")],
)
def test_an_arm_that_cannot_do_it_says_so_in_a_sentence(arms, why, tmp_path):
    cohort = mg.read(findings(), label=LABEL, domain="site")
    with pytest.raises(MedgraftError, match=why):
        mg.Trial(cohort, arms, target="b", folds=2).run(tmp_path / "run")


def test_several_labels_are_not_forecast():
    cohort = mg.read(findings().assign(t=range(160)), label=LABEL, group="site", time="t")
    with pytest.raises(MedgraftError, match="With --folds time one label is forecast"):
        mg.Trial(cohort, ["pooled"], folds="time")
