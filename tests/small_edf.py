"""A small EDF+ recording, byte by byte."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def write_edf(path: Path, values: np.ndarray, rate: int, notes=(), patient="X X X X") -> Path:
    """Write whole numbers (channels, seconds * rate) as microvolts, with (start, seconds, text) notes."""
    channels, length = values.shape
    records, room = length // rate, 400
    names = [f"C{i + 1}" for i in range(channels)] + ["EDF Annotations"]
    n = len(names)

    def say(text: object, size: int) -> bytes:
        return str(text).encode().ljust(size)[:size]

    head = say("0", 8) + say(patient, 80) + say("Startdate 01-JAN-2020 X X X", 80)
    head += say("01.01.20", 8) + say("00.00.00", 8) + say(256 * (n + 1), 8) + say("EDF+C", 44)
    head += say(records, 8) + say(1, 8) + say(n, 4)
    samples = [rate] * channels + [room // 2]
    columns = (
        (names, 16),
        ([""] * n, 80),
        (["uV"] * channels + [""], 8),
        *(([low] * n, 8) for low in (-32768, 32767, -32768, 32767)),
        ([""] * n, 80),
        (samples, 8),
        ([""] * n, 32),
    )
    head += b"".join(say(value, size) for column, size in columns for value in column)
    body = b""
    for k in range(records):
        body += values[:, k * rate : (k + 1) * rate].astype("<i2").tobytes()
        text = f"+{k}\x14\x14\0"
        if k == 0:
            text += "".join(f"+{s}" + (f"\x15{d}" if d else "") + f"\x14{t}\x14\0" for s, d, t in notes)
        body += text.encode().ljust(room, b"\0")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(head + body)
    return path
