"""Checks by name: adding one is adding a file to ``checks/``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medgraft.base import Registry
from medgraft.cohort.audit.finding import Finding

if TYPE_CHECKING:
    from medgraft.cohort.audit.case import Case

Run = Callable[["Case"], Iterable[Finding]]


@dataclass(frozen=True)
class Check:
    """A check as it is registered.

    Attributes
    ----------
    name : str
    kinds : tuple of str
        It runs where the cohort has a sample of one of these kinds; for every cohort when empty.
    summary : str
        What it looks for: the first line of its docstring.
    title : str
        What it has found, in a few plain words: the head of an alert in a report.
    alert : str
        What it means, for a clinician, in place of the finding's own sentence and figures; such a check is
        told first in a report from a warning on. The others are where they are severe, in their own words.
    run : callable
        From a `Case` to findings.
    """

    name: str
    kinds: tuple[str, ...]
    summary: str
    title: str
    alert: str
    run: Run


registered: Registry[Check] = Registry("check", packages=("medgraft.cohort.audit.checks",))


def check(
    name: str, kinds: tuple[str, ...] = (), *, title: str = "Found by the audit", alert: str = ""
) -> Callable[[Run], Run]:
    """Register a function as a check under a name.

    Parameters
    ----------
    name, kinds, title, alert
        As in `Check`.
    """

    def add(run: Run) -> Run:
        summary = (run.__doc__ or "").strip().split("\n")[0]
        registered.add(name, Check(name, kinds, summary, title, alert, run))
        return run

    return add
