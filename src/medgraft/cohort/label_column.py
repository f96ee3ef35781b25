"""The label's column: which one, which rows have it, and what task it makes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort.formats import Say
from medgraft.cohort.labels import TASKS, choose_positive, infer_task, name, names, sort_names
from medgraft.cohort.levels import order_levels
from medgraft.cohort.multilabel import check_labels


def no_label(frame: pd.DataFrame, where: str, known: dict[str, str]) -> str:
    """Return the question to ask where no label was named."""
    if "image" in known and list(frame.columns) == ["image", "file"]:
        return (
            f"The images of '{where}' lie directly in it: put them into one folder per class, or give a "
            "manifest table with --image and --label."
        )
    columns = list(frame.columns)
    shown = ", ".join(columns[:12]) + (f", ... ({len(columns)} in all)" if len(columns) > 12 else "")
    return f"Which column of '{where}' is the label? Say it with --label; there are {shown}."


def drop_unlabelled(frame: pd.DataFrame, label: str, say: Say) -> pd.DataFrame:
    """Leave rows without a label out, and say how many."""
    missing = frame[label].isna()
    if missing.all():
        raise MedgraftError(f"The label '{label}' is missing in every row: choose another column.")
    if missing.any():
        say(f"{int(missing.sum())} of {len(frame)} rows have no label '{label}' and were left out.")
        return frame[~missing].reset_index(drop=True)
    return frame


def as_levels(levels: str | Sequence[object] | None, task: str) -> tuple[str, ...] | None:
    """Return the levels that the user named, by name.

    Raises
    ------
    MedgraftError
        The task has no levels to be named.

    Examples
    --------
    >>> as_levels("mild, severe", "ordinal"), as_levels([0, 1.0], "ordinal")
    (('mild', 'severe'), ('0', '1'))
    """
    if levels is None:
        return None
    if task not in ("ordinal", "multilabel"):
        raise MedgraftError(
            "--levels is the order of an ordinal label, or names the labels of a column of lists: add --task "
            "ordinal or multilabel, or leave it out."
        )
    given = levels.split(",") if isinstance(levels, str) else levels
    return tuple(name(level.strip() if isinstance(level, str) else level) for level in given)


def label_facts(
    frame: pd.DataFrame,
    label: str | None,
    task: str,
    positive: object,
    require: bool,
    say: Say,
    ordered: Sequence[str] | None = None,
) -> tuple[str, tuple[str, ...] | None, str | None]:
    """Return the task, the classes (or labels) in order, and the event."""
    if label is None:
        if task not in ("auto", *TASKS):
            infer_task(pd.Series(dtype=float), "", task)  # raises
        return ("unlabelled" if task == "auto" else task), None, None
    values: pd.Series[Any] = frame[label].dropna()
    if pd.api.types.is_datetime64_any_dtype(values):
        raise MedgraftError(
            f"The label '{label}' holds dates, which medgraft cannot predict: choose another column."
        )
    found = infer_task(values, label, task)
    if require and values.nunique() < 2:
        what = "class" if found != "regression" else "value"
        raise MedgraftError(
            f"The label '{label}' has one {what} only ('{names(values)[0]}' in all {len(values)} rows): "
            "nothing can be learnt from it, so add patients of another class or choose another column."
        )
    if positive is not None and found != "binary":
        raise MedgraftError(
            f"--positive names the event of a label with two values, but '{label}' makes a {found} task: "
            "leave it out."
        )
    if found == "regression":
        return found, None, None
    if found == "multilabel":
        labels = tuple(ordered or ())
        if require:
            check_labels(values, label, labels)
        return found, labels, None
    levels = sort_names(set(names(values)))
    if found == "ordinal":
        return found, order_levels(levels, label, ordered), None
    if found == "multiclass" or not levels:
        return found, tuple(levels), None
    event = choose_positive(levels, label, positive)
    if require and positive is None and event not in ("1", "True", "yes", "Yes", "YES"):
        say(f"The event of the label '{label}' is taken to be '{event}'; --positive changes it.")
    return found, tuple([level for level in levels if level != event] + [event]), event
