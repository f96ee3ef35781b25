"""From the fits of a trial to its result: intervals, comparisons, the verdict, the choice."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from medgraft.cohort.deid import pseudonym
from medgraft.cohort.labels import names
from medgraft.evidence import compare, interval, reliability, sentence
from medgraft.evidence.metrics import metrics
from medgraft.trial import outlines
from medgraft.trial.attributes import attributes
from medgraft.trial.choice import choose_delivery
from medgraft.trial.describe import describe_cohort, question, versions_of, warnings_of
from medgraft.trial.parts import FUSING, named, read_by
from medgraft.trial.patients import aggregated, by_patient
from medgraft.trial.result import Result
from medgraft.trial.several import by_label, calibration, is_several, true_columns, truth
from medgraft.trial.shifted import source_shift
from medgraft.trial.tasks import Outcome
from medgraft.trial.withhold import withhold

if TYPE_CHECKING:
    from medgraft.cohort import Cohort
    from medgraft.trial.arms import Arm
    from medgraft.trial.trial import Trial

Outcomes = dict[tuple[str, int], Outcome]


def assemble(trial: Trial, outcomes: Outcomes, skipped: list[str], command: str, wall: float) -> Result:
    """Return the result of a trial from the outcome of every fit.

    Parameters
    ----------
    trial : Trial
    outcomes : dict
        By (arm, number of the split).
    skipped : list of str
        Arms left out by the budget.
    command : str
        How the run was started.
    wall : float
        Wall-clock seconds.
    """
    outcomes = dict(sorted(outcomes.items(), key=lambda item: item[0][1]))  # not in order of completion
    slices = _predictions(trial, outcomes)
    how = trial.design.aggregate
    frame = slices if how is None else by_patient(slices, how)
    arms = [a for a in trial.arms if a.name not in skipped]
    parts = {(n, b): part for (n, b), part in frame.groupby(["arm", "budget"], sort=False, observed=True)}
    headline = {a.name: parts[a.name, trial.design.headline] for a in arms}
    rows = [_arm_row(trial, a.name, headline[a.name], outcomes) for a in arms]
    comparisons = []
    for a in arms:
        if a.name != trial.control:
            comparisons.append(_comparison(trial, a.name, headline[a.name], headline[trial.control]))
    data: dict[str, Any] = {
        "task": trial.task,
        "metric": trial.metric,
        "better": metrics[trial.metric].better,
        "n": int(headline[trial.control]["row"].nunique()),
        "n_patients": int(headline[trial.control]["group"].nunique()),
        **aggregated(how, headline[trial.control]),
        "question": question(trial),
        "cohort": describe_cohort(trial),
        "design": trial.plan().design,
        "budget": trial.design.headline,
        "arms": rows,
        "control": trial.control,
        "comparisons": comparisons,
        "learning_curve": _learning_curve(trial, parts),
        "calibration": _calibration(trial, headline),
        "shift": source_shift(trial),
        "guard": _guard(trial, outcomes),
        "audit": trial.audit().to_dict()["findings"],
        "caution": trial.caution,
        "warnings": [
            *([trial.caution] if trial.caution else []),
            *trial.design.data.warnings,
            *trial.said,
            *warnings_of(trial, skipped),
        ],
        "versions": versions_of(trial.bench.kind),
        "command": command,
        "seconds": {"cpu": float(sum(o.cpu_seconds for o in outcomes.values())), "wall": wall},
    }
    for told in ("guard", "audit", "warnings"):
        data[told] = withhold(data[told], trial.design.data)
    data |= choose_delivery(trial, data)
    return Result(data, frame, slices=None if how is None else slices)


def _predictions(trial: Trial, outcomes: Outcomes) -> pd.DataFrame:
    data, frames = trial.arrays, []
    people, whose = _pseudonyms(trial.design.data), attributes(trial)
    for (name, s), o in outcomes.items():
        split = trial.splits[s]
        columns: dict[str, Any] = {
            "row": o.rows,
            "fold": split.fold,
            "repeat": split.repeat,
            "budget": split.budget,
            "arm": name,
            "group": trial.design.data.groups[o.rows],
            **({} if people is None else {"patient": people[o.rows]}),
            **{column: values[o.rows] for column, values in whose.items()},
            **(true_columns(data.y[o.rows]) if data.outlines is None else {}),  # not the names of files
        }
        if data.outlines is not None:
            columns |= dict(zip(outlines.columns(data.outlines), o.p.T, strict=True))
        elif o.p.ndim == 1:
            columns["value"] = o.p
        else:
            columns |= {f"p_{k}": o.p[:, k] for k in range(o.p.shape[1])}
        frames.append(pd.DataFrame(columns))
    frame = pd.concat(frames, ignore_index=True)
    order = {a.name: i for i, a in enumerate(trial.arms)}
    frame["_arm"] = frame["arm"].map(order)
    frame = frame.sort_values(["_arm", "budget", "repeat", "fold", "row"], kind="stable")
    return frame.drop(columns="_arm").reset_index(drop=True)


def _pseudonyms(data: Cohort) -> np.ndarray | None:
    """Return what stands for the patient of each row, or None where no column names patients."""
    if data.group is None:
        return None
    given = names(data.table[data.group])
    known = {name: pseudonym(name) for name in set(given) - {None}}
    return np.array([known.get(name, "") for name in given])


def scores(part: pd.DataFrame, metric: str = "") -> tuple[np.ndarray, np.ndarray]:
    """Return (y, p) of a part of ``predictions.parquet``; of outlines, p is what the metric measured."""
    if metric in part:
        return np.zeros(len(part)), part[metric].to_numpy(dtype=float)
    columns = [c for c in part.columns if c == "value" or c.startswith("p_")]
    p = part[columns].to_numpy(dtype=float)
    return truth(part), p[:, 0] if columns == ["value"] else p


def _where(part: pd.DataFrame) -> dict[str, Any]:
    return {name: part[name].to_numpy() for name in ("group", "repeat", "fold")}


def _arm_row(trial: Trial, name: str, part: pd.DataFrame, outcomes: Outcomes) -> dict[str, Any]:
    a = next(a for a in trial.arms if a.name == name)
    planned = next(row for row in trial.plan().arms if row["name"] == name)
    mine = [o for (n, _), o in outcomes.items() if n == name]
    values = {}
    for m in metrics:
        if trial.task in metrics[m].tasks:
            i = interval(metrics[m], *scores(part, m), **_where(part), seed=trial.design.seed)
            values[m] = {"value": i.value, "ci": [i.lo, i.hi]}
    return {
        "name": name,
        "method": a.method,
        "source": _source_name(trial, a),
        "role": "control" if a.entry.role == "control" else "transfer",
        "family": a.entry.family,
        **values[trial.metric],
        "cpu_seconds": float(sum(o.cpu_seconds for o in mine)),
        "wall_seconds": float(sum(o.wall_seconds for o in mine)),
        "metrics": values,
        **by_label(trial, part, _where(part)),
        "settings": a.settings,
        "loading": planned.get("load"),
        "notes": withhold([*_notes(mine), *outlines.notes(part)], trial.design.data),
    }


def _source_name(trial: Trial, a: Arm) -> str | None:
    """What an arm learns from beside the target's own labels."""
    names, needs = [], a.entry.needs
    domains = trial.design.data.domains
    if "source" in needs and trial.design.kind == "time-ordered":
        names.append("the other patients")
    elif "source" in needs and domains is not None:
        names += sorted(set(domains.tolist()) - {trial.design.target})
    if a.method in FUSING:
        names += read_by(trial.bench, a)
    elif "source" in a.settings:
        names.append(named(trial.bench.parts, str(a.settings["source"])).facts.name)
    elif "pretrained" in needs and trial.network is not None:
        names.append(trial.network.facts.name)
    return ", ".join(names) or None


def _notes(outcomes: list[Outcome]) -> list[str]:
    notes = Counter(note for o in outcomes for note in o.facts.get("notes", []))
    return [f"{note} ({count} of {len(outcomes)} fits)" for note, count in notes.most_common()]


def _comparison(trial: Trial, name: str, arm: pd.DataFrame, control: pd.DataFrame) -> dict[str, Any]:
    y, p = scores(arm, trial.metric)
    _, q = scores(control, trial.metric)
    metric = metrics[trial.metric]
    c = compare(metric, y, p, q, **_where(arm), seed=trial.design.seed)
    return {
        "arm": name,
        "control": trial.control,
        "difference": c.difference,
        "ci": [c.lo, c.hi],
        "verdict": c.verdict,
        "n_patients": c.n_groups,
        "note": c.note,
        "sentence": sentence(name, c, metric, c.n_groups, control=trial.control),
    }


def _learning_curve(trial: Trial, parts: dict[Any, pd.DataFrame]) -> list[dict[str, Any]] | None:
    if len(trial.design.labels_per_class) < 2:
        return None
    rows = []
    for (name, budget), part in parts.items():
        judged = scores(part, trial.metric)
        i = interval(metrics[trial.metric], *judged, **_where(part), seed=trial.design.seed)
        rows.append({"arm": name, "labels_per_class": int(budget), "value": i.value, "ci": [i.lo, i.hi]})
    return rows


def _calibration(trial: Trial, headline: dict[str, pd.DataFrame]) -> dict[str, Any]:
    if trial.task in ("regression", "segmentation"):
        return {}
    curve = calibration if is_several(trial) else reliability
    return {name: curve(*scores(part), group=part["group"].to_numpy()) for name, part in headline.items()}


def _guard(trial: Trial, outcomes: Outcomes) -> dict[str, Any]:
    """What ``guarded`` chose in each training part, and why."""
    name = next((a.name for a in trial.arms if a.entry.family == "guard"), None)
    head = trial.design.headline
    mine = [o for (n, s), o in outcomes.items() if n == name and trial.splits[s].budget == head]
    reports = [o.facts for o in mine if o.facts]
    choices = Counter(r["choice"] for r in reports)
    reasons = Counter(r["reason"] for r in reports)
    return {
        "enabled": name is not None,
        "arm": name,
        "choices": dict(choices.most_common()),
        "reasons": [reason for reason, _ in reasons.most_common(3)],
    }
