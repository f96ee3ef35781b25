"""What a study found, as data: one dict for each experiment, and the whole as ``study.json``."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medgraft.base import MedgraftError
from medgraft.base.scrub import scrub
from medgraft.evidence import Interval
from medgraft.studies.kit.paired import beside_probe

if TYPE_CHECKING:
    from medgraft.studies.kit.card import Study
    from medgraft.studies.kit.run import Run
    from medgraft.trial import Result

FILE = "study.json"
BESIDE = {"helps": "better", "harms": "worse", "inconclusive": "could not be told"}  # than a linear probe


def of_trial(title: str, folder: Path, result: Result, method: str, seed: int = 0) -> dict[str, Any]:
    """Return a trial's experiment: its arms, what the study's own differs from the control, and from a probe.

    Raises
    ------
    MedgraftError
        The trial has no such arm: the budget was spent, or the recipe names it wrongly.
    """
    data = result.data
    arms = [{key: a[key] for key in ("name", "role", "value", "ci")} for a in result.arms]
    compared = {c["arm"]: c for c in result.comparisons}
    names = [a["name"] for a in arms]
    if method not in names:
        raise MedgraftError(f"The trial '{title}' has no arm '{method}': it has {', '.join(names)}.")
    control = next(name for name in names if name not in compared)
    nothing = {"difference": None, "ci": [None, None], "verdict": "inconclusive", "note": ""}
    own = compared.get(method, nothing)
    return {
        "title": title,
        "folder": folder.as_posix(),
        "metric": data["metric"],
        "n": data["n"],
        "unit": "rows",
        "patients": data.get("n_patients"),
        "arms": arms,
        "method": method,
        "control": control,
        "difference": own["difference"],
        "ci": own["ci"],
        "verdict": own["verdict"],
        "why": own.get("note", ""),
        "probe": beside_probe(result, method, seed),
        "higher_is_better": data["better"] == "higher",
    }


def of_values(
    title: str,
    metric: str,
    values: dict[str, Interval],
    method: str,
    control: str,
    difference: Interval,
    n: int,
    unit: str,
    greater_is_better: bool,
    verdict: str | None = None,
    why: str = "",
    patients: int | None = None,
) -> dict[str, Any]:
    """Return the experiment of figures that were computed beside a trial.

    Parameters
    ----------
    title, metric : str
    values : dict of str -> Interval
        Of each arm.
    method, control : str
    difference : Interval
        Method less control.
    n, unit
        How many of what.
    greater_is_better : bool
    verdict, why : str, optional
        What a comparison said, and its reason; default what the interval of the difference says.
    patients : int, optional
        How many groups the units are in, where they are not independent.
    """
    gain = difference if greater_is_better else Interval(-difference.value, -difference.hi, -difference.lo)
    return {
        "title": title,
        "folder": None,
        "metric": metric,
        "n": n,
        "unit": unit,
        "patients": n if patients is None else patients,
        "arms": [
            {
                "name": name,
                "role": "control" if name == control else "transfer",
                "value": i.value,
                "ci": [i.lo, i.hi],
            }
            for name, i in values.items()
        ],
        "method": method,
        "control": control,
        "difference": difference.value,
        "ci": [difference.lo, difference.hi],
        "higher_is_better": greater_is_better,
        "verdict": verdict or ("helps" if gain.lo > 0 else "harms" if gain.hi < 0 else "inconclusive"),
        "why": why,
    }


def whole(study: Study, run: Run, seconds: float) -> dict[str, Any]:
    """Return the account of a run."""
    import datetime

    import medgraft

    if not run.experiments:
        raise MedgraftError(f"The recipe of {study.key} recorded nothing.")
    return {
        "study": study.key,
        "ref": study.ref,
        "protocol": run.protocol,
        "leaks": [] if run.honest else list(study.leaks),
        "data": {"kind": run.data.kind, "note": run.data.note, "sets": sorted(run.data.folders)},
        "networks": run.told_networks(),
        "limit": run.limit,
        "seed": run.seed,
        "repeats": run.repeats,
        "experiments": run.experiments,
        "verdict": run.experiments[0]["verdict"],
        "notes": run.notes,
        "cpu_seconds": round(seconds, 1),
        "date": datetime.date.today().isoformat(),
        "version": medgraft.__version__,
    }


def write(account: dict[str, Any], out: Path) -> None:
    """Write ``study.json``."""
    (out / FILE).write_text(json.dumps(scrub(account), indent=2, allow_nan=False) + "\n")


def interval_of(arm: dict[str, Any]) -> Interval:
    """Return an arm's figure with its interval; what is not known of it is nan.

    Examples
    --------
    >>> interval_of({"value": 0.8, "ci": [0.7, None]}).hi
    nan
    """
    value, lo, hi = (math.nan if x is None else float(x) for x in (arm["value"], *arm["ci"]))
    return Interval(value, lo, hi)


def figures(experiment: dict[str, Any]) -> str:
    """Return an experiment as lines of text."""
    width = max(len(a["name"]) for a in experiment["arms"])
    patients = experiment.get("patients")
    of = f" in {patients} groups (patients or copies)" if patients and patients != experiment["n"] else ""
    head = f"{experiment['title']}: {experiment['metric']}, {experiment['n']} {experiment['unit']}{of}"
    lines = [head]
    for a in experiment["arms"]:
        mark = {experiment["method"]: "  <- the method", experiment["control"]: "  (control)"}
        lines.append(f"  {a['name']:<{width}}  {number(a['value'], a['ci'])}{mark.get(a['name'], '')}")
    gap = number(experiment["difference"], experiment["ci"], "+")
    why = experiment.get("why", "") if experiment["verdict"] == "inconclusive" else ""
    verdict = f"{experiment['verdict']}{'. ' if why else ''}{why}"
    lines.append(f"  method less control: {gap}: {verdict}")
    if beside := experiment.get("probe"):
        gap = number(beside["difference"], beside["ci"], "+")
        lines.append(f"  method less {beside['name']}: {gap}: {BESIDE[beside['verdict']]}")
    return "\n".join(lines)


def number(value: float | None, ci: Sequence[float | None], sign: str = "") -> str:
    """Return a figure with its interval.

    Examples
    --------
    >>> number(0.81, [0.7, 0.9])
    '0.810 [0.700, 0.900]'
    """
    shown = ["-" if x is None else f"{x:{sign}.3f}" for x in (value, *ci)]
    return f"{shown[0]} [{shown[1]}, {shown[2]}]"
