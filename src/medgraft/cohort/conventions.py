"""Roles that a table's own column names tell."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort.formats import Say
from medgraft.cohort.roles import Roles

if TYPE_CHECKING:
    from medgraft.cohort.cohort import Cohort

_PATIENTS = frozenset(
    (
        "patient",
        "patientid",
        "patientno",
        "subject",
        "subjectid",
        "subjectno",
        "participantid",
        "personid",
        "lesionid",
    )
)
_SITES = ("site", "hospital", "centre", "center", "institution", "scanner", "manufacturer", "batch")
_PROTECTED = ("sex", "gender", "age", "race", "ethnicity")
AUTO = "auto"
NONE = "none"


def apply(frame: pd.DataFrame, roles: Roles, known: dict[str, str], say: Say) -> Roles:
    """Return the roles with what the format and the names of the columns tell where the user says nothing.

    The patient is taken by default, because a wrong guess costs little and a missed patient leaks; ``"none"``
    turns that off. Domain and protected attributes change what a trial does, so they are taken only for
    ``"auto"``.

    Parameters
    ----------
    frame : DataFrame
    roles : Roles
        What the user said.
    known : dict
        Role -> column, of the format.
    say : callable
        Takes warnings.

    Raises
    ------
    MedgraftError
        ``"auto"`` was asked for and no column has such a name.
    """
    group, domain, protected = roles.group, roles.domain, roles.protected
    taken = {column for _, column in roles.named()}
    if group == NONE and NONE not in frame.columns:
        group = None
    elif group is None:
        group = _patients(frame, known.get("group"), taken)
        if group is not None:
            say(
                f"The column '{group}' is taken to name patients, who stay on one side of every split; "
                "--group names another one, or 'none'."
            )
    if domain == AUTO and AUTO not in frame.columns:
        domain = known.get("domain") or next((s for s in _SITES if s in _by_word(frame)), None)
        if domain is None:
            raise MedgraftError(f"No column is named as a site ({', '.join(_SITES)}): name it with --domain.")
        domain = _by_word(frame).get(domain, domain)
        say(f"The column '{domain}' is taken to name sites (domain).")
    if protected == (AUTO,) and AUTO not in frame.columns:
        protected = tuple(c for word, c in _by_word(frame).items() if word in _PROTECTED)
        if not protected:
            raise MedgraftError(
                f"No column is named as a protected attribute ({', '.join(_PROTECTED)}): "
                "name it with --protected."
            )
        say(f"The columns {', '.join(map(repr, protected))} are taken for protected attributes.")
    return replace(roles, group=group, domain=domain, protected=protected)


def _patients(frame: pd.DataFrame, known: str | None, taken: set[str]) -> str | None:
    """Return the format's column of patients, or the one named so in which some have several rows."""
    if known in frame.columns and known not in taken:
        return known
    named = [c for word, c in _by_word(frame).items() if word in _PATIENTS and c not in taken]
    named = [c for c in named if 1 < frame[c].nunique() < frame[c].count()]
    named.sort(key=lambda c: frame[c].nunique())
    # Of several (a patient and his lesions) the coarsest, if it is one: the others must lie within it.
    nested = all((frame.groupby(c)[named[0]].nunique() <= 1).all() for c in named[1:])
    return named[0] if named and nested else None


def same_people(first: Cohort, second: Cohort) -> tuple[Cohort, Cohort]:
    """Return two cohorts that name their patients by the same column, where one of them does.

    A patient may have several rows in one file and one row in the other; the guess from a single file then
    misses that people are in both.
    """
    column = first.group or second.group
    if column is None or column not in first.table.columns or column not in second.table.columns:
        return first, second
    return _grouped(first, column), _grouped(second, column)


def _grouped(cohort: Cohort, column: str) -> Cohort:
    if cohort.group is not None or column == cohort.label:
        return cohort
    return replace(cohort, group=column, features=tuple(f for f in cohort.features if f != column))


def _by_word(frame: pd.DataFrame) -> dict[str, str]:
    """Return the columns by their names without case, blanks and signs."""
    return {re.sub(r"[^a-z0-9]", "", str(column).lower()): column for column in reversed(frame.columns)}


_THRESHOLD = re.compile(r"\s*(.+?)\s*(>=|<=|>|<|==|!=)\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*")


def threshold(frame: pd.DataFrame, label: str | None) -> tuple[pd.DataFrame, str | None]:
    """Make a yes/no label of a threshold such as ``num > 0``; its column leaves the table.

    Examples
    --------
    >>> frame, label = threshold(pd.DataFrame({"num": [0, 3, None]}), "num > 0")
    >>> label, frame[label].tolist()
    ('num > 0', ['no', 'yes', nan])
    """
    match = _THRESHOLD.fullmatch(label or "")
    if label is None or label in frame.columns or match is None or match[1] not in frame.columns:
        return frame, label
    column, sign, limit = match[1], match[2], float(match[3])
    values = pd.to_numeric(frame[column], errors="coerce")
    if (values.isna() & frame[column].notna()).any():
        raise MedgraftError(f"The label '{label}' needs numbers, but the column '{column}' holds text.")
    compare = {
        ">": values.gt,
        "<": values.lt,
        ">=": values.ge,
        "<=": values.le,
        "==": values.eq,
        "!=": values.ne,
    }
    known = (
        compare[sign](limit)
        .map({True: "yes", False: "no"})
        .astype(object)
        .where(values.notna(), float("nan"))
    )
    return frame.drop(columns=column).assign(**{label: known}), label
