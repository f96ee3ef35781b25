"""The chances in a split: dealing patients to folds, and drawing whose labels are known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError
from medgraft.cohort.cohort import Cohort
from medgraft.cohort.stratify import iterative_folds

Ints = NDArray[np.intp]


def check_folds(cohort: Cohort, rows: Ints, folds: int) -> None:
    """Check that every fold can have a patient, and one of each class, or with and without each label.

    Raises
    ------
    MedgraftError
        There are fewer patients, or fewer of the smallest class, than folds.
    """
    what = "samples" if cohort.group is None else f"patients (column '{cohort.group}')"
    n = len(np.unique(cohort.groups[rows]))
    if n < folds:
        raise MedgraftError(
            f"There are {n} {what} to test on, fewer than {folds} folds: lower --folds, or add data."
        )
    if cohort.classes is None:
        return
    y = cohort.y[rows]
    if cohort.task == "multilabel":
        for label, column in zip(cohort.classes, y.T, strict=True):
            for value, has in ((1, "with"), (0, "without")):
                n = len(np.unique(cohort.groups[rows[column == value]]))
                if n < folds:
                    raise MedgraftError(
                        f"There are {n} {what} {has} the label '{label}' to test on, fewer than {folds} "
                        "folds: lower --folds, or leave the label out."
                    )
        return
    present = np.unique(y)
    if len(present) < 2:
        only = cohort.classes[int(present[0])]
        sites = [] if cohort.domains is None else np.unique(cohort.domains[rows]).tolist()
        where = f" of '{sites[0]}'" if len(sites) == 1 else ""
        raise MedgraftError(
            f"The samples to test on{where} have one class only, '{only}': nothing can be compared on them; "
            "test where both are found (another --target, or other --test data), or choose another label."
        )
    sizes = {int(c): len(np.unique(cohort.groups[rows[y == c]])) for c in present}
    smallest = min(sizes, key=lambda c: sizes[c])
    if sizes[smallest] < folds:
        raise MedgraftError(
            f"The class '{cohort.classes[smallest]}' has {sizes[smallest]} {what} to test on, fewer than "
            f"{folds} folds: lower --folds, or leave the class out."
        )


def test_folds(cohort: Cohort, rows: Ints, folds: int, seed: int, repeat: int) -> Iterator[Ints]:
    """Yield the test rows of each fold: patients whole, classes in equal shares as far as that goes."""
    from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

    chance = int(np.random.default_rng([seed, repeat]).integers(2**31))
    if cohort.task == "multilabel":
        units = np.unique(cohort.groups[rows], return_inverse=True)[1].reshape(-1)
        fold = iterative_folds(cohort.y[rows] == 1, units, folds, chance)
        yield from (rows[fold == f] for f in range(folds))
        return
    stratified = cohort.classes is not None
    if cohort.group is None:
        maker = (StratifiedKFold if stratified else KFold)(folds, shuffle=True, random_state=chance)
    else:
        maker = (StratifiedGroupKFold if stratified else GroupKFold)(folds, shuffle=True, random_state=chance)
    groups = None if cohort.group is None else cohort.groups[rows]
    for _, test in maker.split(np.empty((len(rows), 0)), cohort.y[rows], groups):
        yield rows[test]


def draw_labelled(
    cohort: Cohort, rows: Ints, budgets: Sequence[int], rng: np.random.Generator
) -> dict[int, Ints]:
    """Draw whose labels are known, for each budget; smaller budgets' rows are in the larger ones'.

    Patients are called in random order. One who has a row of a class that is still short of its N labels
    is labelled, with all rows. For regression all rows count as one class; of several labels each makes two,
    the rows that have it and those that do not.

    Raises
    ------
    MedgraftError
        A class has fewer rows than the budget.
    """
    if not len(budgets):
        return {}
    member = _members(cohort, rows)
    available = member.sum(axis=0)
    patients, of_row = np.unique(cohort.groups[rows], return_inverse=True)
    order = rng.permutation(len(patients)).tolist()
    counts: list[dict[int, int]] = [{} for _ in patients]
    where, which = np.nonzero(member)
    for patient, c in zip(of_row[where].tolist(), which.tolist(), strict=True):
        counts[patient][c] = counts[patient].get(c, 0) + 1
    taken = np.zeros(len(patients), dtype=bool)
    have = [0] * len(available)
    drawn: dict[int, Ints] = {}
    for budget in sorted(budgets):
        _check_budget(cohort, budget, available)
        for patient in order:
            if not taken[patient] and any(have[c] < budget for c in counts[patient]):
                taken[patient] = True
                for c, rows_of_class in counts[patient].items():
                    have[c] += rows_of_class
        drawn[budget] = np.sort(rows[taken[of_row]])
    return drawn


def _members(cohort: Cohort, rows: Ints) -> NDArray[np.bool_]:
    """Whether each row counts for each class, (n, K): as `draw_labelled` says."""
    if cohort.classes is None:
        return np.ones((len(rows), 1), dtype=bool)
    y = cohort.y[rows]
    if cohort.task == "multilabel":
        return np.hstack([y == 1, y == 0])
    return np.asarray(y[:, None] == np.arange(len(cohort.classes)))


def _check_budget(cohort: Cohort, budget: int, available: Ints) -> None:
    short = [c for c, n in enumerate(available) if (n > 0 or cohort.classes is None) and n < budget]
    if short:
        of = ""
        if cohort.classes and cohort.task == "multilabel":
            has = "with" if short[0] < len(cohort.classes) else "without"
            of = f"{has} the label '{cohort.classes[short[0] % len(cohort.classes)]}' "
        elif cohort.classes:
            of = f"of the class '{cohort.classes[short[0]]}' "
        raise MedgraftError(
            f"--labels-per-class {budget} asks for more than the {available[short[0]]} target samples "
            f"{of}that a training part holds: ask for fewer, or for more --folds, "
            "whose training parts are larger."
        )
