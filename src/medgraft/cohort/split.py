"""Making splits: whose rows teach and whose rows test."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError, did_you_mean
from medgraft.cohort.cohort import Cohort
from medgraft.cohort.deal import check_folds, draw_labelled, test_folds
from medgraft.cohort.splits import Split, Splits

__all__ = ["Split", "Splits", "domain_splits", "external_splits", "kfold_splits"]

Ints = NDArray[np.intp]


def kfold_splits(
    cohort: Cohort,
    *,
    target: str | None = None,
    folds: int = 5,
    repeats: int = 1,
    labels_per_class: Sequence[int] = (),
    seed: int = 0,
) -> Splits:
    """Cross-validate over the target's rows; rows of other domains are always in training, labelled.

    In each repeat every target row is tested exactly once. Folds are stratified by class and keep
    patients whole; where a patient has rows in other domains too, these leave training while the patient
    is tested. With groups, folds and draws depend on the patients' names and not on the order of rows.

    Parameters
    ----------
    cohort : Cohort
    target : str, optional
        The domain that is tested; None for all rows.
    folds : int, default 5
    repeats : int, default 1
        Each repeat deals the folds anew.
    labels_per_class : sequence of int
        Budgets. For N, target training rows are drawn until each class has N labelled ones (regression: N
        in all), and the rest is unlabelled. Draws are nested: a smaller budget's rows are in a
        larger's. Patients are labelled whole, so with several rows per patient a class can get more than
        N. 0 labels nobody; -1, and an empty sequence, everybody.
    seed : int, default 0

    Raises
    ------
    MedgraftError
        The target is unknown, a class or the whole has fewer rows (patients) than folds, or a budget
        exceeds what training holds.

    Notes
    -----
    Cost O(n folds repeats budgets).
    """
    _check_counts(folds=folds, repeats=repeats, seed=seed)
    is_target = _is_target(cohort, target)
    budgets = _budgets(labels_per_class)
    rows = np.flatnonzero(is_target)
    check_folds(cohort, rows, folds)

    def deal() -> Iterator[Split]:
        for repeat in range(repeats):
            for fold, test in enumerate(test_folds(cohort, rows, folds, seed, repeat)):
                train = _without(cohort, test, np.arange(cohort.n))
                yield from _label(cohort, train, test, is_target, budgets, (seed, repeat, fold))

    return Splits.of(deal())


def external_splits(
    cohort: Cohort,
    test_rows: NDArray[Any] | Sequence[int],
    *,
    target: str | None = None,
    repeats: int = 1,
    labels_per_class: Sequence[int] = (),
    seed: int = 0,
) -> Splits:
    """Train on all rows but some, and test on those: one fold per repeat.

    Parameters
    ----------
    cohort : Cohort
    test_rows : array of int
        Row numbers, or bool (n,).
    target, repeats, labels_per_class, seed
        As in :func:`kfold_splits`; repeats differ in the labels drawn only.

    Raises
    ------
    MedgraftError
        There are no test rows or no others, or a patient is on both sides.
    """
    _check_counts(repeats=repeats, seed=seed)
    is_target = _is_target(cohort, target)
    given = np.asarray(test_rows)
    inside = np.zeros(cohort.n, dtype=bool)
    inside[given if given.dtype == bool else given.astype(np.intp)] = True
    test, rest = np.flatnonzero(inside), np.flatnonzero(~inside)
    if len(test) == 0 or len(rest) == 0:
        raise MedgraftError("An external test needs rows to test on and other rows to train on.")
    shared = np.intersect1d(cohort.groups[test], cohort.groups[rest])
    if len(shared):
        raise MedgraftError(
            f"{len(shared)} patients are in both the training data and the test set (column "
            f"'{cohort.group}'): remove them from one, or rename them if they are different people."
        )
    _check_classes(cohort, rest, "the training rows")
    budgets = _budgets(labels_per_class)
    return Splits.of(
        split
        for repeat in range(repeats)
        for split in _label(cohort, rest, test, is_target, budgets, (seed, repeat, 0))
    )


def domain_splits(cohort: Cohort, *, seed: int = 0) -> Splits:
    """Leave one domain out: each in turn is the test, and nothing of it is in training.

    Patients with rows in the tested domain are not in training either. There is no chance in it, so
    `seed` changes nothing; it is there so that all makers of splits are called alike.

    Parameters
    ----------
    cohort : Cohort
        With at least two domains; fold k tests the k-th name of the alphabet.
    seed : int

    Raises
    ------
    MedgraftError
        There are fewer than two domains, or without one of them training would have one class only.
    """
    domains = cohort.domains
    if domains is None:
        raise MedgraftError(
            "Leaving one domain out needs domains: say with --domain which column holds the sites."
        )
    names = np.unique(domains)
    if len(names) < 2:
        raise MedgraftError(f"Leaving one domain out needs two, but '{cohort.domain}' has '{names[0]}' only.")
    splits = []
    for fold, name in enumerate(names):
        test = np.flatnonzero(domains == name)
        train = _without(cohort, test, np.arange(cohort.n))
        _check_classes(cohort, train, f"the rows outside the domain '{name}'")
        splits.append(Split(0, fold, -1, train, np.empty(0, np.intp), test))
    return Splits.of(splits)


def _label(
    cohort: Cohort,
    train: Ints,
    test: Ints,
    is_target: NDArray[np.bool_],
    budgets: list[int],
    key: tuple[int, ...],
) -> Iterator[Split]:
    """Yield one split per budget; `key` is seed, repeat and fold."""
    source, own = train[~is_target[train]], train[is_target[train]]
    if 0 in budgets and len(source) == 0:
        raise MedgraftError(
            "--labels-per-class 0 leaves nothing to learn from: give source rows with --domain or --source, "
            "or at least 1 label."
        )
    drawn = draw_labelled(cohort, own, [b for b in budgets if b >= 0], np.random.default_rng([*key, 1]))
    for budget in budgets:
        labelled = own if budget < 0 else drawn[budget]
        unlabelled = np.setdiff1d(own, labelled, assume_unique=True)
        yield Split(key[1], key[2], budget, np.sort(np.r_[source, labelled]), unlabelled, test)


def _without(cohort: Cohort, test: Ints, rows: Ints) -> Ints:
    """Rows of patients who are not tested."""
    tested = np.zeros(int(cohort.groups.max()) + 1, dtype=bool)
    tested[cohort.groups[test]] = True
    return rows[~tested[cohort.groups[rows]]]


def _is_target(cohort: Cohort, target: str | None) -> NDArray[np.bool_]:
    if target is None:
        return np.ones(cohort.n, dtype=bool)
    if cohort.domains is None:
        raise MedgraftError(
            f"The target '{target}' needs domains: say with --domain which column holds the sites."
        )
    is_target: NDArray[np.bool_] = cohort.domains == str(target)
    if not is_target.any():
        known = np.unique(cohort.domains).tolist()
        hint = did_you_mean(str(target), known) or f" It has: {', '.join(known[:20])}."
        left = next((f" {w}" for w in cohort.warnings if "have no label" in w), "")
        raise MedgraftError(
            f"The column '{cohort.domain}' has no domain '{target}' to be the target.{hint}{left}"
        )
    return is_target


def _budgets(labels_per_class: Sequence[int]) -> list[int]:
    budgets = list(dict.fromkeys(int(b) for b in labels_per_class)) or [-1]
    if min(budgets) < -1:
        raise MedgraftError(f"--labels-per-class must be 0 or more, not {min(budgets)}.")
    return budgets


def _check_counts(*, folds: int = 2, repeats: int = 1, seed: int = 0) -> None:
    if folds < 2:
        raise MedgraftError(f"--folds must be 2 or more, not {folds}.")
    if repeats < 1:
        raise MedgraftError(f"--repeats must be 1 or more, not {repeats}.")
    if seed < 0:
        raise MedgraftError(f"--seed must be 0 or more, not {seed}.")


def _check_classes(cohort: Cohort, rows: Ints, where: str) -> None:
    if cohort.task == "multilabel":
        for label, column in zip(cohort.classes or (), cohort.y[rows].T, strict=True):
            if len(np.unique(column[~np.isnan(column)])) < 2:
                raise MedgraftError(
                    f"Training needs rows with and without the label '{label}', but {where} have one kind "
                    "only."
                )
        return
    present = np.unique(cohort.y[rows])
    if cohort.classes is not None and len(present) < 2:
        has = f"'{cohort.classes[int(present[0])]}' only" if len(present) else "no rows"
        raise MedgraftError(f"Training needs two classes, but {where} have {has}.")
