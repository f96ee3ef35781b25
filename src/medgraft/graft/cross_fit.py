"""What a calibration is worth: every patient judged by what the others' folds taught."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medgraft.evidence import Interval, compare, ece
from medgraft.evidence.calibration import calibration_slope
from medgraft.evidence.conformal import coverage
from medgraft.evidence.decision import cross_decisions, decision_accuracy
from medgraft.evidence.interval import jsonable
from medgraft.evidence.metrics.base import metrics
from medgraft.graft.recipe import FOLDS, Recipe


def cross_fitted(
    recipe: Recipe, p: NDArray[Any], y: NDArray[Any], unit: NDArray[Any], classes: list[str] | None
) -> dict[str, Any]:
    """Return the evidence for a recipe: five folds by patient, each judged by a fit on the other four.

    Parameters
    ----------
    recipe : Recipe
        Settled.
    p : (n, K) or (n,) array
        The model's own probabilities, or values.
    y : (n,) array
        Codes, or values.
    unit : (n,) int array
        Patients 0..G-1.
    classes : list of str or None

    Returns
    -------
    dict
        Numbers for JSON: "patients", "rows", "folds"; "calibration" before and after; "conformal" coverage
        and size; "decision", sensitivity and specificity.

    Notes
    -----
    Cost of 25 fits, and of a bootstrap, O(2000 n). The figures are those of the procedure: what is delivered
    is fitted once more on all. Calibration is judged at the share of events that these patients have.
    """
    fold = recipe.folds(p, y, unit)
    out: dict[str, Any] = {"patients": int(unit.max()) + 1, "rows": len(y), "folds": FOLDS}
    if classes is not None:
        out["calibration"] = _calibration(replace(recipe, prevalence=None), p, y, unit)
    if recipe.level is not None:
        out["conformal"] = _conformal(recipe, p, y, unit, fold, classes)
    if recipe.rule is not None:
        # A recalibrator keeps the order of two classes' probabilities: raw ones give the same decisions.
        flagged = cross_decisions(y, p, fold, recipe.rule, recipe.value, group=unit)
        got = decision_accuracy(y, flagged, group=unit)
        out["decision"] = {k: _told(getattr(got, k)) for k in ("sensitivity", "specificity", "flagged")}
    return out


def _calibration(recipe: Recipe, p: NDArray[Any], y: NDArray[Any], unit: NDArray[Any]) -> dict[str, Any]:
    out = {"before": _measured(p, y, unit)}
    if recipe.method == "none":
        return out
    after = recipe.out_of_fold(p, y, unit)
    moved = compare("log_loss", y, after, p, group=unit)
    out["after"] = _measured(after, y, unit)
    out["log_loss_change"] = {"value": moved.difference, "ci": [jsonable(moved.lo), jsonable(moved.hi)]}
    return out


def _measured(p: NDArray[Any], y: NDArray[Any], unit: NDArray[Any]) -> dict[str, Any]:
    found = {name: _mean(name, p, y) for name in ("log_loss", "brier")}
    slope = calibration_slope(y, p, group=unit)
    return {**found, "ece": ece(y, p), "slope": _told(slope.slope), "in_the_large": _told(slope.in_the_large)}


def _mean(name: str, p: NDArray[Any], y: NDArray[Any]) -> float:
    return float(metrics[name].fn(y, p, np.ones((1, len(y))), np.zeros(len(y), dtype=np.int64))[0])


def _conformal(
    recipe: Recipe,
    p: NDArray[Any],
    y: NDArray[Any],
    unit: NDArray[Any],
    fold: NDArray[Any],
    classes: list[str] | None,
) -> dict[str, Any]:
    made = np.empty((len(y), 2) if classes is None else p.shape, dtype=float if classes is None else bool)
    for f in np.unique(fold):
        new = fold == f
        rest = p[~new], y[~new], unit[~new]
        curve, fitted = recipe.recalibrator(*rest), recipe.conformal(*rest)
        if fitted is not None:
            made[new] = fitted.predict(p[new] if curve is None else curve.transform(p[new]))
    found = coverage(y, made, group=unit)
    out: dict[str, Any] = {
        "level": recipe.level,
        **_share(found["marginal"]),
        "size": found["marginal"]["size"],
    }
    if classes is not None:
        out["for_each_class"] = bool(recipe.by_class)
        out["by_class"] = {classes[int(k)]: _share(line) for k, line in found["by_class"].items()}
    return out


def _share(line: dict[str, Any]) -> dict[str, Any]:
    return {"coverage": line["coverage"], "ci": [line["lo"], line["hi"]]}


def _told(found: Interval) -> dict[str, Any]:
    return {name: found.to_dict()[name] for name in ("value", "ci")}
