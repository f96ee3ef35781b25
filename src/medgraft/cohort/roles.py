"""Which column plays which part, and whether that can be."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from medgraft.base import MedgraftError, did_you_mean
from medgraft.cohort.formats import Say
from medgraft.cohort.images import is_image
from medgraft.cohort.labels import is_number
from medgraft.cohort.media import KINDS

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_IDENTIFIERS = frozenset(
    ("id", "ids", "uuid", "guid", "mrn", "pid", "identifier", "accession", "encounter", "visit", "case")
).union(("patient", "subject", "participant", "person", "user", "name", "surname"))


@dataclass(frozen=True)
class Roles:
    """What the user said about the columns."""

    label: str | None = None
    group: str | None = None
    domain: str | None = None
    time: str | None = None
    image: str | None = None
    protected: tuple[str, ...] = ()
    features: tuple[str, ...] | None = None
    volume: str | None = None
    signal: str | None = None
    sequence: str | None = None
    omics: str | None = None
    mask: str | None = None

    @property
    def media(self) -> dict[str, str]:
        """The columns of samples outside the table, by kind."""
        return {kind: column for kind in KINDS if (column := getattr(self, kind)) is not None}

    def named(self) -> list[tuple[str, str]]:
        """Return (role, column) for every column that was named."""
        single = [(r, getattr(self, r)) for r in ("label", "group", "domain", "time", *KINDS)]
        several = [("protected", c) for c in self.protected] + [("features", c) for c in self.features or ()]
        return [(r, c) for r, c in (*single, *several) if c is not None]


def check(frame: pd.DataFrame, roles: Roles, where: str) -> None:
    """Check that every named column exists and that no column has two roles that exclude each other.

    Raises
    ------
    MedgraftError
        A column is absent (with the closest name), or its roles cannot be combined.
    """
    for role, column in roles.named():
        if column not in frame.columns:
            raise MedgraftError(_absent(frame, role, column, where))
    for role in ("group", "domain", "time", *KINDS):
        column = getattr(roles, role)
        if column is not None and column == roles.label:
            raise MedgraftError(
                f"The column '{column}' cannot be both the label and the {role}: "
                f"give --{role} another column, or leave it out."
            )
        if column is not None and column in (roles.features or ()):
            raise MedgraftError(f"The column '{column}' cannot be both a feature and the {role}.")
    for column in (*roles.protected, *(roles.features or ())):
        if column == roles.label or column in roles.media.values():
            raise MedgraftError(
                f"The column '{column}' is the label or the {'/'.join(roles.media)}: it can have no other "
                "role."
            )


def check_group(frame: pd.DataFrame, roles: Roles) -> None:
    """Refuse a group column that is the label under another name.

    Raises
    ------
    MedgraftError
        Each group has one label and each label one group, so that no split by group can have both
        sides know every class.
    """
    if roles.group is None or roles.label is None:
        return
    pairs = frame[[roles.group, roles.label]].dropna().drop_duplicates()
    n_groups, n_labels = pairs[roles.group].nunique(), pairs[roles.label].nunique()
    if len(pairs) == n_groups == n_labels and n_labels > 1:
        raise MedgraftError(
            f"The group column '{roles.group}' has one value for each value of the label '{roles.label}', so "
            "it is the label itself: give --group the column of patients."
        )


def _absent(frame: pd.DataFrame, role: str, column: str, where: str) -> str:
    columns = list(frame.columns)
    if all(_is_unnamed(c) for c in columns):
        return (
            f"The {role} column '{column}' is not in '{where}', whose {len(columns)} columns have no names: "
            "give them with --columns a,b,c in the order of the file."
        )
    shown = ", ".join(columns[:12]) + (f", ... ({len(columns)} in all)" if len(columns) > 12 else "")
    hint = did_you_mean(column, columns)
    return f"The {role} column '{column}' is not in '{where}', which has: {shown}.{hint}"


def _is_unnamed(column: str) -> bool:
    """Whether a reader made the name up, or took a number of the first line for one."""
    made_up = re.fullmatch(r"column_\d+|file", column) is not None
    return made_up or re.fullmatch(r"[+-]?\d*\.?\d+(\.\d+)?", column) is not None  # pandas adds '.1' to twins


def choose_features(frame: pd.DataFrame, roles: Roles, say: Say) -> tuple[str, ...]:
    """Return the columns to learn from: all that have no other role and carry no identity.

    Left out with a warning: text of which more than nine in ten values are distinct, columns that are
    named as identifiers and mostly distinct, row counters without a name, and times. None of them can
    help a new patient, and each can leak. Naming columns in ``features`` overrides all of this. Images,
    signals and the like are learnt from alone, unless features are named.
    """
    if roles.features is not None:
        return roles.features
    if any(kind != "mask" for kind in roles.media):
        return ()
    taken = {c for r, c in roles.named() if r != "features"}
    chosen = []
    for column in frame.columns:
        if column in taken:
            continue
        reason = _reason_against(frame[column], column)
        if reason is None:
            chosen.append(column)
            _warn_of_text_among_numbers(frame[column], column, say)
        else:
            say(f"The column '{column}' is not used as a feature: {reason}.")
    return tuple(chosen)


def _reason_against(values: pd.Series[Any], column: str) -> str | None:
    words = _WORDS.findall(column)  # PatientID and patient_id are the same two words
    identifier = bool(words) and words[-1].lower() in _IDENTIFIERS
    unnamed = column.startswith("Unnamed:")
    if is_number(values) and not identifier and not unnamed:  # soon done, for tables of many thousand genes
        return "it is empty in all rows" if bool(np.isnan(values.to_numpy()).all()) else None
    known = values.dropna()
    if len(known) == 0:
        return "it is empty in all rows"
    if pd.api.types.is_datetime64_any_dtype(values):
        return "it holds dates"
    distinct = known.nunique()
    whole = is_number(values) and bool((known % 1 == 0).all())
    if unnamed and whole and distinct == len(values) and known.max() - known.min() + 1 == distinct:
        return "it has no name and counts the rows"
    text = not is_number(values) and not pd.api.types.is_bool_dtype(values)
    if text and len(known) >= 5 and distinct > 0.9 * len(known):
        if is_image(str(known.iloc[0])):
            return f"it names files; say --image {column} if these are the patients' images"
        return f"it tells patients apart ({distinct} distinct texts in {len(known)} rows)"
    if identifier and (text or whole) and len(known) >= 5:
        if distinct == len(known):
            return "its name and its distinct values are those of an identifier"
        if distinct > 0.5 * len(known) or (distinct > 20 and distinct > 0.05 * len(known)):
            return f"it seems to name patients; if patients have several rows, say --group {column}"
    return None


def _warn_of_text_among_numbers(values: pd.Series[Any], column: str, say: Say) -> None:
    if is_number(values) or pd.api.types.is_bool_dtype(values):
        return
    known = values.dropna()
    numbers = pd.to_numeric(known, errors="coerce")
    text = known[numbers.isna()]
    if 0 < len(text) <= 0.2 * len(known) and known.nunique() > 10:
        say(
            f"The column '{column}' holds text in {len(text)} of {len(known)} rows, for example "
            f"'{text.iloc[0]}', and numbers elsewhere; it is taken for a category, so mend the text if it "
            "is to be a number."
        )


def as_tuple(columns: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return column names as a tuple; one name may be given bare."""
    return () if columns is None else (columns,) if isinstance(columns, str) else tuple(columns)
