"""Windows cut from a recording, in one .safetensors file: exact values, channels, units, rate."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from medgraft.base import MedgraftError
from medgraft.cohort.formats import Decoder, add_decoder
from medgraft.cohort.limits import check_size
from medgraft.cohort.media import Signal
from medgraft.cohort.ref import Ref

SUFFIX = ".safetensors"
_KIND = "medgraft signal windows 1"


def write_windows(path: Path, windows: Sequence[Signal]) -> list[str]:
    """Write the windows of a recording to one file, and return a reference to each.

    Parameters
    ----------
    path : path
        Ends in ``.safetensors``.
    windows : sequence of Signal
        Of the same channels, units and rate; lengths may differ.

    Returns
    -------
    list of str
        ``"PATH::window=0"`` and so on, which `medgraft.cohort.media.open_sample` opens one at a time.

    Raises
    ------
    MedgraftError
        There is no window, or channels, units or rates differ.

    Examples
    --------
    >>> import tempfile
    >>> from medgraft.cohort.media import open_sample
    >>> s = Signal(np.array([[0.1, 0.2]], np.float32), 160.0, ("C3",), ("V",))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     back = open_sample("signal", write_windows(Path(folder) / "a.safetensors", [s])[0])
    >>> bool((back.values == s.values).all()), back.rate, back.channels, back.units
    (True, 160.0, ('C3',), ('V',))
    """
    from safetensors.numpy import save_file

    if len({(w.rate, w.channels, w.units) for w in windows}) != 1:
        raise MedgraftError(
            f"The windows in '{path}' need the same channels, units and rate, and there must be one."
        )
    first = windows[0]
    facts = {"channels": list(first.channels), "units": list(first.units), "rate": float(first.rate)}
    save_file(
        {str(i): np.ascontiguousarray(w.values, np.float32) for i, w in enumerate(windows)},
        path,
        {"kind": _KIND, "signal": json.dumps(facts)},
    )
    return [str(Ref(path, window=i)) for i in range(len(windows))]


def open_signal(ref: Ref) -> Signal:
    """Return one window; only its bytes are read.

    Raises
    ------
    MedgraftError
        The file holds no windows, or no such one.
    """
    from safetensors import safe_open

    number = str(ref.number("window"))
    with safe_open(ref.path, "np") as file:
        said: dict[str, str] = file.metadata() or {}
        if said.get("kind") != _KIND:
            raise MedgraftError(f"'{ref.path}' holds no windows of signals that medgraft wrote.")
        if number not in file.keys():  # noqa: SIM118  (the file is no mapping)
            raise MedgraftError(f"'{ref.path}' has {len(file.keys())} windows and no number {number}.")
        shape = file.get_slice(number).get_shape()
        check_size(int(np.prod(shape, dtype=object)), ref.path)
        facts: dict[str, Any] = json.loads(said["signal"])
        values = np.array(file.get_tensor(number), np.float32)
    channels, units = tuple(map(str, facts["channels"])), tuple(map(str, facts["units"]))
    if values.ndim != 2 or not len(values) == len(channels) == len(units):
        raise MedgraftError(f"The window '{ref}' does not have the channels that its file names.")
    return Signal(values, float(facts["rate"]), channels, units)


def opens(ref: Ref) -> bool:
    """Whether a reference is to a window in such a file."""
    return ref.path.lower().endswith(SUFFIX)


DECODER = add_decoder(Decoder("signal_windows", "signal", opens, open_signal))
