"""The plan of a trial: what will load, adapt and freeze, at which rates, and what it will cost."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from medgraft.cohort import Split
from medgraft.methods import Guarded
from medgraft.trial.arms import Arm, Workbench, build
from medgraft.trial.design import Design
from medgraft.trial.tasks import TrainingData, run_task


@dataclass(frozen=True)
class Plan:
    """What a trial is about to do; ``plan.json`` in the run folder.

    Attributes
    ----------
    arms : list of dict
        For each arm: name, method, role, family, settings, number of fits, predicted CPU seconds, and for
        networks what loads, adapts, freezes, the learning rates, the BatchNorm policy and the augmentation.
    design : dict
        Kind of split, folds, repeats, label budgets, seed.
    digest : str
        SHA-256 over everything that fixes the figures; resuming asks for the same digest.
    """

    arms: list[dict[str, Any]]
    design: dict[str, Any]
    digest: str

    @property
    def cpu_minutes(self) -> float:
        """Predicted CPU minutes of the whole trial."""
        return float(sum(a["cpu_seconds"] for a in self.arms)) / 60

    def to_dict(self) -> dict[str, Any]:
        """Return the content of ``plan.json``."""
        return {
            "design": self.design,
            "arms": self.arms,
            "cpu_minutes": self.cpu_minutes,
            "digest": self.digest,
        }

    def write(self, path: Path) -> None:
        """Write ``plan.json``."""
        partial = path.with_name(path.name + ".tmp")
        partial.write_text(json.dumps(self.to_dict(), indent=2) + "\n")
        partial.replace(path)  # whole or not at all: --resume reads it

    def __str__(self) -> str:
        rows = [f"Plan: {self.design['sentence']}"]
        width = max(len(a["name"]) for a in self.arms)
        for a in self.arms:
            rows.append(
                f"  {a['name']:<{width}}  {a['fits']:>4} fits  about {_duration(a['cpu_seconds'])} CPU"
            )
            for key in ("load", "adapt", "freeze", "learning_rates", "batchnorm", "augmentation"):
                if a.get(key):
                    rows.append(f"  {'':<{width}}    {key.replace('_', ' ')}: {_plain(a[key])}")
        rows.append(f"In all about {_duration(60 * self.cpu_minutes)} of CPU time.")
        return "\n".join(rows)


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k} {v:g}" if isinstance(v, float) else f"{k} {v}" for k, v in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds / 60:.1f} min"


def digest(design: Design, arms: Sequence[Arm], source: str, metric: str, version: str) -> str:
    """Return the SHA-256 of all that fixes a trial's figures."""
    h = hashlib.sha256()
    h.update(design.data.fingerprint().encode())
    for column in design.splits.table.columns:
        values = design.splits.table[column].to_numpy()
        h.update("|".join(map(str, values)).encode())
    named = [[a.name, a.method, sorted(a.settings.items())] for a in arms]
    h.update(json.dumps([named, design.seed, design.target, source, metric, version], default=str).encode())
    return h.hexdigest()


def describe(
    arms: Sequence[Arm],
    bench: Workbench,
    data: TrainingData,
    splits: Sequence[Split],
    pool: Callable[[Arm], tuple[Arm, ...]],
    tell: Callable[[str], None] = lambda what: None,
) -> list[dict[str, Any]]:
    """Return one dict for each arm; its cost is predicted from a timed probe.

    A network says itself what a step costs; an array method is fitted once, on the first split.
    ``guarded`` costs what its candidates cost in its inner splits, and one more.
    """
    costs: dict[str, float] = {}
    rows = []
    for a in arms:
        tell(a.name)
        estimator = build(a, bench, 0)
        row: dict[str, Any] = {
            "name": a.name,
            "method": a.method,
            "role": a.entry.role,
            "family": a.entry.family,
            "settings": a.settings,
            "fits": len(splits),
        }
        first = splits[0]
        if isinstance(estimator, Guarded):
            inner = 1 if bench.kind == "image" else estimator.inner_folds
            candidates = [costs.get(c.name, 0.0) for c in pool(a)]
            each = inner * float(np.sum(candidates)) + max(candidates, default=0.0)
        elif hasattr(estimator, "plan"):
            said = estimator.plan(len(first.labelled), len(first.test))
            each = float(said.pop("cpu_seconds"))
            row |= said
        else:
            each = run_task(estimator, data, first, threads=1)[0].cpu_seconds
        costs[a.name] = each
        row["cpu_seconds"] = each * len(splits)
        rows.append(row)
    return rows
