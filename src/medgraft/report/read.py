"""Read a run folder, tolerant of what may be missing and strict about what must be there."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from medgraft.base import MedgraftError
from medgraft.base.scrub import scrub
from medgraft.report.calibration import from_predictions
from medgraft.report.samples import read_examples, read_samples

_NEEDED = {
    "task": str,
    "metric": str,
    "better": str,
    "arms": list,
    "control": str,
    "comparisons": list,
    "chosen": str,
    "verdict": str,
}


@dataclass(frozen=True)
class Run:
    """What a report is made from: every path in it is cut to its last part.

    Attributes
    ----------
    result : dict
        The content of ``result.json``.
    plan : dict
        The content of ``plan.json``, or empty.
    calibration : dict
        By arm: "bins", a list of {"predicted", "observed", "lo", "hi", "n"}, and "of".
    samples : dict
        By arm: the figure of each test sample, of outlines.
    examples : list of dict
        Pictures of test samples, where the user asked for them.
    predictions : DataFrame or None
        ``predictions.parquet`` at the label budget of the headline; None where it is gone.
    kept : bool
        Whether the model is in the folder.
    """

    result: dict[str, Any]
    plan: dict[str, Any]
    calibration: dict[str, Any]
    samples: dict[str, list[float]] = field(default_factory=dict)
    examples: list[dict[str, Any]] = field(default_factory=list)
    predictions: pd.DataFrame | None = None
    kept: bool = True


def read_run(folder: Path) -> Run:
    """Read a finished run.

    Raises
    ------
    MedgraftError
        There is no such folder, or it holds no finished run.
    """
    if not folder.is_dir():
        raise MedgraftError(f"There is no folder '{folder}': give a folder that a trial wrote.")
    if not (folder / "result.json").exists():
        raise MedgraftError(
            f"'{folder}' holds no finished run: there is no result.json in it; give a folder that a "
            "trial wrote, or finish the run with --resume."
        )
    result = _json(folder / "result.json")
    _check(result, folder)
    plan = _json(folder / "plan.json") if (folder / "plan.json").exists() else {}
    predictions = _predictions(folder, result)
    calibration = result.get("calibration") or _calibration(predictions, result)
    samples, examples = read_samples(predictions, result), read_examples(folder, result)
    kept = (folder / "graft").is_dir()
    return Run(scrub(result), scrub(plan), scrub(calibration), samples, examples, predictions, kept)


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as e:  # ValueError: not JSON, or not UTF-8
        raise MedgraftError(f"'{path}' cannot be read ({_reason(e)}): run the trial again.") from None
    if not isinstance(content, dict):
        raise MedgraftError(f"'{path}' is not a file that medgraft wrote: run the trial again.")
    return content


def _reason(e: Exception) -> str:
    if isinstance(e, json.JSONDecodeError):
        return f"broken JSON in line {e.lineno}"
    return e.strerror or type(e).__name__ if isinstance(e, OSError) else "not UTF-8 text"


def _check(result: dict[str, Any], folder: Path) -> None:
    def wrong(what: str) -> MedgraftError:
        return MedgraftError(
            f"The result.json in '{folder}' is no result of a trial: {what}; run the trial again."
        )

    for key, kind in _NEEDED.items():
        if not isinstance(result.get(key), kind):
            raise wrong(f"'{key}' is missing or of the wrong kind")
    for key, name in (("arms", "name"), ("comparisons", "arm")):
        if not all(isinstance(row, dict) and isinstance(row.get(name), str) for row in result[key]):
            raise wrong(f"an entry of '{key}' has no '{name}'")
    if not result["arms"]:
        raise wrong("it has no arms")


def _predictions(folder: Path, result: dict[str, Any]) -> pd.DataFrame | None:
    """Return the predictions of the headline; a report without what is made of them is better than none."""
    try:
        table = pd.read_parquet(folder / "predictions.parquet")
        budget = result.get("budget")
        own = table[table["budget"] == budget] if budget is not None and "budget" in table else table
    except (OSError, ValueError, KeyError):
        return None
    return own if {"arm", "row"} <= set(own.columns) else None


def _calibration(table: pd.DataFrame | None, result: dict[str, Any]) -> dict[str, Any]:
    """Work calibration out from the predictions, where the result does not hold it."""
    if table is None:
        return {}
    try:
        return from_predictions(table, result["task"])
    except (ValueError, KeyError):
        return {}
