"""The plan of a trial: what will load, adapt and freeze, at which rates, and what it will cost."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from medgraft.base import MedgraftError
from medgraft.cohort import Split
from medgraft.methods import Guarded
from medgraft.methods.ensemble.base import Ensemble
from medgraft.methods.tuning.tuned import Tuned
from medgraft.trial.arms import Arm
from medgraft.trial.design import Design
from medgraft.trial.outlines import probe
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
            if (a.get("prefix_cache") or {}).get("bytes"):
                rows.append(f"  {'':<{width}}    prefix cache: {_cache(a['prefix_cache'])}")
        rows.append(f"In all about {_duration(60 * self.cpu_minutes)} of CPU time.")
        return "\n".join(rows)


def _cache(said: dict[str, Any]) -> str:
    where = {"disk": "on disk", "memory": "in memory"}[said["place"]]
    return f"{said['bytes'] / 1e6:.0f} MB {where}, saves about {_duration(said['saves_cpu_seconds'])} CPU"


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
    how = [design.seed, design.target, design.aggregate]
    h.update(json.dumps([named, *how, source, metric, version], default=str).encode())
    return h.hexdigest()


class Probe:
    """CPU seconds of one fit and its predictions, each arm measured once, on the first split.

    Parameters
    ----------
    data : TrainingData
    first : Split
    """

    def __init__(self, data: TrainingData, first: Split) -> None:
        self.data, self.first = data, first
        self.known: dict[str, float] = {}
        self.said: dict[str, dict[str, Any]] = {}  # what networks say of themselves beside

    def seconds(self, name: str, estimator: Any) -> float:
        """Return the cost of an arm, known by its name once it was measured."""
        if name not in self.known:
            self.known[name] = self._seconds(name, estimator)
        return self.known[name]

    def _members(self, estimator: Any) -> list[float]:
        """Return the cost of each candidate; one that cannot be fitted is left out inside, too."""
        each = []
        for name, member in (estimator.candidates or {}).items():
            with suppress(MedgraftError):
                each.append(self.seconds(name, member))
        return each

    def _seconds(self, name: str, estimator: Any) -> float:
        if isinstance(estimator, Guarded):
            each = self._members(estimator)
            return estimator.inner_folds * float(np.sum(each)) + max(each, default=0.0)
        if isinstance(estimator, Ensemble):
            each = self._members(estimator)
            return (estimator.inner_folds * estimator.needs_held_out + 1) * float(np.sum(each))
        if isinstance(estimator, Tuned):
            plain = estimator.at_start()
            cost = estimator.fits * self.seconds(f"{name} once", plain)
            self.said[name] = self.said.get(f"{name} once", {})
            return cost
        if hasattr(estimator, "plan"):
            said = estimator.plan(len(self.first.labelled), len(self.first.test))
            cost = float(said.pop("cpu_seconds"))
            self.said[name] = said
            return cost
        if self.data.outlines is not None:
            cost, self.said[name] = probe(estimator, self.data, self.first)
            return cost
        return run_task(estimator, self.data, self.first, threads=1)[0].cpu_seconds


def describe(
    arms: Sequence[Arm],
    make: Callable[[Arm], Any],
    data: TrainingData,
    splits: Sequence[Split],
    tell: Callable[[str], None] = lambda what: None,
) -> list[dict[str, Any]]:
    """Return one dict for each arm; its cost is predicted from a timed probe.

    A network says itself what a step costs; an array method is fitted once, on the first split.
    ``guarded`` costs what its candidates cost in its inner splits, and one more; an ensemble, what its
    members cost in them, and each once more; a search, what the arm costs in them for all it may try.
    """
    probe = Probe(data, splits[0])
    rows = []
    for a in arms:
        tell(a.name)
        estimator = make(a)
        row: dict[str, Any] = {
            "name": a.name,
            "method": a.method,
            "role": a.entry.role,
            "family": a.entry.family,
            "settings": a.settings,
            "fits": len(splits),
        }
        row["cpu_seconds"] = probe.seconds(a.name, estimator) * len(splits)
        row |= probe.said.get(a.name, {})
        rows.append(row)
    return rows
