"""The header of WFDB records, checked before anything follows what it says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from medgraft.base import MedgraftError

_RECORD = re.compile(
    r"(?P<name>[-\w.]+)(?:/(?P<segments>\d{1,6}))?\s+(?P<channels>\d{1,5})"
    r"(?:\s+(?P<rate>[-+\d.eE]+)(?:/\S+)?(?:\s+(?P<length>\d{1,15}))?)?"
)
_SIGNAL = re.compile(
    r"(?P<file>\S+)\s+(?P<format>\d{1,4})(?:x(?P<frame>\d{1,9}))?(?::(?P<skew>\d{1,9}))?(?:\+(?P<offset>\d{1,15}))?(?:\s|$)"
)
_PLAIN = re.compile(r"[-\w.]+")
_BYTES = {
    "8": 1,
    "16": 2,
    "24": 3,
    "32": 4,
    "61": 2,
    "80": 1,
    "160": 2,
    "212": 1.5,
    "310": 4 / 3,
    "311": 4 / 3,
}
_MOST_CHANNELS = 4096
_MOST_SKEW = 2**20


@dataclass(frozen=True)
class Header:
    """What the header says.

    Attributes
    ----------
    rate : float
        Samples a second of each channel.
    length : int
        Samples of each channel; 0 if the header leaves it out.
    channels : tuple of str
        Their descriptions.
    frame : int
        Values of all channels at one time: more than one for each channel that is sampled faster.
    skew : int
        The largest delay of a channel, in samples.
    comments : tuple of str
    segments : tuple of str
        Names of the records that follow on each other in this one.
    """

    rate: float
    length: int
    channels: tuple[str, ...]
    frame: int
    skew: int
    comments: tuple[str, ...]
    segments: tuple[str, ...] = ()


def read_header(path: Path, depth: int = 0) -> Header:
    """Return the header of a record whose files lie beside it and are as long as it says.

    Raises
    ------
    MedgraftError
        It is no header, is damaged, names files in another folder, or its files are missing or cut short.
    """
    if path.stat().st_size > 2**24:
        raise _damaged(path, "more text than a header has")
    text = path.read_bytes().decode("latin-1")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    comments = tuple(line.lstrip("# \t") for line in lines if line.startswith("#"))
    lines = [line for line in lines if not line.startswith("#")]
    record = _RECORD.match(lines[0]) if lines else None
    if record is None:
        raise _damaged(path, "no name, number of channels and sampling rate in its first line")
    rate = _rate(record["rate"], path)
    n, length = int(record["channels"]), int(record["length"] or 0)
    if n > _MOST_CHANNELS:
        raise _damaged(path, f"{n} channels")
    if record["segments"] is not None:
        return _segments(path, lines[1:], int(record["segments"]), rate, length, comments, depth)
    signals = [_SIGNAL.match(line) for line in lines[1 : n + 1]]
    if len(signals) != n or not n or None in signals:
        raise _damaged(path, f"{n} channels and describes {sum(s is not None for s in signals)}")
    found = [s for s in signals if s is not None]
    for signal in found:
        refuse_elsewhere(signal["file"], path)
    frames = [int(s["frame"] or 1) for s in found]
    skew = max(int(s["skew"] or 0) for s in found)
    if skew > _MOST_SKEW or max(frames) > _MOST_SKEW or min(frames) < 1:
        raise _damaged(path, "a delay or a number of samples in a frame that no recording has")
    length = _check_files(path, found, frames, length)
    names = tuple(_description(line, i) for i, line in enumerate(lines[1 : n + 1]))
    return Header(rate, length, names, sum(frames), skew, comments)


def refuse_elsewhere(name: str, path: Path) -> None:
    """Refuse a name that leads out of the record's folder.

    Raises
    ------
    MedgraftError
        It is more than letters, digits, ``_``, ``-`` and ``.``, or the file is a link out of the folder.
    """
    if not _PLAIN.fullmatch(name) or name in (".", ".."):
        raise MedgraftError(
            f"The header '{path}' names the file '{name[:80]}', which is not in its folder: put the record's "
            "files beside it and correct the name."
        )


def _segments(
    path: Path, lines: list[str], n: int, rate: float, length: int, comments: tuple[str, ...], depth: int
) -> Header:
    if depth or len(lines) < n or not n:
        raise _damaged(path, f"{n} segments and names {len(lines)}")
    parts = []
    for line in lines[:n]:
        name = line.split()[0]
        if name == "~":  # a gap
            continue
        refuse_elsewhere(name, path)
        part = path.with_name(f"{name}.hea")
        if not part.is_file():
            raise MedgraftError(f"The record '{path}' lacks its segment '{part.name}': put it beside.")
        if len(line.split()) > 1 and line.split()[1] == "0":
            continue  # a layout header, without data
        parts.append((name, read_header(part, depth=1)))
    if not parts:
        raise _damaged(path, "no segments with data")
    first = parts[0][1]
    return Header(rate, length, first.channels, first.frame, first.skew, comments, tuple(p[0] for p in parts))


def _check_files(path: Path, signals: list[re.Match[str]], frames: list[int], length: int) -> int:
    """Check that the files hold what the header promises, and return the length that they have."""
    for name in dict.fromkeys(s["file"] for s in signals):
        file = path.with_name(name)
        if not file.is_file():
            raise MedgraftError(f"The record '{path}' lacks its file '{name}': put it beside the header.")
        own = [(s, k) for s, k in zip(signals, frames, strict=True) if s["file"] == name]
        kinds = {s["format"] for s, _ in own}
        if len(kinds) > 1:
            raise _damaged(path, f"several formats for '{name}'")
        width = _BYTES.get(kinds.pop())
        if width is None:
            continue  # compressed: only decoding tells how long it is
        offset = int(own[0][0]["offset"] or 0)
        held = int((file.stat().st_size - offset) / width / sum(k for _, k in own) + 1e-9)
        if held < max(length, 1):
            raise MedgraftError(
                f"The file '{file}' is cut short: its header promises {length} samples of each channel and "
                f"it holds {max(held, 0)}; get the whole file."
            )
        length = length or held
    return length


def _rate(text: str | None, path: Path) -> float:
    try:
        rate = float(text) if text else 250.0  # what the standard says where the header says nothing
    except ValueError:
        rate = 0.0
    if not 0 < rate < 1e7:
        raise _damaged(path, f"{text} as sampling rate")
    return rate


def _description(line: str, i: int) -> str:
    words = line.split(maxsplit=8)
    return words[8] if len(words) > 8 else f"channel {i + 1}"


def _damaged(path: Path, what: str) -> MedgraftError:
    return MedgraftError(f"The header '{path}' is damaged (it says {what}): get the file anew.")
