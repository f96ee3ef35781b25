"""Hand over the chosen arm: the very model that was scored, or one refitted on all rows."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from medgraft.base.scrub import scrub
from medgraft.cohort import Split
from medgraft.cohort.deal import draw_labelled
from medgraft.graft import save
from medgraft.methods import Guarded
from medgraft.trial.arms import Arm
from medgraft.trial.result import Result
from medgraft.trial.tasks import fit
from medgraft.trial.withhold import withhold

if TYPE_CHECKING:
    from medgraft.trial.trial import Trial


def kept(out: Path, number: int) -> Path:
    """Where the fitted model of arm `number` waits until it is known which arm is delivered."""
    return out / "partial" / f"{number:02d}-graft"


def keep(
    trial: Trial, folder: Path, a: Arm, fitted: Any, *, all_rows: bool, told: dict[str, Any] | None = None
) -> None:
    """Save a fitted arm; of ``guarded``, what it chose. A kill leaves all of it or nothing.

    `told` is what the fit adds to the result; a resumed run, which does not fit again, reads it beside the
    folder.
    """
    partial = folder.with_name(folder.name + ".tmp")
    for old in (partial, folder):
        shutil.rmtree(old, ignore_errors=True)
    facts: dict[str, Any] = {"arm": a.name, "method": a.method, "refitted_on_all_rows": all_rows}
    if trial.design.aggregate is not None:
        facts["aggregate"] = {"how": trial.design.aggregate, "group": trial.design.data.group}
    model = fitted
    if isinstance(fitted, Guarded):
        model, facts["choice"] = fitted.best_, fitted.choice_
    save(partial, model, trial.design.data, facts)
    folder.with_suffix(".json").write_text(json.dumps(scrub(told or {})))
    partial.replace(folder)  # last: where the folder is, everything is


# Of the cohort's facts; a graft goes to others, so that counts by class, site or attribute stay at home.
_TRAVELS = ("name", "kind", "rows", "features", "label", "classes", "target", "groups", "tested")


def deliver(trial: Trial, out: Path, result: Result) -> None:
    """Move the chosen arm's model to ``graft/``, with the trial's evidence beside it.

    A trial of one split has its scored model; of several splits none is the model to deliver, so the arm
    is fitted once more, on every row that may teach, with as many target labels as it was judged with. Where
    ``guarded`` then chooses an arm that was shown to harm, the control is delivered instead. A time-ordered
    trial has a model for each patient, and none for all: nothing is delivered.
    """
    if trial.design.kind == "time-ordered":
        shutil.rmtree(out / "graft", ignore_errors=True)
        return
    number = next(i for i, a in enumerate(trial.arms) if a.name == result.chosen)
    folder = kept(out, number)
    if not folder.exists():
        _refit(trial, folder, trial.arms[number], result)
    told = json.loads(folder.with_suffix(".json").read_text())
    result.data |= {k: told[k] for k in ("chosen", "chosen_because") if k in told}
    if "final" in told:
        result.data["guard"]["final"] = told["final"]
    evidence = {k: result.data[k] for k in ("verdict", "metric", "design")}
    evidence["cohort"] = {k: result.data["cohort"][k] for k in _TRAVELS}
    evidence["arm"] = next(x for x in result.arms if x["name"] == result.chosen)
    partial = out / "graft.tmp"
    for old in (partial, out / "graft"):
        shutil.rmtree(old, ignore_errors=True)
    shutil.copytree(folder, partial)  # not moved: a kill from here on must find it again
    (partial / "evidence.json").write_text(json.dumps(evidence, indent=2) + "\n")
    partial.replace(out / "graft")


def _refit(trial: Trial, folder: Path, a: Arm, result: Result) -> None:
    """Fit the chosen arm on all rows and keep it, or the control in its place."""
    split = _all_rows(trial)
    fitted = fit(trial.build(a, split), trial.arrays, split, trial.threads)
    told: dict[str, Any] = {}
    if isinstance(fitted, Guarded):
        told["final"] = withhold(fitted.report_, trial.design.data)
        if fitted.choice_ in _harmful(result):
            a = next(other for other in trial.arms if other.name == trial.control)
            fitted = fit(trial.build(a, split), trial.arrays, split, trial.threads)
            told["chosen"] = trial.control
            told["chosen_because"] = (
                f"guarded chose an arm that was shown to harm, so {trial.control} is delivered."
            )
    keep(trial, folder, a, fitted, all_rows=True, told=told)


def _harmful(result: Result) -> set[str]:
    return {c["arm"] for c in result.comparisons if c["verdict"] == "harms"}


def _all_rows(trial: Trial) -> Split:
    """Every row that may teach, labelled as the headline budget says."""
    d = trial.design
    rows = np.arange(d.data.n)
    if d.kind == "external test":
        rows = np.setdiff1d(rows, np.concatenate([s.test for s in trial.splits]))
    empty = np.array([], dtype=int)
    if d.headline < 0:
        return Split(repeat=-1, fold=-1, budget=-1, labelled=rows, unlabelled=empty, test=empty)
    domains = d.data.domains
    own = rows if domains is None or d.target is None else rows[domains[rows] == d.target]
    drawn = draw_labelled(d.data, own, [d.headline], np.random.default_rng(d.seed))[d.headline]
    unlabelled = np.setdiff1d(own, drawn)
    return Split(-1, -1, d.headline, np.setdiff1d(rows, unlabelled), unlabelled, empty)
