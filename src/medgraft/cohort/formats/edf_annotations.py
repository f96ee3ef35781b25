"""The annotations of EDF+ and BDF+ files: when, how long, and what."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from medgraft.base import MedgraftError
from medgraft.cohort.formats.edf_header import Header, damaged, is_annotation

_TIMED = re.compile(rb"([+-]\d{1,15}(?:\.\d{0,15})?)(?:\x15(\d{1,15}(?:\.\d{0,15})?))?\x14([^\x00]*)\x14")
_MOST = 1_000_000


class Annotation(NamedTuple):
    """One annotation; `start` is in seconds from the first sample, `seconds` 0 for a mark."""

    start: float
    seconds: float
    text: str


def read_annotations(header: Header, path: Path) -> list[Annotation]:
    """Return the annotations in the order of the file; only the channels that hold them are read.

    Raises
    ------
    MedgraftError
        The recording has gaps, so that times point to other samples, or a record lacks its time.
    """
    channels = [i for i, name in enumerate(header.labels) if is_annotation(name)]
    if not channels:
        return []
    found: list[Annotation] = []
    zero: float | None = None
    with path.open("rb") as file:
        for k in range(header.records):
            for channel in channels:
                before = header.width * sum(header.samples[:channel])
                file.seek(header.start + k * header.record + before)
                content = file.read(header.width * header.samples[channel])
                lists = _TIMED.findall(content)
                if channel == channels[0]:
                    zero = _check_time(lists, k, zero, header, path)
                for onset, seconds, texts in lists:
                    found += [
                        Annotation(float(onset) - (zero or 0.0), float(seconds or 0), _text(text))
                        for text in texts.split(b"\x14")
                        if text
                    ]
            if len(found) > _MOST:
                raise MedgraftError(f"'{path}' holds more than {_MOST:,} annotations: is it damaged?")
    return found


def _check_time(
    lists: list[tuple[bytes, bytes, bytes]], k: int, zero: float | None, header: Header, path: Path
) -> float | None:
    """Return when the first record starts; refuse a later one that does not follow on the one before."""
    if not header.plus.upper().endswith(("+C", "+D")):
        return 0.0
    if not lists:
        raise damaged(path, f"record {k + 1} without its time")
    start = float(lists[0][0])
    zero = start if zero is None else zero
    if header.plus.upper().endswith("+D") and abs(start - zero - k * header.seconds) > 0.5 / header.rate:
        raise MedgraftError(
            f"The recording '{path}' has gaps (EDF+D), from record {k + 1} on: save each part as a file of "
            "its own."
        )
    return zero


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8").strip()
    except UnicodeDecodeError:
        return content.decode("latin-1").strip()
