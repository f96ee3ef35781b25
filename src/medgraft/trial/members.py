"""Which arms a guard chooses from, and which an ensemble joins."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from medgraft.base import MedgraftError
from medgraft.trial.choice import YARDSTICKS

if TYPE_CHECKING:
    from medgraft.trial.arms import Arm


def pool(arms: Sequence[Arm], control: str) -> tuple[Arm, ...]:
    """Return the transfer arms: all that learn something, but for the control and the guard."""
    return tuple(
        a for a in arms if a.entry.family != "guard" and a.method not in YARDSTICKS and a.name != control
    )


def members_of(ensemble: Arm, others: Sequence[Arm], control: Arm | None = None) -> dict[str, Arm]:
    """Return the arms that an ensemble joins: those it names, or the trial's other transfer arms.

    Parameters
    ----------
    ensemble : Arm
        Its setting ``members`` holds names or patterns of arms, "|" between them. A name that is no arm of
        the trial is a method, with settings if it has any.
    others : sequence of Arm
        From `pool`.
    control : Arm, optional
        Joined where it is named.

    Raises
    ------
    MedgraftError
        There is no arm to join, or an ensemble is to join another.
    """
    from medgraft.trial.arms import arm

    free = [a for a in others if a.entry.family != "ensemble"]
    named = [p.strip() for p in str(ensemble.settings.get("members", "")).split("|") if p.strip()]
    found: dict[str, Arm] = {} if named else {a.name: a for a in free}
    known = free if control is None else [*free, control]
    for part in named:
        fits = [a for a in known if a.name == part] or [a for a in known if fnmatchcase(a.name, part)]
        found |= {a.name: a for a in fits or [arm(part)]}
    for a in found.values():
        if a.entry.family in ("ensemble", "guard"):
            raise MedgraftError(f"'{ensemble.name}' cannot join '{a.name}', which joins or chooses itself.")
    if not found:
        raise MedgraftError(
            f"'{ensemble.name}' has no other arm to join: add arms, or name methods with members=a|b."
        )
    return found
