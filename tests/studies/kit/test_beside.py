"""A second question to a trial is answered by the trial's own predictions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import medgraft as mg
from medgraft.studies import studies
from medgraft.studies.kit.beside import against, best_on_test
from medgraft.studies.kit.found import Found
from medgraft.studies.kit.run import Run


@pytest.fixture
def asked(tmp_path):
    """A run, and a trial of three arms that it recorded."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(90, 3)), columns=list("abc"))
    frame["ill"] = np.where(frame["a"] + 0.5 * rng.normal(size=90) > 0, "yes", "no")
    frame["who"] = np.arange(90) // 2
    cohort = mg.read(frame, label="ill", group="who")
    data = Found("generated", "", {}, {"generated": cohort})
    run = Run(studies["rasa2024"], data, Path(tmp_path))
    arms = ["target-only", "majority", "target-only+subset:share=0.2"]
    result = run.trial("A question", cohort, arms, method="majority", metric="accuracy", folds=3)
    return run, result


def _right(result, arm):
    part = result.predictions[result.predictions["arm"] == arm].sort_values("row")
    return (part[["p_0", "p_1"]].to_numpy().argmax(axis=1) == part["y_true"].to_numpy()).astype(float)


def test_the_difference_is_that_of_the_two_arms_on_the_same_rows(asked):
    run, result = asked
    one, two = "target-only+subset:share=0.2", "majority"
    against(run, "Few or none", result, one, two)
    told = run.experiments[-1]
    expected = _right(result, one).mean() - _right(result, two).mean()
    assert told["difference"] == pytest.approx(expected)
    assert told["ci"][0] < told["difference"] < told["ci"][1]
    values = {a["name"]: a["value"] for a in told["arms"]}
    assert values == {arm: pytest.approx(_right(result, arm).mean()) for arm in (one, two)}
    assert (told["method"], told["control"], told["n"]) == (one, two, 90)
    assert told["patients"] == result.data["n_patients"] < 90


def test_asked_the_other_way_round_the_answer_changes_its_sign(asked):
    run, result = asked
    one, two = "target-only+subset:share=0.2", "majority"
    against(run, "a", result, one, two)
    against(run, "b", result, two, one)
    a, b = run.experiments[-2:]
    assert a["difference"] == pytest.approx(-b["difference"])
    assert {a["verdict"], b["verdict"]} in ({"helps", "harms"}, {"inconclusive"})


def test_the_best_on_the_test_rows_becomes_the_method_of_the_trial(asked):
    run, result = asked
    arms = ["majority", "target-only+subset:share=0.2"]
    value = {arm: _right(result, arm).mean() for arm in arms}
    best = best_on_test(run, result, arms)
    assert best == max(value, key=value.get) != "majority"
    last = run.experiments[-1]
    assert len(run.experiments) == 1 and (last["title"], last["method"]) == ("A question", best)
    assert last["difference"] == pytest.approx(value[best] - _right(result, "target-only").mean())
