"""What the checks look at: the cohorts joined row by row, and one pass over their samples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medgraft.base import MedgraftError
from medgraft.cohort.audit.finding import MAX_ROWS
from medgraft.cohort.audit.rows import row_hashes
from medgraft.cohort.audit.similar import Alike, near_copies
from medgraft.cohort.audit.sketches import Sketch, sketch_of
from medgraft.cohort.cohort import Cohort
from medgraft.cohort.labels import names
from medgraft.cohort.ref import Ref

Progress = Callable[[int, int], None]
Rows = NDArray[np.intp]


class Case:
    """The rows of the data, the test data and the sources under each other.

    Parameters
    ----------
    data : Cohort
    test : Cohort, optional
    sources : sequence of Cohort
    folds : int
    progress : callable, optional
        Called with (done, total) while samples are opened.

    Attributes
    ----------
    kind : str
        The first kind of the data.
    part : ndarray of int, (n,)
        0 for the data, 1 for the test data, 2 and on for sources.
    row : ndarray of int, (n,)
        The row within its part, from 0.
    """

    def __init__(
        self,
        data: Cohort,
        test: Cohort | None = None,
        sources: Sequence[Cohort] = (),
        folds: int = 5,
        progress: Progress | None = None,
    ) -> None:
        self.cohorts = {0: data} | ({} if test is None else {1: test})
        self.cohorts |= {2 + k: source for k, source in enumerate(sources)}
        for cohort in self.cohorts.values():
            if cohort.kind != data.kind:
                raise MedgraftError(
                    f"'{data.name}' is of kind {data.kind} and '{cohort.name}' of kind {cohort.kind}: audit "
                    "data of one kind together."
                )
        self.data = data
        self.kind = data.kind
        self.folds = folds
        self.part = np.repeat(list(self.cohorts), [c.n for c in self.cohorts.values()])
        self.row = np.concatenate([np.arange(c.n) for c in self.cohorts.values()])
        self._progress = progress
        self._sketches: dict[str, Sketch] = {}
        self._places: dict[int, dict[str, Any]] = {}
        self._alike: dict[str, Alike] = {}

    @property
    def n(self) -> int:
        """Number of rows of all parts."""
        return len(self.part)

    def name_of(self, part: int) -> str:
        """Return what a part is called in a finding."""
        return ("data", "test")[part] if part < 2 else f"source {part - 1}"

    def column(self, of: Callable[[Cohort], str | None]) -> NDArray[np.object_]:
        """Return the names of the values of a role's column, (n,); None where they are missing."""
        parts = []
        for cohort in self.cohorts.values():
            column = of(cohort)
            empty = np.full(cohort.n, None, dtype=object)
            parts.append(empty if column is None else names(cohort.table[column]))
        return np.concatenate(parts)

    @cached_property
    def groups(self) -> NDArray[np.object_]:
        """Names of the patients, (n,); None where they are unknown."""
        return self.column(lambda c: c.group)

    @cached_property
    def patients(self) -> Rows:
        """Codes of the patients by name, (n,); a row without a name is a patient of its own."""
        keys = [g if g is not None else f"\0{i}" for i, g in enumerate(self.groups)]
        return pd.factorize(np.array(keys, dtype=object))[0].astype(np.intp)

    @cached_property
    def has_groups(self) -> bool:
        """Whether the data say which patient a row belongs to."""
        return self.data.group is not None

    @cached_property
    def labels(self) -> NDArray[np.object_]:
        """Names of the labels, (n,); None where they are missing."""
        return self.column(lambda c: c.label)

    @cached_property
    def classes(self) -> list[str]:
        """Names of the classes of the data; thirds of the values for regression; empty without a label."""
        if self.data.label is None:
            return []
        if self.data.task == "regression":
            return ["low", "middle", "high"]
        return [c for c in (self.data.classes or []) if c in set(self.labels[self.part == 0])]

    @cached_property
    def codes(self) -> Rows:
        """The label as a code into `classes`, (n,); -1 where it is missing or no class of the data."""
        if self.data.label is not None and self.data.task == "regression":
            known = np.flatnonzero(self.labels != None)  # noqa: E711  (elementwise)
            values = np.full(self.n, np.nan)
            values[known] = pd.to_numeric(pd.Series(self.labels[known]), errors="coerce")
            own = values[self.part == 0]
            if not np.isfinite(own).any():
                return np.full(self.n, -1)
            cuts = np.nanquantile(own, [1 / 3, 2 / 3])
            return np.where(np.isnan(values), -1, np.digitize(values, cuts))
        return pd.Index(self.classes, dtype=object).get_indexer(pd.Index(self.labels, dtype=object))

    @cached_property
    def sites(self) -> NDArray[np.object_] | None:
        """Names of the sites of data and sources, (n,), None for test rows; None where there is one site.

        A source is a site of its own, or several where it has domains.
        """
        own = self.column(lambda c: c.domain)
        out = np.full(self.n, None, dtype=object)
        for part, cohort in self.cohorts.items():
            here = self.part == part
            if part == 1:
                continue
            base = "" if part == 0 else self.name_of(part)
            if cohort.domain is None:
                out[here] = base or "data"
            else:
                known = np.where(own[here] == None, "missing", own[here])  # noqa: E711
                out[here] = [f"{base}/{d}" if base else d for d in known]
        return out if len(set(out[self.part != 1])) > 1 else None

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The feature columns of the data, for all parts; a column that a part lacks is missing there."""
        features = list(self.data.features)
        parts = [c.table.reindex(columns=features) for c in self.cohorts.values()]
        if len(parts) == 1:
            return parts[0].reset_index(drop=True)
        return pd.DataFrame({f: _stack([p[f] for p in parts]) for f in features}, index=range(self.n))

    @cached_property
    def cells(self) -> NDArray[np.object_]:
        """The references of the first kind, (n,); None where they are missing, and for tables."""
        return self.column(lambda c: c.media.get(self.kind))

    def sketch(self, kind: str) -> Sketch:
        """Return what one pass over the samples of a kind gave; it is made at the first call."""
        if kind not in self._sketches:
            cells = self.column(lambda c: c.media.get(kind))
            self._sketches[kind] = sketch_of(kind, cells, self._progress)
        return self._sketches[kind]

    def alike(self, kind: str) -> Alike:
        """Return the near copies among the samples of a kind; pairs are of rows."""
        if kind not in self._alike:
            sketch = self.sketch(kind)
            found = near_copies(sketch)
            self._alike[kind] = replace(found, pairs=sketch.rows[found.pairs])
        return self._alike[kind]

    @cached_property
    def content(self) -> NDArray[np.object_]:
        """Checksums of what a model reads of each row, (n,): equal for exact copies; None where missing."""
        if self.kind == "table":
            return row_hashes(self.frame)
        parts = [c.content() for c in self.cohorts.values()]
        found: NDArray[np.object_] = np.concatenate(parts).astype(object)
        found[self.cells == None] = None  # noqa: E711
        return found

    @cached_property
    def units(self) -> Rows:
        """Codes of what is independent, (n,): patients, with copies and likely relatives joined."""
        from medgraft.cohort.audit.relatives import units

        return units(self)

    def place(self, i: int) -> dict[str, Any]:
        """Return where a row is, for the list of a finding."""
        if i not in self._places:
            self._places[i] = self._place(i)
        return self._places[i]

    def _place(self, i: int) -> dict[str, Any]:
        found: dict[str, Any] = {"part": self.name_of(int(self.part[i])), "row": int(self.row[i]) + 1}
        if self.groups[i] is not None:
            from medgraft.cohort.deid import pseudonym

            found["patient"] = pseudonym(self.groups[i])
        if self.kind not in ("table", "sequence") and self.cells[i] is not None:
            ref = Ref.parse(self.cells[i])
            parts = ";".join(f"{k}={v}" for k, v in ref.parts.items())
            found["file"] = Path(ref.path).name + ("::" + parts if parts else "")
        return found

    def places(self, rows: Iterable[Any]) -> list[dict[str, Any]]:
        """Return where rows are, as many as are listed."""
        return [self.place(int(i)) for i, _ in zip(rows, range(MAX_ROWS), strict=False)]

    def sets(self, sets: Iterable[Iterable[Any]], **figures: Sequence[float]) -> list[dict[str, Any]]:
        """Return rows that belong together, as many sets as are listed, with figures of each set."""
        listed = []
        for k, (rows, _) in enumerate(zip(sets, range(MAX_ROWS), strict=False)):
            own = {name: round(float(values[k]), 5) for name, values in figures.items()}
            listed.append({"rows": self.places(list(rows)[:20]), **own})
        return listed


def _stack(parts: list[pd.Series[Any]]) -> Any:
    if len({p.dtype for p in parts}) == 1 and parts[0].dtype != object:
        return pd.concat(parts, ignore_index=True)
    if all(pd.api.types.is_numeric_dtype(p) or p.isna().all() for p in parts):
        return np.concatenate([pd.to_numeric(p, errors="coerce").to_numpy(dtype=float) for p in parts])
    return pd.Series(np.concatenate([names(p) for p in parts]), dtype=object)
