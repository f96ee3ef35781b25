"""Several labels in a trial's figures: a column for each, and what each label by itself says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from medgraft.evidence import interval, reliability

if TYPE_CHECKING:
    from medgraft.trial.trial import Trial

EACH = ("auroc", "auprc")  # metrics of a label by itself


def is_several(trial: Trial) -> bool:
    """Whether rows have several labels."""
    return trial.task == "multilabel"


def true_columns(y: np.ndarray) -> dict[str, np.ndarray]:
    """Return the columns of ``predictions.parquet`` that hold the truth."""
    return {"y_true": y} if y.ndim == 1 else {f"y_true_{k}": y[:, k] for k in range(y.shape[1])}


def truth(part: pd.DataFrame) -> np.ndarray:
    """Return the truth from these columns, (n,) or (n, L)."""
    if "y_true" in part:
        return part["y_true"].to_numpy()
    return part[[c for c in part.columns if c.startswith("y_true_")]].to_numpy(dtype=float)


def by_label(trial: Trial, part: pd.DataFrame, where: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return what ``result.json`` says of each label of an arm: the rows that know it, how many have it."""
    if not is_several(trial):
        return {}
    y = truth(part)
    found = {}
    for k, label in enumerate(trial.design.data.classes or ()):
        known = ~np.isnan(y[:, k])
        own, p = y[known, k].astype(int), part[f"p_{k}"].to_numpy()[known]
        here = {name: column[known] for name, column in where.items()}
        figures: dict[str, Any] = {"rows": int(part["row"][known].nunique())}
        figures["positive"] = int(part["row"][known][own == 1].nunique())
        for metric in EACH:
            i = interval(metric, own, np.stack([1 - p, p], axis=1), **here, seed=trial.design.seed)
            figures[metric] = {"value": i.value, "ci": [i.lo, i.hi]}
        found[label] = figures
    return {"labels": found}


def calibration(y: np.ndarray, p: np.ndarray, group: np.ndarray) -> dict[str, Any]:
    """Return one calibration curve of all known pairs of a row and a label."""
    known = ~np.isnan(y)
    who = np.broadcast_to(group[:, None], y.shape)[known]
    return reliability(y[known].astype(int), p[known], group=who)


def class_counts(y: np.ndarray, classes: list[str]) -> dict[str, int]:
    """Return how many rows are of each class, or have each label.

    Examples
    --------
    >>> class_counts(np.array([0, 1, 1]), ["no", "yes"])
    {'no': 1, 'yes': 2}
    """
    inside = np.bincount(y, minlength=len(classes)) if y.ndim == 1 else (y == 1).sum(axis=0)
    return dict(zip(classes, map(int, inside), strict=True))
