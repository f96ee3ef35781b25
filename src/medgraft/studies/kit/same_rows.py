"""Whether the rows of two cohorts are the same patients' in the same order: by what the rows hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medgraft.cohort import Cohort
from medgraft.cohort.digest import sample_digest
from medgraft.cohort.labels import is_number, names
from medgraft.cohort.segmentation import SEGMENTATION


def unlike(one: Cohort, two: Cohort) -> str:
    """Say why the first rows of one cohort are not shown to be those of another, or "" where they are.

    Use it before two runs are paired row by row. Not to find rows that stand elsewhere: a row may only be
    followed by others, not moved.

    Labels must be equal. So must what models read, as far as the second cohort has the column still: files
    by their bytes, words by themselves, numbers by their order, since leaks scale numbers and fill gaps.
    Where columns are lost, rows that agree in all that is left must be one patient's: within a patient and
    a label no figure depends on which is which.

    Parameters
    ----------
    one : Cohort
        The rows in question, with their patients.
    two : Cohort
        The same and perhaps more after them, without patients perhaps.

    Returns
    -------
    str
        A reason, to follow "because".

    Raises
    ------
    MedgraftError
        A file can no longer be read.

    Examples
    --------
    >>> from dataclasses import replace
    >>> import medgraft as mg
    >>> c = mg.read(pd.DataFrame({"x": [3.0, 1.0, 2.0, 5.0], "ill": ["no", "yes"] * 2}), label="ill")
    >>> unlike(c, replace(c, table=c.table.assign(x=[30.0, 10.0, 20.0, 50.0])))
    ''
    >>> unlike(c, replace(c, table=c.table.assign(x=[2.0, 1.0, 3.0, 5.0])))
    "the runs' rows differ in 'x'"
    """
    if two.n < one.n:
        return "the leaking run judged fewer rows"
    two = two.select(np.arange(one.n))
    if one.task != two.task or one.classes != two.classes:
        return "the runs' classes differ"
    agreed = []
    if one.task != SEGMENTATION:  # there the masks are the label, and are compared as files
        if not np.array_equal(one.y, two.y, equal_nan=True):
            return "the runs' labels differ"
        agreed += [np.unique(one.y, return_inverse=True)[1]] if one.y.ndim == 1 else []
    kinds = {column: kind for kind, column in one.media.items()}
    read = [*kinds, *one.features]
    left = [column for column in read if column in two.table]
    for column in left:
        codes = _alike(one.table[column], two.table[column], kinds.get(column))
        if codes is None:
            return f"the runs' rows differ in '{column}'"
        agreed.append(codes)
    if left and left == read:
        return ""
    if one.group is not None and one.group in two.table:
        codes = _alike(one.table[one.group], two.table[one.group], None)
        agreed += [] if codes is None else [codes]
    if not agreed:
        return "nothing tells the runs' rows apart"
    tied = np.unique(np.stack(agreed), axis=1, return_inverse=True)[1].reshape(-1)
    whose = len(np.unique(np.stack([tied, one.groups]), axis=1).T)
    return "" if whose == tied.max() + 1 else "nothing tells the runs' rows apart"


def _alike(a: pd.Series[Any], b: pd.Series[Any], kind: str | None) -> NDArray[np.intp] | None:
    """Return the codes of a column's cells, equal for equal cells, or None where the other's are others."""
    if kind is None and is_number(a) and is_number(b):
        x, z = (np.asarray(pd.to_numeric(column).to_numpy(float, na_value=np.nan)) for column in (a, b))
        known = ~np.isnan(x)
        codes = np.full(len(x), -1, dtype=np.intp)
        codes[known] = np.unique(x[known], return_inverse=True)[1]
        order = np.unique(z[known], return_inverse=True)[1]
        return None if np.isnan(z[known]).any() or not np.array_equal(codes[known], order) else codes
    if kind is None:
        own, other = list(names(a)), list(names(b))
    else:
        own, other = ([sample_digest(kind, cell) for cell in column] for column in (a, b))
    return np.asarray(pd.factorize(np.array(own, dtype=object))[0]) if own == other else None
