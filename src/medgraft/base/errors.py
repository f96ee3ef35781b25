"""Errors a person can act on: one sentence saying what is wrong, where, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class MedgraftError(Exception):
    """A user's mistake, told in one sentence.

    The command line prints the sentence and exits with code 2; no traceback is shown. Raise it for
    anything the caller can mend (a missing file, an unknown name, labels that cannot be used), never
    for a fault of medgraft itself.

    Parameters
    ----------
    message : str
        What is wrong, where, and what to do, as one sentence.

    Examples
    --------
    >>> from medgraft.base import MedgraftError
    >>> raise MedgraftError("The file 'a.csv' does not exist: check the path.")
    Traceback (most recent call last):
        ...
    medgraft.base.errors.MedgraftError: The file 'a.csv' does not exist: check the path.
    """


def did_you_mean(name: str, options: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"`` for the option closest to `name`, else an empty string.

    Parameters
    ----------
    name : str
        What the user typed.
    options : iterable of str
        The names that exist.

    Returns
    -------
    str
        A sentence with a leading space, or ``""`` when nothing is near.

    Examples
    --------
    >>> did_you_mean("corel", ["coral", "ulsif"])
    " Did you mean 'coral'?"
    """
    lowered = {o.lower(): o for o in options}
    near = difflib.get_close_matches(name.lower(), list(lowered), n=1, cutoff=0.6)
    return f" Did you mean '{lowered[near[0]]}'?" if near else ""
