"""What a check found: how bad it is, in numbers, in which rows, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["severe", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("severe", "warning", "note")

# So many rows, or pairs of rows, are listed; the numbers always count all.
MAX_ROWS = 500


@dataclass(frozen=True)
class Finding:
    """One thing that a check found in a cohort.

    Attributes
    ----------
    check : str
        The name of the check.
    severity : {"severe", "warning", "note"}
        ``"severe"``: a model would be judged, or would learn, wrongly. ``"warning"``: it may.
        ``"note"``: good to know.
    sentence : str
        What was found, for a person; it names no patient and no file.
    advice : str
        What to do about it.
    numbers : dict
        The figures behind the sentence, ready for JSON.
    rows : list of dict
        The rows concerned, at most 500: each has ``part`` (``"data"``, ``"test"``, ``"source 1"``), ``row``
        (counted from 1) and, where there are any, ``patient`` (a pseudonym) and ``file`` (the name alone).
        Rows that belong together are one entry ``{"rows": [...]}`` with figures of their own.
    """

    check: str
    severity: Severity
    sentence: str
    advice: str
    numbers: dict[str, Any] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)

    def to_dict(self, show_files: bool = False) -> dict[str, Any]:
        """Return it ready for JSON; names of files only where asked for."""
        return {
            "check": self.check,
            "severity": self.severity,
            "sentence": self.sentence,
            "advice": self.advice,
            "numbers": plain(self.numbers),
            "rows": [_row(r, show_files) for r in self.rows],
        }


def _row(row: dict[str, Any], show_files: bool) -> dict[str, Any]:
    kept = {k: v for k, v in row.items() if show_files or k != "file"}
    if "rows" in kept:
        kept["rows"] = [_row(r, show_files) for r in kept["rows"]]
    return {str(k): plain(v) for k, v in kept.items()}


def plain(value: Any) -> Any:
    """Return a value as JSON knows it: numpy's numbers become Python's, and what is no number is None.

    Examples
    --------
    >>> import numpy as np
    >>> plain({"n": np.int64(3), "r": np.float32(0.5), "none": float("nan")})
    {'n': 3, 'r': 0.5, 'none': None}
    """
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if hasattr(value, "item") and getattr(value, "ndim", 1) == 0:
        value = value.item()
    if isinstance(value, float):
        return value if abs(value) < float("inf") else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def worst(findings: Iterable[Finding]) -> Severity | None:
    """Return the worst severity among findings, or None where there are none."""
    found = {f.severity for f in findings}
    return next((s for s in SEVERITIES if s in found), None)


def number(value: float) -> str:
    """Write a figure with three digits.

    Examples
    --------
    >>> number(0.98765), number(12345.6)
    ('0.988', '12346')
    """
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def count(n: int, one: str, many: str = "") -> str:
    """Write a count with its noun.

    Examples
    --------
    >>> count(1, "row"), count(2, "row"), count(3, "copy", "copies")
    ('1 row', '2 rows', '3 copies')
    """
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def some(words: Iterable[str], most: int = 5) -> str:
    """Write a list, cut where it is long.

    Examples
    --------
    >>> some(["a", "b"]), some("abcdefg", most=3)
    ("'a', 'b'", "'a', 'b', 'c' and 4 more")
    """
    listed = list(words)
    rest = len(listed) - most
    return ", ".join(f"'{w}'" for w in listed[:most]) + (f" and {rest} more" if rest > 0 else "")
