"""The cohort: one row for each sample, and what each column is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medgraft.base import MedgraftError
from medgraft.cohort.digest import digest
from medgraft.cohort.labels import TASKS, is_number, name, names, sort_names
from medgraft.cohort.media import KINDS, open_sample
from medgraft.cohort.multilabel import decode
from medgraft.cohort.segmentation import SEGMENTATION, references

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["TASKS", "Cohort"]

# More levels than this are hardly categories; their text may be about single patients, so it is not kept.
_MAX_LEVELS = 50


@dataclass(frozen=True, eq=False)
class Cohort:
    """Patients as a table: one row per sample, columns with roles. Get one from :func:`medgraft.read`.

    Nothing is decoded, imputed or scaled here: whatever learns from data happens inside the training
    part of a split. Do not build one by hand unless the roles are known to be right; `read` checks them.

    Attributes
    ----------
    table : DataFrame
        One row per sample, index 0 to n-1; every column of the file.
    label : str or None
        The column to predict; None for data that are only predicted on.
    features : tuple of str
        Columns of numbers, bools and text that have no other role.
    image, volume, signal, sequence, omics, mask : str or None
        The column of references (see :class:`~medgraft.cohort.ref.Ref`) to samples of that kind; a
        sequence stands in its column itself. In a cohort of several kinds any may be missing for a
        patient.
    group : str or None
        The column of patients; no patient is ever on both sides of a split.
    domain : str or None
        The column of sites, scanners or batches.
    time : str or None
    protected : tuple of str
        Columns for fairness; they are not features.
    positive : str or None
        The class that is the event, by name (binary only).
    task : str
        One of `TASKS`, or ``"unlabelled"`` when there is no label. ``"segmentation"``: the masks are it.
    name : str
        Stem of the file, or name of the folder.
    warnings : tuple of str
        What the reader did or skipped, in sentences.
    levels : tuple of str or None
        Names of the classes; kept here so that a selection of rows has the classes of the whole.

    Examples
    --------
    >>> from medgraft.cohort import read
    >>> c = read(pd.DataFrame({"age": [50, 60, 70, 80], "ill": ["no", "no", "yes", "yes"]}), label="ill")
    >>> c.n, c.kind, c.task, c.classes, c.y.tolist()
    (4, 'table', 'binary', ['no', 'yes'], [0, 0, 1, 1])
    """

    table: pd.DataFrame
    label: str | None
    features: tuple[str, ...]
    image: str | None = None
    group: str | None = None
    domain: str | None = None
    time: str | None = None
    protected: tuple[str, ...] = ()
    positive: str | None = None
    task: str = "unlabelled"
    name: str = "table"
    warnings: tuple[str, ...] = ()
    levels: tuple[str, ...] | None = None
    volume: str | None = None
    signal: str | None = None
    sequence: str | None = None
    omics: str | None = None
    mask: str | None = None

    def __repr__(self) -> str:
        """Say what there is, and nothing of any patient: this is what ends up in notebooks and logs."""
        roles = ("label", "group", "domain", "time", *KINDS)
        named = [f"{role}={value!r}" for role in roles if (value := getattr(self, role)) is not None]
        count = f"{self.n} rows, {len(self.features)} features"
        return f"Cohort({self.name!r}: {count}, task={self.task!r}{''.join(f', {r}' for r in named)})"

    @property
    def n(self) -> int:
        """Number of samples (rows)."""
        return len(self.table)

    @property
    def media(self) -> dict[str, str]:
        """The columns of samples outside the table, by kind (``{"image": "path"}``); masks included."""
        named = {kind: getattr(self, kind) for kind in KINDS}
        return {kind: column for kind, column in named.items() if column is not None}

    @property
    def kinds(self) -> tuple[str, ...]:
        """What a sample consists of: `media` without masks, and ``"table"`` where there are features."""
        outside = tuple(kind for kind in self.media if kind != "mask")
        return (*outside, "table") if self.features or not outside else outside

    @property
    def kind(self) -> str:
        """The first of `kinds`: ``"image"``, ``"volume"``, ``"signal"``, ... or ``"table"``."""
        return self.kinds[0]

    @property
    def classes(self) -> list[str] | None:
        """Names of the classes in the order of the codes in `y`; None for regression or without label.

        Binary: ``[negative, positive]``. Multiclass: sorted, numbers by value. Ordinal: from the least to the
        most. Multilabel: the labels, one a column of `y`.
        """
        return None if self.levels is None else list(self.levels)

    @cached_property
    def y(self) -> NDArray[Any]:
        """The label, (n,): codes 0 to K-1 into `classes`, or float64 for regression.

        Multilabel: (n, L) of float64, 1 where a label is there, 0 where not, NaN where it is unknown.

        Segmentation: the references of the masks, (n,) of str.

        Raises
        ------
        MedgraftError
            There is no label column, or labels are missing.
        """
        if self.task == SEGMENTATION:
            return _frozen(references(self))
        if self.label is None:
            raise MedgraftError(
                f"The cohort '{self.name}' has no label: say which column it is with --label."
            )
        column = self.table[self.label]
        unknown = int(column.isna().sum())
        if unknown:
            raise MedgraftError(
                f"The label '{self.label}' of '{self.name}' is missing in {unknown} of {self.n} rows: "
                "remove these rows first."
            )
        if self.levels is None:
            return _frozen(column.to_numpy(dtype=np.float64, copy=True))
        if self.task == "multilabel":
            return _frozen(decode(names(column), self.levels))
        codes = pd.Index(self.levels).get_indexer(pd.Index(names(column)))
        if (codes < 0).any():
            new = sort_names(set(names(column)) - set(self.levels))
            raise MedgraftError(f"The label '{self.label}' has values that are no classes: {', '.join(new)}.")
        return _frozen(codes.astype(np.intp))

    @cached_property
    def groups(self) -> NDArray[np.intp]:
        """Codes of the patients, (n,); every row is its own patient when there is no group column.

        Codes follow the sorted names, so they do not depend on the order of the rows. A row whose
        patient is missing is a patient of its own.
        """
        if self.group is None:
            return _frozen(np.arange(self.n))
        ids = names(self.table[self.group])
        known = np.array([i is not None for i in ids], dtype=bool)
        codes = np.empty(self.n, dtype=np.intp)
        uniques, codes[known] = np.unique(ids[known].astype(str), return_inverse=True)
        codes[~known] = len(uniques) + np.arange(int((~known).sum()))
        return _frozen(codes)

    @cached_property
    def domains(self) -> NDArray[np.str_] | None:
        """Names of the domains, (n,) of str, or None; a missing one is the domain ``"missing"``."""
        if self.domain is None:
            return None
        return _frozen(
            np.array([d if d is not None else "missing" for d in names(self.table[self.domain])], str)
        )

    @property
    def X(self) -> pd.DataFrame:
        """What a model reads: the feature columns as they are, or one column of references, named `kind`."""
        if self.kind != "table":
            return pd.DataFrame({self.kind: self.table[self.media[self.kind]]})
        return self.table[list(self.features)]

    @property
    def inputs(self) -> pd.DataFrame:
        """All that a model may read: the columns of references, named by their kinds, and the features.

        Raises
        ------
        MedgraftError
            A feature is named like a kind.
        """
        taken = [feature for feature in self.features if feature in KINDS]
        if self.media and taken:
            raise MedgraftError(
                f"The column '{taken[0]}' of '{self.name}' is a feature that is called like a kind of file: "
                "rename it, or leave it out of features=[...]."
            )
        references = {kind: self.table[column] for kind, column in self.media.items()}
        return pd.DataFrame(references | {feature: self.table[feature] for feature in self.features})

    def content(self) -> NDArray[np.str_]:
        """Return a checksum of what a model reads of each sample, (n,): equal for exact copies."""
        if self.kind in ("table", "sequence"):
            return pd.util.hash_pandas_object(self.X, index=False).to_numpy().astype(str)
        return np.array([digest(cell).hex() for cell in self.X[self.kind]], dtype=str)

    def select(self, rows: NDArray[Any] | Sequence[int]) -> Cohort:
        """Return the cohort of some rows, in the order given; roles and classes stay.

        Parameters
        ----------
        rows : array of int, or of bool (n,)
        """
        index = np.asarray(rows)
        picked = self.table.iloc[np.flatnonzero(index) if index.dtype == bool else index.astype(np.intp)]
        return replace(self, table=picked.reset_index(drop=True))

    def open(self, kind: str, i: int) -> Any:
        """Open the image, volume, signal, sequence, omics row or mask of row `i`.

        Parameters
        ----------
        kind : str
            One of `media`.
        i : int

        Returns
        -------
        object
            As :func:`medgraft.cohort.media.open_sample` gives it; None where it is missing in that row.

        Raises
        ------
        MedgraftError
            The cohort has no such kind, or the file cannot be decoded.
        """
        if kind not in self._cells:
            has = ", ".join(self.kinds)
            raise MedgraftError(f"The cohort '{self.name}' has no column of {kind}s: it has {has}.")
        cell = self._cells[kind][i]
        return None if cell is None else open_sample(kind, cell)

    @cached_property
    def _cells(self) -> dict[str, list[str | None]]:
        """The references as plain lists: a look into a DataFrame costs as much as a small image."""
        return {
            kind: [None if pd.isna(cell) else str(cell) for cell in self.table[column]]
            for kind, column in self.media.items()
        }

    def open_image(self, i: int) -> Image.Image:
        """Decode the image of row `i`; see :func:`decode_image`."""
        return self.open("image", i)

    def schema(self) -> dict[str, Any]:
        """Return the data contract, ready for JSON: what a model of this cohort needs to be given.

        ``columns`` has, for each feature, ``name``, ``kind`` (``"number"`` or ``"category"``) and
        ``levels`` (the sorted values of a category; None for numbers, and for more than 50 values).
        """
        return {"kind": self.kind, "columns": [_column(self.table[f], f) for f in self.features]}

    def fingerprint(self) -> str:
        """Return a SHA-256 of roles and content; of the files' bytes, not their paths, for images.

        Equal fingerprints mean equal data in equal order: what a resumed trial must check. The name of
        the cohort and its warnings play no part. Cost: one reading of every image file.
        """
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        roles = (self.label, self.features, self.media, self.group, self.domain, self.time, self.protected)
        files = [column for kind, column in self.media.items() if kind != "sequence"]
        h = hashlib.sha256(json.dumps([roles, self.positive, self.task, self.levels]).encode())
        for column in self.table.columns:
            h.update(f"\0{column}\0".encode())
            values = self.table[column]
            if column in files:
                for cell in values:
                    h.update(digest(cell))
            else:
                h.update(pd.util.hash_pandas_object(values, index=False).to_numpy().tobytes())
        return h.hexdigest()


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    # Computed once and shared: nobody may write into it.
    array.flags.writeable = False
    return array


def _column(values: pd.Series[Any], feature: str) -> dict[str, Any]:
    if is_number(values):
        return {"name": feature, "kind": "number", "levels": None}
    known = sort_names(name(v) for v in values.dropna().unique())
    return {"name": feature, "kind": "category", "levels": known if len(known) <= _MAX_LEVELS else None}
