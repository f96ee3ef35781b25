"""The order of the levels of an ordinal label: stages, grades, scores."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from medgraft.base import MedgraftError, did_you_mean
from medgraft.cohort.labels import MANY_WHOLE, name, sort_names

_ROMAN = {"i": 1, "v": 5, "x": 10}
_DIGITS = re.compile(r"^(.*?)[\s_-]*(\d+(?:\.\d+)?)([a-d]?)$", re.IGNORECASE)
_NUMERALS = re.compile(r"^(|.*[\s_.-])([ivx]+)([a-d]?)$", re.IGNORECASE)


def order_levels(found: Iterable[str], label: str, given: Sequence[object] | None = None) -> tuple[str, ...]:
    """Return the levels of an ordinal label from the least to the most.

    As they were given; else numbers by value, and words that end in a number or a Roman numeral by that
    (``stage I`` to ``stage IV``, ``grade 1``, ``T2``, ``IIIA`` before ``IIIB``).

    Parameters
    ----------
    found : iterable of str
        Names of the values that occur.
    label : str
        The label's name, for messages.
    given : sequence, optional
        The order that the user said; it may hold levels that no row has.

    Raises
    ------
    MedgraftError
        The words do not tell their order, a value is not among the given levels, or there are fewer than
        three levels or more than twenty.

    Examples
    --------
    >>> order_levels({"Stage IV", "Stage I", "Stage II"}, "stage")
    ('Stage I', 'Stage II', 'Stage IV')
    >>> order_levels({"10", "9", "2"}, "score"), order_levels({"b", "a"}, "y", ["b", "a", "c"])
    (('2', '9', '10'), ('b', 'a', 'c'))
    """
    values = set(found)
    levels = sort_names(values) if given is None else _given(values, label, given)
    if len(levels) < 3:
        raise MedgraftError(
            f"The label '{label}' has {len(levels)} levels, and an order says something from three on: leave "
            "out --task ordinal."
        )
    if len(levels) > MANY_WHOLE:
        raise MedgraftError(
            f"The label '{label}' has {len(levels)} levels, which is more than stages have: use --task "
            "regression."
        )
    if given is not None or all(_is_number(level) for level in levels):
        return tuple(levels)
    for pattern in (_DIGITS, _NUMERALS):
        keys = {level: _key(level, pattern) for level in levels}
        known = [key for key in keys.values() if key is not None]
        if len(known) == len(set(known)) == len(levels) and len({stem for stem, _, _ in known}) == 1:
            return tuple(sorted(levels, key=lambda level: keys[level] or ("", 0.0, "")))
    raise MedgraftError(
        f"The order of the levels of '{label}' ({', '.join(levels)}) cannot be told from their names: give "
        "it with --levels, from the least to the most."
    )


def _given(values: set[str], label: str, given: Sequence[object]) -> list[str]:
    levels = [name(level) for level in given]
    twice = next((level for level in levels if levels.count(level) > 1), None)
    if twice is not None:
        raise MedgraftError(f"--levels names '{twice}' twice: name each level once.")
    if unknown := sort_names(values - set(levels)):
        hint = did_you_mean(unknown[0], levels) or f" Given were: {', '.join(levels)}."
        raise MedgraftError(f"The label '{label}' has the value '{unknown[0]}', which --levels lacks.{hint}")
    return levels


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _key(level: str, pattern: re.Pattern[str]) -> tuple[str, float, str] | None:
    """Return the stem, the number and the letter after it; None where there is no number."""
    # Stage 0 stands before stage I: a digit may be among the numerals.
    match = pattern.match(level.strip()) or (pattern is _NUMERALS and _DIGITS.match(level.strip())) or None
    if match is None:
        return None
    stem = match[1].strip(" _.-").lower()
    number = float(match[2]) if match[2][0].isdigit() else _roman(match[2].lower())
    return stem, number, match[3].lower()


def _roman(text: str) -> float:
    digits = [_ROMAN[c] for c in text]
    return float(sum(-d if d < after else d for d, after in zip(digits, [*digits[1:], 0], strict=True)))
