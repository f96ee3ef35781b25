"""The header of EDF and BDF files, checked against the file before anything else looks at it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from pathlib import Path

from medgraft.base import MedgraftError
from medgraft.cohort.formats import Say

_MAX_CHANNELS = 4096
_MAX_RATE = 1e7  # samples a second, far above any electrode's
# Bytes of each field of a channel, in the order of the standard.
_FIELDS = {
    "label": 16,
    "sensor": 80,
    "unit": 8,
    "low": 8,
    "high": 8,
    "dmin": 8,
    "dmax": 8,
    "filter": 80,
    "n": 8,
}


@dataclass(frozen=True)
class Header:
    """What the header says.

    Attributes
    ----------
    patient : str
        The local patient identification, as it stands there.
    plus : str
        ``"EDF+C"``, ``"EDF+D"``, ``"BDF+C"``, ``"24BIT"`` or ``""``.
    records : int
        Complete data records in the file.
    seconds : float
        Length of a record.
    labels, units : tuple of str
        Of all channels, those with annotations included.
    samples : tuple of int
        Samples of each channel in a record.
    width : int
        Bytes of a sample: 2 in EDF, 3 in BDF.
    """

    patient: str
    plus: str
    records: int
    seconds: float
    labels: tuple[str, ...]
    units: tuple[str, ...]
    samples: tuple[int, ...]
    width: int

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels with signals."""
        return tuple(name for name in self.labels if not is_annotation(name))

    @property
    def rate(self) -> float:
        """The highest sampling rate of the channels with signals, in Hz; slower ones are brought to it."""
        pairs = zip(self.labels, self.samples, strict=True)
        return max(n for name, n in pairs if not is_annotation(name)) / self.seconds

    @property
    def start(self) -> int:
        """Where the first record begins, in bytes."""
        return 256 * (len(self.labels) + 1)

    @property
    def record(self) -> int:
        """Bytes of a record."""
        return self.width * sum(self.samples)

    @property
    def duration(self) -> float:
        """Seconds of the whole recording."""
        return self.records * self.seconds


def is_edf(path: Path) -> bool:
    """Whether a file begins as EDF or BDF files do."""
    try:
        with path.open("rb") as file:
            start = file.read(8)
    except OSError:
        return False
    return start in (b"0       ", b"\xffBIOSEMI")


def read_header(path: Path, say: Say | None = None) -> Header:
    """Return the header of an EDF or BDF file whose size is the one that the header promises.

    Raises
    ------
    MedgraftError
        It is of another format, damaged, or cut short.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(256)
        if len(start) < 256 or not is_edf(path):
            raise MedgraftError(f"'{path}' is no EDF or BDF file: it does not begin as they do.")
        n = _whole(start[252:256], path, "number of channels")
        if not 1 <= n <= _MAX_CHANNELS:
            raise damaged(path, f"{n} channels")
        block = file.read(256 * n)
        if len(block) < 256 * n or _whole(start[184:192], path, "size of the header") != 256 * (n + 1):
            raise damaged(path, "a header of another length")
    columns, place = {}, 0
    for name, width in _FIELDS.items():
        columns[name] = [block[place + i * width : place + (i + 1) * width] for i in range(n)]
        place += n * width
    samples = tuple(_whole(cell, path, "samples of a channel") for cell in columns["n"])
    labels = tuple(cell.decode("latin-1").strip() for cell in columns["label"])
    units = tuple(cell.decode("latin-1").strip() for cell in columns["unit"])
    seconds = _number(start[244:252], path, "length of a record")
    header = Header(
        start[8:88].decode("latin-1").strip(),
        start[192:197].decode("latin-1").strip(),
        _whole(start[236:244], path, "number of records", lowest=-1),
        seconds,
        labels,
        units,
        samples,
        2 if start[:1] == b"0" else 3,
    )
    if min(samples) < 1 or not header.channels:
        raise damaged(path, "no signals")
    if not seconds > 0 or header.rate > _MAX_RATE:
        raise damaged(path, f"records of {seconds:g} seconds")
    header = _fit(header, size - 256 * (n + 1), path, say)
    return header


def _fit(header: Header, held: int, path: Path, say: Say | None) -> Header:
    """Check the number of records against the bytes that the file holds."""
    whole, rest = divmod(held, header.record)
    promised = header.records
    if promised in (-1, 0) and whole and not rest:  # recording was never closed: what is there counts
        promised = whole
    if whole < promised or not whole:
        raise MedgraftError(
            f"The file '{path}' is cut short: its header promises {header.records} records of "
            f"{header.record} bytes and it holds {whole}; get the whole file."
        )
    if rest:
        raise MedgraftError(
            f"The file '{path}' has {rest} bytes more than its header promises: was it sent as text, so that "
            "line ends were changed? Get it anew, as a binary file."
        )
    if whole > promised and say is not None:
        say(f"'{path.name}' holds {whole} records where its header says {promised}; all of them are read.")
    return replace(header, records=whole)


def is_annotation(label: str) -> bool:
    """Whether a channel holds annotations and no signal."""
    return label in ("EDF Annotations", "BDF Annotations")


def _whole(cell: bytes, path: Path, what: str, lowest: int = 0) -> int:
    value = _number(cell, path, what)
    if value != int(value) or value < lowest:
        raise damaged(path, f"{value:g} as {what}")
    return int(value)


def _number(cell: bytes, path: Path, what: str) -> float:
    text = cell.decode("latin-1").strip(" \0")
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?", text):
        raise damaged(path, f"{text!r} as {what}")
    value = float(text)
    if not math.isfinite(value):
        raise damaged(path, f"{text!r} as {what}")
    return value


def damaged(path: Path, what: str) -> MedgraftError:
    """Return the error for a header that cannot be."""
    return MedgraftError(f"The header of '{path}' is damaged (it says {what}): get the file anew.")
