"""MATLAB files: arrays of numbers by the name of the variable; nothing is ever executed or unpickled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medgraft.base import MedgraftError
from medgraft.cohort.formats import Decoder, Format, Say, add_decoder, register
from medgraft.cohort.formats.folders import data_files
from medgraft.cohort.formats.mat_arrays import Array, list_arrays, load_array
from medgraft.cohort.formats.mat_hdf5 import is_numbers, library, numbers, unreadable
from medgraft.cohort.formats.signal_rows import rows_of
from medgraft.cohort.limits import check_size
from medgraft.cohort.media import Signal
from medgraft.cohort.ref import Ref

_NUMBERS = frozenset(("double", "single", "logical")) | {
    f"{u}int{n}" for u in ("", "u") for n in (8, 16, 32, 64)
}
_RATES = frozenset(("fs", "rate", "freq", "srate", "sfreq", "samplerate", "sample_rate", "sampling_rate"))
_FEWEST = 16  # values of a variable that is taken for a signal


def matches(path: Path) -> bool:
    """Whether a file is of MATLAB, or a folder's data are such files only (and no WFDB records)."""
    if path.is_dir():
        files = data_files(path)
        return (
            bool(files)
            and all(file.suffix.lower() in (".mat", ".txt") for file in files)
            and any(file.suffix.lower() == ".mat" for file in files)
        )
    return path.is_file() and path.suffix.lower() == ".mat"


def read(path: Path, say: Say) -> pd.DataFrame:
    """Return one row per variable with a signal: ``signal``, ``file``, ``variable``, ``rate``, ``label``.

    A variable with at least 16 numbers in one or two dimensions is a signal; cells, structs, objects and
    text are passed over. A scalar named ``fs`` or the like is the sampling rate.

    Raises
    ------
    MedgraftError
        A file is damaged, or no file has a signal.
    """
    root = path if path.is_dir() else path.parent
    files = [f for f in data_files(path) if f.suffix.lower() == ".mat"] if path.is_dir() else [path]
    table = rows_of(root, files, say)
    rows: list[dict[str, Any]] = []
    without = []
    for row in ({str(k): v for k, v in r.items()} for r in table.to_dict("records")):
        file = Path(row["signal"])
        variables = _variables(file)
        rate = _rate(file, variables)
        signals = [v for v in variables if _is_signal(v)]
        if not signals:
            without.append(row["file"])
        for variable in signals:
            parts = {"variable": variable.name} | ({} if rate is None else {"rate": repr(rate)})
            rows.append(
                row | {"signal": str(Ref(file, **parts)), "variable": variable.name, "rate": rate or np.nan}
            )
    if not rows:
        raise MedgraftError(
            f"'{path}' holds no signal: it needs a variable with {_FEWEST} numbers or more in one or two "
            "dimensions."
        )
    if without:
        say(f"{len(without)} files hold no signal and are not used, the first being '{without[0]}'.")
    frame = pd.DataFrame(rows)
    return frame.drop(columns="rate") if frame["rate"].isna().all() else frame


def open_signal(ref: Ref) -> Signal:
    """Return a variable as a signal; its longer dimension is time.

    Without ``variable`` it is the file's only signal, without ``rate`` the file's own rate, or 1.

    Raises
    ------
    MedgraftError
        The file is damaged, or has no such variable of numbers.
    """
    path = Path(ref.path)
    variables = _variables(path)
    chosen = _choose(ref, [v for v in variables if _is_signal(v)] or variables)
    values = _load(path, chosen)
    values = values.reshape([n for n in values.shape if n > 1] or [1])
    if values.ndim > 2:
        raise MedgraftError(
            f"The variable '{chosen.name}' of '{path}' has {values.ndim} dimensions, not 1 or 2."
        )
    values = np.atleast_2d(values)
    if values.shape[0] > values.shape[1]:
        values = values.T
    rate = ref.numbers("rate")[0] if "rate" in ref.parts else _rate(path, variables) or 1.0
    if rate <= 0:
        raise MedgraftError(f"The reference '{ref}' needs a rate above 0.")
    n = values.shape[0]
    names = (chosen.name,) if n == 1 else tuple(f"{chosen.name}_{i + 1}" for i in range(n))
    with np.errstate(over="ignore"):  # what float32 cannot hold is infinite
        return Signal(np.ascontiguousarray(values, np.float32), rate, names, ("",) * n)


def _choose(ref: Ref, variables: list[Array]) -> Array:
    name = ref.parts.get("variable")
    found = [v for v in variables if v.name == name] if name else variables
    if len(found) != 1:
        there = ", ".join(repr(v.name) for v in variables[:10]) or "none"
        raise MedgraftError(
            f"The reference '{ref}' needs variable=NAME of an array of numbers; in the file there is {there}."
        )
    return found[0]


def _rate(path: Path, variables: list[Array]) -> float | None:
    for variable in variables:
        if variable.size == 1 and variable.name.lower() in _RATES:
            rate = float(_load(path, variable).reshape(-1)[0])
            return rate if 0 < rate < 1e9 else None
    return None


def _is_hdf5(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(520)
    return start.startswith((b"MATLAB 7.3", b"\x89HDF")) or start[512:516] == b"\x89HDF"


def _variables(path: Path) -> list[Array]:
    """Return the variables that are arrays of numbers, with their shapes."""
    try:
        return _hdf5_variables(path) if _is_hdf5(path) else list_arrays(path)
    except MedgraftError:
        raise
    except Exception as error:  # parsers of arbitrary bytes fail in every way there is
        raise unreadable(path, error) from error


def _load(path: Path, array: Array) -> NDArray[Any]:
    check_size(array.size, path)
    try:
        return numbers(path, array.name) if _is_hdf5(path) else load_array(path, array)
    except MedgraftError:
        raise
    except Exception as error:  # as above
        raise unreadable(path, error) from error


def _is_signal(array: Array) -> bool:
    return array.size >= _FEWEST and sum(n > 1 for n in array.shape) in (1, 2)


def _hdf5_variables(path: Path) -> list[Array]:
    h5py = library()
    found = []
    with h5py.File(path, "r") as file:
        for name in sorted(file):
            # A link leads to other files: a file may only show its own.
            if not isinstance(file.get(name, getlink=True), h5py.HardLink):
                continue
            item = file[name]
            if is_numbers(item) and _class(item) in _NUMBERS:
                found.append(Array(name, tuple(int(n) for n in item.shape), item.dtype.str, 0))
    return found


def _class(item: Any) -> str:
    name = item.attrs.get("MATLAB_class", "double")
    return name.decode("latin-1") if isinstance(name, bytes) else str(name)


def opens(ref: Ref) -> bool:
    """Whether a reference is to a MATLAB file."""
    return ref.path.lower().endswith(".mat")


FORMAT = register(Format("mat", (".mat",), matches, read, roles={"signal": "signal", "label": "label"}))
DECODER = add_decoder(Decoder("mat", "signal", opens, open_signal))
