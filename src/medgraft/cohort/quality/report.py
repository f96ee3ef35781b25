"""What quality steps did to a set of images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from medgraft.cohort.quality.box import Box

_SHOWN = 10


@dataclass(frozen=True)
class Report:
    """Which images were kept and dropped, and how much each step changed.

    Attributes
    ----------
    kept : tuple of int
        Rows, from 0, in their order.
    dropped : tuple of (int, str)
        Rows and why.
    changed : mapping of str -> tuple of float
        For each step, and each row kept, the share of pixels that it changed or, for a crop, cut off.
    boxes : mapping of str -> tuple of Box
        For each crop, and each row kept, what it kept of the image that it was given.

    Examples
    --------
    >>> print(Report((0, 2), ((1, "it is black"), (3, "it is black"))))
    2 of 4 images were kept.
    2 were dropped because it is black: rows 1, 3.
    """

    kept: tuple[int, ...]
    dropped: tuple[tuple[int, str], ...] = ()
    changed: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    boxes: Mapping[str, tuple[Box, ...]] = field(default_factory=dict)

    def sentences(self) -> list[str]:
        """Return what happened, a sentence for each kind of thing."""
        said = [f"{len(self.kept)} of {len(self.kept) + len(self.dropped)} images were kept."]
        why: dict[str, list[int]] = {}
        for row, reason in self.dropped:
            # The figures of one image stand in brackets, and its twin's row after "of row".
            why.setdefault(reason.partition(" (")[0].partition(" of row ")[0], []).append(row)
        said += [f"{_were(len(r))} dropped because {reason}: {_rows(r)}." for reason, r in why.items()]
        for name, shares in self.changed.items():
            verb = "cut off" if name in self.boxes else "changed"
            if shares:
                middle, most = sorted(shares)[len(shares) // 2], max(shares)
                said.append(f"{name} {verb} {middle:.1%} of the pixels (median; at most {most:.1%}).")
            lost: dict[str, list[int]] = {}
            for row, box in zip(self.kept, self.boxes.get(name, ()), strict=False):
                if not box.found:
                    lost.setdefault(box.reason, []).append(row)
            said += [f"{name} left {_rows(r)} whole: {reason}." for reason, r in lost.items()]
        return said

    def __str__(self) -> str:
        return "\n".join(self.sentences())


def _were(n: int) -> str:
    return "1 was" if n == 1 else f"{n} were"


def _rows(rows: list[int]) -> str:
    shown = ", ".join(map(str, rows[:_SHOWN])) + (", ..." if len(rows) > _SHOWN else "")
    return f"row{'s' if len(rows) > 1 else ''} {shown}"
