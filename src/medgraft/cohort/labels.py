"""What the label column means: names of classes, the task, and which class is the event."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medgraft.base import MedgraftError, did_you_mean

TASKS = ("binary", "multiclass", "regression", "ordinal", "multilabel", "segmentation")

# A number with more distinct whole values than this (or fractional ones) is measured, not counted out.
MANY_WHOLE, _MANY_FRACTIONAL = 20, 5

# How the absence of a disease is usually spelt.
_NEGATIVE_WORDS = frozenset(
    {"no", "n", "none", "false", "f", "absent", "negative", "neg", "normal", "healthy", "control"}
    | {"controls", "benign", "alive", "survived"}
)
_NEGATIVE_STARTS = ("no ", "no_", "no-", "not", "non", "without")


def name(value: Any) -> str:
    """Return the text that stands for a value wherever values of two files are compared.

    Whole numbers have no decimals, so that a column that is stored as float because one cell is
    missing names its values as the same column without missing cells does.

    Examples
    --------
    >>> name(1.0), name(np.int8(1)), name(True), name(0.5), name("a")
    ('1', '1', 'True', '0.5', 'a')
    """
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, numbers.Integral):
        return str(int(value))
    if isinstance(value, numbers.Real):
        number = float(value)
        return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)
    return str(value)


def names(values: pd.Series[Any]) -> NDArray[np.object_]:
    """Return the names of a column's values, (n,) of str, with None where a value is missing.

    Examples
    --------
    >>> names(pd.Series([1.0, None, 2.5])).tolist()
    ['1', None, '2.5']
    """
    codes, uniques = pd.factorize(values)
    text = np.array([*(name(u) for u in uniques), None], dtype=object)
    out: NDArray[np.object_] = text[codes]
    return out


def sort_names(unsorted: Iterable[str]) -> list[str]:
    """Return names in numerical order when all are numbers, else in alphabetical order.

    Examples
    --------
    >>> sort_names(["10", "9", "-1"]), sort_names(["10", "9", "b"])
    (['-1', '9', '10'], ['10', '9', 'b'])
    """
    listed = list(unsorted)
    keys = [_number(n) for n in listed]
    if any(k is None for k in keys):
        return sorted(listed)
    return [n for _, n in sorted(zip(keys, listed, strict=True))]  # type: ignore[type-var]


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def is_number(values: pd.Series[Any]) -> bool:
    """Whether a column holds measured numbers (bool is not one)."""
    return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)


def infer_task(values: pd.Series[Any], label: str, task: str = "auto") -> str:
    """Return the task that a label column poses.

    Two distinct values make ``"binary"``. A numeric column is ``"regression"`` when it has more than
    20 distinct values, or more than 5 of which some are not whole; everything else is ``"multiclass"``.
    ``"ordinal"`` and ``"multilabel"`` are never guessed.

    Parameters
    ----------
    values : Series
        The label, without missing values.
    label : str
        Its name, for messages.
    task : str
        ``"auto"`` or one of `TASKS`. Anything but ``"auto"`` overrides the rule.

    Raises
    ------
    MedgraftError
        The task is unknown, or the column cannot be used for it.

    Examples
    --------
    >>> infer_task(pd.Series(["a", "b", "a"]), "y"), infer_task(pd.Series([0, 1, 2]), "y")
    ('binary', 'multiclass')
    >>> infer_task(pd.Series([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]), "y")
    'regression'
    """
    if task not in ("auto", *TASKS):
        hint = did_you_mean(task, TASKS) or f" Choose one of auto, {', '.join(TASKS)}."
        raise MedgraftError(f"There is no task '{task}'.{hint}")
    distinct = values.nunique()
    numeric = is_number(values)
    if task == "regression" and not numeric:
        example = "" if values.empty else f", for example '{name(values.iloc[0])}'"
        raise MedgraftError(
            f"The label '{label}' holds text{example}, so it cannot be predicted as a number: "
            "use --task multiclass or binary, or choose a numeric column."
        )
    if task == "binary" and distinct > 2:
        raise MedgraftError(
            f"The label '{label}' has {distinct} distinct values, so --task binary is impossible: "
            "make a column with two values, or use --task multiclass or regression."
        )
    if task != "auto":
        return task
    if distinct <= 2:
        return "binary"
    if numeric:
        whole = bool((values % 1 == 0).all())
        if distinct > (MANY_WHOLE if whole else _MANY_FRACTIONAL):
            return "regression"
    return "multiclass"


def choose_positive(levels: Sequence[str], label: str, positive: object = None) -> str:
    """Return which of two classes is the event.

    A class that is named as an absence (``no``, ``healthy``, ``benign``, ``not...``) is not the
    event; failing that, the event is the larger number or the last name of the alphabet, so ``1``,
    ``True``, ``yes`` and ``disease`` (against ``healthy``) are events.

    Parameters
    ----------
    levels : sequence of str
        The names of the classes, sorted, one or two.
    label : str
        The label's name, for messages.
    positive : object, optional
        What the user said; any type, compared by name.

    Raises
    ------
    MedgraftError
        `positive` is none of the classes.

    Examples
    --------
    >>> choose_positive(["0", "1"], "y"), choose_positive(["ckd", "notckd"], "y")
    ('1', 'ckd')
    >>> choose_positive(["0", "1"], "y", positive=0)
    '0'
    """
    if positive is not None:
        said = name(positive)
        number = _number(said)
        for option in (said, *([] if number is None else [name(number)])):
            if option in levels:
                return option
        hint = did_you_mean(said, levels) or f" It has: {', '.join(levels)}."
        raise MedgraftError(f"The label '{label}' has no value '{said}' to be the event.{hint}")
    negative = [level for level in levels if is_absence(level)]
    if len(negative) == 1 and len(levels) == 2:
        return next(level for level in levels if level != negative[0])
    return levels[-1]


def is_absence(level: str) -> bool:
    """Whether a word says that there is nothing: ``no``, ``healthy``, ``No Finding``."""
    text = level.strip().lower()
    return text in _NEGATIVE_WORDS or text.startswith(_NEGATIVE_STARTS)
