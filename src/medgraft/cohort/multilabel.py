"""Several labels at once: findings, each there or not, in one column of lists or in columns of their own.

In a cohort's table they stand as one text a row, ``"effusion|nodule|?hernia"``: the labels that are there,
and after a question mark those that nobody looked for; ``"none"`` where there is none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medgraft.base import MedgraftError, did_you_mean
from medgraft.cohort.labels import choose_positive, is_absence, names, sort_names

SEPARATOR = "|"
NOTHING = "none"
UNKNOWN = "?"
_SPLIT = re.compile(r"[|;]")


def columns_of(frame: pd.DataFrame, label: str | None) -> list[str]:
    """Return the columns that a label such as ``"a,b,c"`` names; none where it is one column.

    Examples
    --------
    >>> columns_of(pd.DataFrame({"a": [0], "b": [1], "c": [1]}), "a, c")
    ['a', 'c']
    """
    if label is None or label in frame.columns or "," not in label:
        return []
    return [part.strip() for part in label.split(",") if part.strip()]


def encode(there: NDArray[np.bool_], unknown: NDArray[np.bool_], levels: Sequence[str]) -> list[str | None]:
    """Return the text of each row (see the module); None where every label is unknown.

    Parameters
    ----------
    there, unknown : arrays (n, L) of bool
    levels : sequence of str
        Names of the L labels.

    Examples
    --------
    >>> encode(np.array([[True, False], [False, False]]), np.array([[False, True], [False] * 2]), ["a", "b"])
    ['a|?b', 'none']
    """
    out: list[str | None] = []
    for here, gap in zip(there, unknown, strict=True):
        if gap.all():
            out.append(None)
            continue
        said = [
            UNKNOWN + level if g else level for level, h, g in zip(levels, here, gap, strict=True) if h or g
        ]
        out.append(SEPARATOR.join(said) if said else NOTHING)
    return out


def decode(texts: NDArray[np.object_], levels: Sequence[str]) -> NDArray[np.float64]:
    """Return the labels, (n, L): 1 there, 0 not there, NaN unknown.

    Raises
    ------
    MedgraftError
        A row has a label that is none of `levels`.

    Examples
    --------
    >>> decode(np.array(["a|?b", "none"], dtype=object), ["a", "b"]).tolist()
    [[1.0, nan], [0.0, 0.0]]
    """
    codes, unique = pd.factorize(texts)
    table = np.zeros((len(unique), len(levels)))
    place = {level: i for i, level in enumerate(levels)}
    for row, text in zip(table, unique, strict=True):
        for part in text.split(SEPARATOR) if text != NOTHING else ():
            if part.lstrip(UNKNOWN) not in place:
                raise MedgraftError(f"'{part}' is none of the labels {', '.join(levels)}.")
            row[place[part.lstrip(UNKNOWN)]] = np.nan if part.startswith(UNKNOWN) else 1.0
    return np.asarray(table[codes])


def join_columns(frame: pd.DataFrame, label: str, columns: list[str], where: str) -> tuple[pd.DataFrame, str]:
    """Replace columns of yes and no by one column of labels, named ``"a,b,c"``; return its name.

    Raises
    ------
    MedgraftError
        A column is absent, is not of yes and no, or holds one value only.
    """
    there = np.zeros((len(frame), len(columns)), dtype=bool)
    unknown = np.zeros_like(there)
    for k, column in enumerate(columns):
        if column not in frame.columns:
            hint = did_you_mean(column, map(str, frame.columns))
            raise MedgraftError(f"'{column}' of the label '{label}' is no column of '{where}'.{hint}")
        if columns.count(column) > 1 or _SPLIT.search(column) or column.startswith(UNKNOWN):
            raise MedgraftError(
                f"The column '{column}' cannot be one of several labels: name each once, without '|', ';' or "
                "a leading '?'."
            )
        found = names(frame[column])
        levels = sort_names(set(found) - {None})
        if len(levels) > 2:
            raise MedgraftError(
                f"The column '{column}' of the label '{label}' has {len(levels)} values, not yes and no: "
                "make it a column of two values (an empty cell is unknown)."
            )
        event = choose_positive(levels, column) if len(levels) == 2 else ""
        unknown[:, k] = found == None  # noqa: E711  (elementwise)
        there[:, k] = found == event if len(levels) == 2 else [_is_yes(value) for value in found]
    name = ",".join(columns)
    joined = pd.Series(encode(there, unknown, columns), index=frame.index, dtype=object)
    return frame.drop(columns=columns).assign(**{name: joined}), name


def _is_yes(value: str | None) -> bool:
    """Whether the one value of a column says that the label is there."""
    return value is not None and value != "0" and not is_absence(value)


def tidy_lists(
    frame: pd.DataFrame, label: str, given: Sequence[str] | None
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Write a column of lists (``"effusion|nodule"``, ``"No Finding"``) in one way; return the labels.

    A word of absence is no label. With `given` labels the others are left out.

    Raises
    ------
    MedgraftError
        A given label stands in no row.
    """
    parts: list[list[str] | None] = [
        None if text is None else [p for p in map(str.strip, _SPLIT.split(text)) if p and not is_absence(p)]
        for text in names(frame[label])
    ]
    found = sort_names({part for row in parts for part in row or ()})
    levels = found if given is None else [str(level) for level in given]
    if absent := [level for level in levels if level not in found]:
        hint = did_you_mean(absent[0], found) or f" It has: {', '.join(found[:20])}."
        raise MedgraftError(f"No row of '{label}' has the label '{absent[0]}'.{hint}")
    there = np.array([[row is not None and level in row for level in levels] for row in parts], dtype=bool)
    gap = np.array([[row is None] * len(levels) for row in parts], dtype=bool)
    shape = (len(frame), len(levels))
    texts = encode(there.reshape(shape), gap.reshape(shape), levels)
    return frame.assign(**{label: pd.Series(texts, index=frame.index, dtype=object)}), tuple(levels)


def check_labels(texts: pd.Series, label: str, levels: tuple[str, ...]) -> None:
    """Refuse fewer than two labels, and labels that every known row has, or none.

    Raises
    ------
    MedgraftError
    """
    if len(levels) < 2:
        raise MedgraftError(
            f"The label '{label}' has {len(levels)} label in its lists: several take two or more; leave out "
            "--task multilabel."
        )
    Y = decode(names(texts), levels)
    for level, column in zip(levels, Y.T, strict=True):
        known = column[~np.isnan(column)]
        if len(np.unique(known)) < 2:
            has = "nowhere known" if not len(known) else "in every row" if known[0] else "in no row"
            raise MedgraftError(
                f"The label '{level}' is {has}, so that nothing can be learnt of it: leave it out."
            )


def rarity(Y: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return a stratum for each row, (n,): how often its rarest label occurs; the last one has no label.

    Labels that are equally rare make one stratum, so that neither their order nor their names play a part.

    Examples
    --------
    >>> rarity(np.array([[1, 1], [1, 0], [0, 0], [1, np.nan]], dtype=float)).tolist()
    [0, 1, 2, 1]
    """
    there = Y == 1
    count = there.sum(axis=0)
    rarest = np.where(there, count, np.iinfo(np.intp).max).min(axis=1)
    return np.unique(rarest, return_inverse=True)[1].astype(np.intp)
