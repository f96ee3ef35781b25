"""What is delivered is the same for a run that was killed at any step and resumed."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path

import pytest

import medgraft as mg
from medgraft.trial import Result
from medgraft.trial import deliver as module
from medgraft.trial.assemble import assemble
from samples import two_sites


class Kill(BaseException):
    """What a kill is to the code: nothing catches it."""


class Steps:
    """Lets `allowed` operations on files happen, and kills in the next one."""

    def __init__(self, monkeypatch) -> None:
        self.allowed, self.done = None, 0
        for place, name in (
            (shutil, "copytree"),
            (shutil, "rmtree"),
            (Path, "replace"),
            (Path, "write_text"),
        ):
            monkeypatch.setattr(place, name, self.around(name, getattr(place, name)))

    def around(self, name, plain):
        def step(path, *more, **settings):
            if self.allowed is not None and self.done == self.allowed:
                self.allowed = None
                if name == "rmtree" and Path(path).is_dir():  # half of the folder is gone
                    next(iter(f for f in sorted(Path(path).rglob("*")) if f.is_file())).unlink()
                if name == "copytree":
                    plain(path, *more, **settings)
                    next(iter(sorted(Path(more[0]).rglob("*.skops")))).unlink()
                raise Kill
            self.done += 1
            return plain(path, *more, **settings)

        return step


def what(out):
    data = json.loads((out / "result.json").read_text())
    told = {k: data[k] for k in ("chosen", "chosen_because", "verdict", "guard")}
    graft = {p.name: json.loads(p.read_text()) for p in (out / "graft").glob("*.json")}
    evidence = graft["evidence.json"]["arm"]
    for clock in ("cpu_seconds", "wall_seconds"):
        evidence.pop(clock)
    for part in graft["graft.json"]["parts"]:
        part.pop("sha256")  # of an archive that holds the hour
    return told, graft


def test_a_run_killed_at_any_step_of_its_end_delivers_the_same_when_resumed(tmp_path, monkeypatch):
    cohort = mg.read(two_sites(), label="ill", domain="site")
    arms = ["target-only", "pooled", "guarded"]
    trial = mg.Trial(cohort, arms, target="b", labels_per_class=6, folds=2)
    # The longest way: the guard's final choice is replaced by the control.
    monkeypatch.setattr(module, "_harmful", lambda result: {"target-only", "pooled"})

    def stop(*given):
        raise Kill

    with monkeypatch.context() as before:
        before.setattr("medgraft.trial.trial.deliver", stop)
        with pytest.raises(Kill):
            trial.run(tmp_path / "fits")
    shutil.copytree(tmp_path / "fits", tmp_path / "whole")
    whole = what_of(trial, tmp_path / "whole")
    assert whole[0]["chosen"] == "target-only" and "final" in whole[0]["guard"]
    assert whole[1]["graft.json"]["arm"] == whole[1]["evidence.json"]["arm"]["name"] == whole[0]["chosen"]
    made = {}

    def once(*given):  # the intervals are not what is looked at
        if "it" not in made:
            made["it"] = assemble(*given)
        return copy.deepcopy(made["it"])

    monkeypatch.setattr("medgraft.trial.trial.assemble", once)
    steps = Steps(monkeypatch)
    for n in range(100):
        out = tmp_path / f"cut{n}"
        shutil.copytree(tmp_path / "fits", out)
        steps.allowed, steps.done = n, 0
        try:
            trial.run(out, resume=True)
        except Kill:
            assert what_of(trial, out) == whole, f"killed at step {n}"
        else:
            break
    assert 10 < n < 99
    assert sorted(p.name for p in out.iterdir()) == sorted(p.name for p in (tmp_path / "whole").iterdir())


def what_of(trial, out):
    result = trial.run(out, resume=True)
    assert result.graft.model is not None  # reads every file of it and compares the sums
    assert not [p for p in out.iterdir() if p.name.startswith("partial") or p.name.endswith(".tmp")]
    return what(out)


def test_controls_are_not_counted_among_the_arms_that_helped_or_harmed(tmp_path):
    cohort = mg.read(two_sites(), label="ill", domain="site")
    arms = ["majority", "random-transfer", "target-only", "pooled", "coral", "guarded"]
    trial = mg.Trial(cohort, arms, target="b", labels_per_class=6, folds=2)
    assert "Of 2 other arms compared with target-only" in trial.run(tmp_path / "out").verdict
    guard = next(a for a in trial.arms if a.method == "guarded")
    assert [a.name for a in trial._candidates(guard)] == ["pooled", "coral"]


def told(guard, chosen="guarded", verdict="Transfer helps."):
    data = {"chosen": chosen, "chosen_because": "Because.", "verdict": verdict, "guard": guard}
    return Result({**data, "question": "Q?", "metric": "auroc", "arms": [], "comparisons": []}, None)


def test_what_the_guard_chose_is_told_where_all_its_fits_chose_the_same():
    guard = {"arm": "guarded", "choices": {"coral": 3}, "reasons": ["It was better.", "Again."]}
    assert told(guard).delivered == "Because. It chose coral. It was better."
    assert told({**guard, "choices": {"coral": 2, "pooled": 1}}).delivered == "Because."
    assert told(guard, chosen="target-only").delivered == "Because."


def test_a_reason_that_opens_the_verdict_is_not_printed_again():
    guard = {"arm": None, "choices": {}, "reasons": []}
    assert str(told(guard, "control", "Because. So it is.")).count("Because.") == 1
    assert str(told(guard, "control")).count("Because.") == 1


def test_a_graft_takes_no_counts_of_classes_or_attributes_along(tmp_path):
    cohort = mg.read(two_sites(), label="ill", domain="site")
    result = mg.Trial(cohort, ["target-only", "pooled"], target="b", folds=2).run(tmp_path / "run")
    told = result.graft.evidence["cohort"]
    assert set(told) < set(result.data["cohort"])
    assert {"class_counts", "table_one", "flow", "domains"} & set(result.data["cohort"])
    assert all(not isinstance(value, dict) for value in told.values())
