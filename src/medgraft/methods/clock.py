"""The column of times among a method's features."""

from __future__ import annotations

import numpy as np

from medgraft.methods.splits import Floats
from medgraft.methods.table import InputError, Table


def times(table: Table, name: str | None) -> Floats:
    """Return the time of each row (n,), NaN where unknown.

    Parameters
    ----------
    table : Table
    name : str or None
        The column; None means the first column of numbers (all NaN where there is none).

    Raises
    ------
    InputError
        There is no such column of numbers.
    """
    known = [n for n, is_number in zip(table.names, table.number, strict=True) if is_number]
    if name is None:
        return table.numbers[:, 0].copy() if known else np.full(len(table), np.nan)
    if name not in known:
        raise InputError(f"There is no column of numbers '{name}' to read times from.")
    return table.numbers[:, known.index(name)].copy()
