"""What a recipe would run, without running it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors.torch import save_file

from medgraft.cohort import Cohort
from medgraft.cohort.split import kfold_splits
from medgraft.sources.build import build
from medgraft.sources.resolve import resolve
from medgraft.studies import studies
from medgraft.studies.kit import Run
from medgraft.studies.kit.found import Found, find
from medgraft.trial import Trial


class Planned(NamedTuple):
    """One call of ``run.trial``."""

    title: str
    cohort: Cohort
    arms: list[str]
    method: str
    settings: dict[str, Any]

    def trial(self) -> Trial:
        """The trial that would run."""
        return Trial(self.cohort, list(dict.fromkeys(self.arms)), **self.settings)

    def on_both_sides(self, column: str) -> int:
        """How many values of a column, such as patients, teach and are tested in some split."""
        who = self.cohort.table[column].to_numpy()
        splits = self.trial().splits
        return sum(len({*who[s.labelled], *who[s.unlabelled]} & {*who[s.test]}) for s in splits)

    def estimator(self, arm: str) -> Any:
        """The unfitted estimator of an arm, as in the first split."""
        trial = self.trial()
        return trial.build(next(a for a in trial.arms if a.name == arm), trial.splits[0])


def small_network(folder: Path, name: str) -> str:
    """Write a network of random weights that may stand for a pretrained one."""
    path = folder / f"{name}.safetensors"
    tensors = build(resolve("medgraft:cifar_resnet20"), 3, seed=len(name)).state_dict()
    facts = {"library": "medgraft", "architecture": "cifar_resnet20", "input_size": "32"}
    save_file(tensors, str(path), metadata=facts)
    return str(path)


def planned(
    key: str,
    folder: Path,
    monkeypatch: Any,
    protocol: str = "honest",
    found: Found | None = None,
    data: Sequence[Any] = (),
    backbones: Sequence[str] = (),
    beside: list[tuple[str, str]] | None = None,
    **settings: Any,
) -> list[Planned]:
    """Return the trials of a recipe on generated data, `found` or `data`, with networks of random weights.

    `beside` receives the pairs of arms that ``against`` is asked about.
    """
    study = studies[key]
    calls: list[Planned] = []

    def note(self: Run, title: str, cohort: Cohort, arms: list[str], *, method: str, **given: Any) -> None:
        calls.append(Planned(title, cohort, list(arms), method, given))

    def noted(run: Run, title: str, result: Any, method: str, other: str, **given: Any) -> None:
        if beside is not None:
            beside.append((method, other))

    monkeypatch.setattr(Run, "trial", note)
    for name, stand_in in (("against", noted), ("best_on_test", lambda *given: None)):  # on a trial's result
        monkeypatch.setattr(f"{study.recipe.__module__}.{name}", stand_in, raising=False)
    nets = backbones or [small_network(folder, f"net{'x' * k}") for k in range(len(study.networks))]
    given = find(study, data, not data, folder / "data", 0) if found is None else found
    study.recipe(Run(study, given, folder / "run", protocol, backbones=nets, **settings))
    return calls


def trials_of(
    key: str,
    folder: Path,
    monkeypatch: Any,
    *,
    protocol: str = "honest",
    data: Sequence[Any] = (),
    **settings: Any,
) -> list[Planned]:
    """Return the same with an architecture alone, which is quicker where no arm is built."""
    nets = ("medgraft:cifar_resnet20",)
    return planned(key, folder, monkeypatch, protocol, data=data, backbones=nets, **settings)


def on_both_sides(cohort: Cohort, who: Any, folds: int = 2) -> int:
    """Count test rows whose `who` also teaches, over the splits that a trial would make."""
    who = np.asarray(who)
    return sum(
        int(np.isin(who[s.test], who[s.labelled]).sum()) for s in kfold_splits(cohort, folds=folds, seed=0)
    )
