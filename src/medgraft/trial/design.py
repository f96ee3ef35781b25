"""The design of a trial: whose rows teach, and whose rows test."""

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
from medgraft.cohort.media import ARRAYS, SEEN
from medgraft.cohort.segmentation import SEGMENTATION
from medgraft.cohort.time import timed
from medgraft.sources.pretrained import Pretrained


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
    aggregate: str | None = None  # how the rows of a patient become one prediction

    @property
    def headline(self) -> int:
        """The budget that the verdict is about; -1 means every label."""
        return self.labels_per_class[0] if self.labels_per_class else -1

    @property
    def time(self) -> str | None:
        """The feature that holds the times in a time-ordered trial."""
        return self.data.time if self.kind == "time-ordered" else None

    def satisfied(self, networks: Sequence[Pretrained]) -> set[str]:
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
        if self.data.kind in SEEN:
            met.add("images")
        if self.data.kind in ARRAYS:
            met.add("views")
        if self.data.kind in SEEN and self.data.X[self.data.kind].isna().any():
            met.add("gaps")  # no need of any method, but what only those bear that read other kinds, too
        if self.data.task == SEGMENTATION:  # to a method that outlines, a volume is also a stack of images
            met |= {"masks", "images", *(f"{kind}s" for kind in self.data.kinds)}
        if networks:
            met.add("network")
        if any(network.trained for network in networks):
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
    if cohort.task == SEGMENTATION and folds in ("domain", "time"):
        raise MedgraftError(
            f"--folds {folds} has no control that outlines: give a number of folds, or test data with --test."
        )
    if folds == "time" and cohort.task == "multilabel":
        raise MedgraftError("With --folds time one label is forecast: give --label one column of yes and no.")
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
