"""What the recipe of a study asks for, without training anything."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from medgraft.cohort import Cohort
from medgraft.cohort.split import kfold_splits
from medgraft.studies import studies
from medgraft.studies.kit.found import find
from medgraft.studies.kit.run import Run


@dataclass
class Asked:
    """A trial that a recipe asked for."""

    title: str
    cohort: Cohort
    arms: list[str]
    method: str
    settings: dict[str, Any]


@dataclass
class Spy(Run):
    """A run whose trials are only written down."""

    asked: list[Asked] = field(default_factory=list)

    def trial(self, title, cohort, arms, *, method, **settings):
        self.asked.append(Asked(title, cohort, list(arms), method, settings))


def trials_of(key, folder, monkeypatch, *, protocol="honest", data=(), **settings):
    """Return the trials that a recipe asks for on generated data, or on `data`."""
    s = studies[key]
    found = find(s, data, not data, folder / "data", 0)
    run = Spy(s, found, folder, protocol, backbones=("medgraft:cifar_resnet20",), **settings)
    for name in ("against", "best_on_test"):  # what goes on with a trial's result
        monkeypatch.setattr(f"{s.recipe.__module__}.{name}", lambda *given: None, raising=False)
    s.recipe(run)
    return run.asked


def on_both_sides(cohort, who, folds=2):
    """Count test rows whose `who` also teaches, over the splits that a trial would make."""
    who = np.asarray(who)
    return sum(
        int(np.isin(who[s.test], who[s.labelled]).sum()) for s in kfold_splits(cohort, folds=folds, seed=0)
    )
