"""How a guard compares arms inside its training part, and what it says of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError
from medgraft.evidence import choose, choose_unlabelled, default_metric, effective_patients, too_few
from medgraft.methods.components import components
from medgraft.methods.feature.aligning import can_align
from medgraft.methods.inner_fits import (
    Given,
    by_patient,
    held_out_folds,
    nothing_to_compare,
    out_of_fold,
    there_and_back,
)
from medgraft.methods.instance.ratio import even_out
from medgraft.methods.instance.ulsif import density_ratio
from medgraft.methods.instance.weighting import side_of
from medgraft.methods.rows import Rows
from medgraft.methods.splits import Floats, Ints, number_again


@dataclass(frozen=True)
class InnerChoice:
    """How to choose; the attributes are settings of `medgraft.methods.Guarded`."""

    metric: str
    inner_folds: int
    rule: str
    time: str | None
    margin: float
    unlabelled: str
    random_state: int
    aggregate: str | None = None
    featuriser: Any = None

    def choose(
        self,
        given: Given,
        rows: Rows,
        arms: dict[str, Any],
        control: str,
        subgroups: dict[str, NDArray[Any]],
    ) -> dict[str, Any]:
        """Compare the arms on held-out patients; return the guard's report."""
        own = np.flatnonzero(rows.target & rows.labelled)
        # Without a target label, source patients that look like the target's stand in for them.
        at = own if len(own) else np.flatnonzero(rows.source & rows.labelled)
        task = "regression" if not rows.k else "binary" if rows.k == 2 else "multiclass"
        metric = default_metric(task) if self.metric == "auto" else self.metric
        patients = number_again(rows.units[at])
        report: dict[str, Any] = {
            "choice": control,
            "control": control,
            "reason": "",
            "metric": metric,
            "inner_folds": self.inner_folds,
            "n_labelled": len(own),
            "n_patients": len(np.unique(rows.units[own])),
            "table": [],
            "skipped": {},
        }
        if why := nothing_to_compare(rows, at) or self._nothing_to_weight(rows, own):
            report["reason"] = f"The control {control} is kept: {why}."
            return report
        forward = self.time is not None and bool(len(own))
        fold, parts = held_out_folds(
            rows, at, self.inner_folds, self.random_state, self.time if forward else None
        )
        if not parts:
            report["reason"] = (
                f"The control {control} is kept: the labelled rows of all target patients end at one time, "
                "so that nothing can be forecast."
            )
            return report
        held = np.isin(fold, parts)
        if not len(own):
            weight, why = self._weights(given, rows, at[held])
            if why:
                report["reason"] = f"The control {control} is kept: {why}."
                return report
        made = there_and_back if not len(own) and self.unlabelled == "circular" else out_of_fold
        if forward:
            made = partial(out_of_fold, forward=True)
        preds: dict[str, Floats] = {}
        for name, arm in arms.items():
            try:
                preds[name] = made(given, rows, at, fold, parts, arm)[held]
            except MedgraftError as error:
                if name == control:
                    raise
                report["skipped"][name] = str(error)
        if len(own):
            told: dict[str, Any] = {
                "group": patients[held],
                "fold": fold[held],
                "weight": rows.weight[at][held],
            }
            told |= {f"subgroup {k}": v[rows.index[at]][held] for k, v in subgroups.items()}
            y = rows.y[at][held]
            if self.aggregate is not None:
                y, preds, told = by_patient(y, preds, told, self.aggregate)
            choice = choose(
                metric,
                y,
                preds,
                control,
                **{k: told[k] for k in ("group", "fold", "weight")},
                seed=self.random_state,
                rule=self.rule,
                subgroups={k: told[f"subgroup {k}"] for k in subgroups},
                margin=self.margin,
            )
        else:
            choice = choose_unlabelled(
                rows.y[at[held]], preds, weight, control, group=rows.units[at[held]], how=self.unlabelled
            )
        reason = choice.reason
        if subgroups and not len(own):
            reason += " Subgroups were not compared: no target patient has a label."
        return {**report, "choice": choice.name, "reason": reason, "table": choice.table}

    def _weights(self, given: Given, rows: Rows, at: Ints) -> tuple[Floats, str]:
        """Weights of source rows that make them like the target's, and why they cannot be had."""
        weight = rows.weight[at]
        if self.unlabelled != "importance-weighted":
            return weight, ""
        if self.featuriser is None:
            Z = rows.encoder().transform(rows.table)
        else:
            Z = components(self.featuriser.transform(given.take(rows.index)), rows.weight)
        source, target = (side_of(Z, rows, s, self.random_state) for s in (rows.source, rows.target))
        ratio = density_ratio(source, target, self.random_state)
        raw = ratio(Z[at])
        weight = weight * (even_out(raw, weight) if raw.any() else raw)
        return weight, too_few(effective_patients(weight, rows.units[at], ratio(target.Z)))

    def _nothing_to_weight(self, rows: Rows, own: Ints) -> str:
        """Why source patients cannot stand in for the target's where none of these has a label."""
        if len(own):
            return ""
        if not can_align(rows):
            return (
                "no target patient has a label and fewer than two are known, so that nothing can be compared"
            )
        needed = self.unlabelled == "importance-weighted" and self.featuriser is None
        if needed and not rows.table.numbers.shape[1]:
            return "no target patient has a label, and source patients can be weighted by numbers only"
        return ""
