"""The design of a trial: whose rows teach, whose rows test, and which arms can run on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort import (
    Cohort,
    Splits,
    append,
    domain_splits,
    external_splits,
    kfold_splits,
    time_splits,
)
from medgraft.cohort.conventions import same_people
from medgraft.cohort.labels import names
from medgraft.cohort.time import timed
from medgraft.methods import Method, entries
from medgraft.trial.arms import Arm, arm


@dataclass(frozen=True)
class Design:
    """Everything that fixes a trial's figures before anything is fitted.

    Attributes
    ----------
    data : Cohort
        The target cohort with the rows of source cohorts and of an external test set appended.
    target : str or None
        The target domain; None when the cohort has no domains.
    splits : Splits
    kind : str
        ``"cross-validation"``, ``"external test"``, ``"leave one domain out"`` or ``"time-ordered"``.
    labels_per_class : tuple of int
        Label budgets; the first is the headline; empty means every label.
    """

    data: Cohort
    target: str | None
    splits: Splits
    kind: str
    labels_per_class: tuple[int, ...]
    folds: int
    repeats: int
    seed: int

    @property
    def headline(self) -> int:
        """The budget that the verdict is about; -1 means every label."""
        return self.labels_per_class[0] if self.labels_per_class else -1

    @property
    def time(self) -> str | None:
        """The feature that holds the times in a time-ordered trial."""
        return self.data.time if self.kind == "time-ordered" else None

    def satisfied(self, has_network: bool) -> set[str]:
        """Return which needs of methods this design can meet."""
        met = set()
        domains = self.data.domains
        if domains is not None and (self.target is None or bool((domains != self.target).any())):
            met.add("source")
        if self.kind != "leave one domain out":
            met.add("target-rows")
            if 0 not in self.labels_per_class:
                met.add("target-labels")
        if self.kind == "time-ordered":
            met.add("time")
        if self.data.kind == "image":
            met.add("images")
        if has_network:
            met.add("pretrained")
        return met


def design(
    cohort: Cohort,
    *,
    sources: Sequence[Cohort] = (),
    test: Cohort | None = None,
    target: str | None = None,
    folds: int | str = 5,
    repeats: int = 1,
    labels_per_class: Sequence[int] = (),
    seed: int = 0,
    first: float = 0.3,
) -> Design:
    """Join the cohorts and split them.

    Parameters
    ----------
    cohort : Cohort
        The target cohort; with domains, the rows outside `target` are source rows.
    sources : sequence of Cohort
        Further labelled cohorts to learn from.
    test : Cohort, optional
        An external test set: its rows are scored and never learnt from.
    target : str, optional
        The target domain; needed where `cohort` has domains.
    folds : int, "domain" or "time"
        Number of folds, one fold for each domain, or one for each patient, tested on the later records.
    repeats : int
        How often the folds and the label draws are repeated.
    labels_per_class : sequence of int
        How many target labels may be used (for regression: in all); empty means all of them.
    seed : int
    first : float
        Share of a patient's records that teach, with ``folds="time"``.

    Returns
    -------
    Design

    Raises
    ------
    MedgraftError
        The cohorts do not fit together, or cannot be split as asked.
    """
    if folds == "time":
        if sources or test is not None or target is not None or labels_per_class or repeats != 1:
            raise MedgraftError(
                "With --folds time each patient in turn is the target, and nothing is drawn: leave out "
                "--target, --source, --test, --labels-per-class and --repeats."
            )
        splits = time_splits(cohort, first=first)
        n_folds = splits.table["fold"].nunique()
        return Design(timed(cohort), None, splits, "time-ordered", (), n_folds, 1, seed)
    data = cohort
    if data.domain is not None and target is None and folds != "domain":
        names = ", ".join(f"'{d}'" for d in sorted(set(data.domains if data.domains is not None else ())))
        raise MedgraftError(f"Which domain is the target? Say it with --target; there are {names}.")
    if sources and data.domain is None:
        target = data.name
    for source in sources:
        data = append(data, source)
    if test is not None and folds == "domain":
        raise MedgraftError(
            "An external test set takes the place of folds: leave out --folds domain or --test."
        )
    common: dict[str, Any] = {"repeats": repeats, "labels_per_class": tuple(labels_per_class), "seed": seed}
    if test is not None:
        first = data.n
        data = _join_test(data, test, target)
        splits = external_splits(data, np.arange(first, data.n), target=target, **common)
        kind, n_folds = "external test", 1
    elif folds == "domain":
        if labels_per_class:
            raise MedgraftError(
                "With --folds domain the held-out domain has no labels: leave out --labels-per-class."
            )
        splits, kind = domain_splits(data, seed=seed), "leave one domain out"
        target, repeats = None, 1
        n_folds = int(splits.table["fold"].max()) + 1
    else:
        splits = kfold_splits(data, target=target, folds=int(folds), **common)
        kind, n_folds = "cross-validation", int(folds)
    return Design(data, target, splits, kind, tuple(labels_per_class), n_folds, repeats, seed)


def _join_test(data: Cohort, test: Cohort, target: str | None) -> Cohort:
    """Append the rows of an external test set; refuse what would make its figures wrong."""
    needed = [c for c in (*data.features, data.label) if c is not None]
    missing = [c for c in needed if c not in test.table.columns]
    if missing:
        raise MedgraftError(
            f"The test set '{test.name}' lacks the columns {', '.join(map(repr, missing))}: "
            "it must have the columns of the training data."
        )
    if data.classes is not None:
        unseen = sorted(set(test.classes or ()) - set(data.classes))
        if unseen:
            raise MedgraftError(
                f"The test set '{test.name}' has classes that training lacks: {', '.join(unseen)}."
            )
    data, test = same_people(data, test)
    if data.group is not None and data.group in test.table:
        known = [set(names(t[data.group])) - {None} for t in (data.table, test.table)]
        shared = known[0] & known[1]
        if shared:
            raise MedgraftError(
                f"{len(shared)} patients are in both the training data and the test set (column "
                f"'{data.group}'): remove them from one, or rename them if they are different people."
            )
    table = test.table.copy()
    if data.domain is not None and target is not None:
        table[data.domain] = target
    joined = pd.concat([data.table, table[[c for c in table.columns if c in data.table.columns]]])
    return replace(
        data,
        table=joined.reset_index(drop=True),
        warnings=(*data.warnings, *(f"Test set: {w}" for w in test.warnings)),
    )


def choose_arms(asked: Sequence[Arm | str] | None, design: Design, has_network: bool) -> list[Arm]:
    """Return the arms to run: those asked for, or the default methods whose needs are met.

    A name with ``*`` stands for every registered method of that pattern that can run. A control that every
    other arm is compared with is always among them.

    Raises
    ------
    MedgraftError
        An arm cannot run on this design, or there is nothing to transfer from.
    """
    met = design.satisfied(has_network)
    if asked:
        asked = [asked] if isinstance(asked, str | Arm) else asked
        asked = _spelt_out(asked, design, met)
        arms = [a if isinstance(a, Arm) else arm(a) for a in asked]
        for a in arms:
            _check(a, design, met)
    else:
        if not met & {"source", "pretrained"}:
            raise MedgraftError(
                "There is nothing to transfer from: give --domain and --target for other sites of the "
                "same table, or --source for a second cohort or a pretrained network."
            )
        arms = [arm(name) for name in entries if entries[name].default and _runs(name, design, met)]
    names = [a.name for a in arms]
    for name in names:
        if names.count(name) > 1:
            raise MedgraftError(
                f"The arm '{name}' is asked for twice: give it different settings, or drop one."
            )
    control = control_name(design, met, names)
    if control not in names:
        arms.append(arm(control))
    # Controls first, guarded last: the order in which tables and the report show them.
    rank = {"control": 0, "guard": 2}
    return sorted(arms, key=lambda a: (0 if a.name == control else 1, rank.get(a.entry.family, 1)))


def _spelt_out(asked: Sequence[Arm | str], design: Design, met: set[str]) -> list[Arm | str]:
    """Replace each pattern by the methods of that name that can run and are not asked for already."""
    out: list[Arm | str] = [a for a in asked if not _is_pattern(a)]
    for pattern in (a for a in asked if _is_pattern(a)):
        names = [name for name in entries.list(str(pattern)) if _runs(name, design, met)]
        if not names:
            raise MedgraftError(f"No method that can run on these data is called like '{pattern}'.")
        taken = {a if isinstance(a, str) else a.name for a in out}
        out += [name for name in names if name not in taken]
    return out


def _is_pattern(asked: Arm | str) -> bool:
    return isinstance(asked, str) and "*" in asked and ":" not in asked


def control_name(design: Design, met: set[str], names: Sequence[str] = ()) -> str:
    """Return the name of the arm without transfer that the others are compared with.

    It is ``scratch`` for networks, ``target-only`` where the target has labels, ``source-only``
    where it has none, ``pooled`` when whole domains are left out.
    """
    if design.kind == "leave one domain out":
        return "pooled"
    if "images" in met and "source" not in met:
        return next((n for n in names if n.split(":")[0] == "scratch"), "scratch")
    if design.kind == "time-ordered":  # what every model of a patient's course must beat
        return "last-value"
    default = "target-only" if "target-labels" in met else "source-only"
    return next((n for n in names if n.split(":")[0] == default), default)


_REASONS = {
    "source": "rows of another domain: give --domain and --target, or --source with a second cohort",
    "target-labels": "labels of the target: --labels-per-class must be above 0",
    "target-rows": "rows of the target in training, which --folds domain leaves out",
    "images": "images: the data are a table",
    "sites": "sites of several patients each, which --folds time has not",
    "time": "records in the order of time: give --folds time with --time and --group",
    "pretrained": "a pretrained network: give --source, for example timm:resnet18 or a safetensors file",
}


def _check(a: Arm, design: Design, met: set[str]) -> None:
    if lacking := _lacking(a.entry, met):
        raise MedgraftError(f"The arm '{a.name}' needs {_REASONS[lacking[0]]}.")
    task = design.data.task
    if task not in a.entry.tasks:
        raise MedgraftError(f"The arm '{a.name}' cannot do {task}: it does {', '.join(a.entry.tasks)}.")
    if a.method != "majority" and "images" in met and not met & {"pretrained"}:
        raise MedgraftError(f"On images the arm '{a.name}' needs {_REASONS['pretrained']}.")


def _lacking(entry: Method, met: set[str]) -> list[str]:
    """Return the needs of a method that this design cannot meet."""
    if entry.family == "federated" and "time" in met:  # there a site is one patient, who shares no sum
        return ["sites"]
    if entry.family == "guard" and "pretrained" in met:  # a network is a source to choose about, too
        met = met | {"source"}
    return [need for need in entry.needs if need not in met]


def _runs(name: str, design: Design, met: set[str]) -> bool:
    entry = entries[name]
    if _lacking(entry, met) or design.data.task not in entry.tasks:
        return False
    if design.kind == "leave one domain out":
        return entry.family == "control" and name != "source-only"  # pooled is the same there
    # On images without other sites the array methods have no source rows and would repeat the probe.
    if design.data.kind == "image" and "source" not in met:
        return "images" in entry.needs or name in ("majority", "guarded")
    return True
