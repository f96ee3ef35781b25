"""Which samples ``medgraft explain`` is asked about, and what they are called."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from medgraft.base import MedgraftError

if TYPE_CHECKING:
    from medgraft.cohort import Cohort
    from medgraft.cohort.ref import Ref

FILES = ("image", "volume", "signal", "omics")  # kinds that are references
FIRST = 3  # samples where none is named


def chosen(people: Cohort, wanted: list[str] | None, data: Path, read: set[str]) -> dict[int, str]:
    """Return the rows that are named, each with the name by which a column knows it, or an empty one.

    Columns that the graft reads name nobody.
    """
    import numpy as np

    from medgraft.base import did_you_mean

    if not wanted:
        return dict.fromkeys(range(min(FIRST, people.n)), "")
    names = _files(people, data) or [""] * people.n
    found: dict[int, str] = {}
    spare = [c for c in people.table.columns if c not in (*read, people.label, *people.media.values())]
    for one in wanted:
        same, by = [i for i, name in enumerate(names) if one in _calls(name)], ""
        for column in [people.group, *spare]:
            if not same and column is not None:
                same, by = np.flatnonzero(people.table[column].astype(str) == one).tolist(), one
        if not same and one.isdigit() and int(one) < people.n:
            same, by = [int(one)], ""
        if not same:
            known = [*names, *(people.table[people.group].astype(str) if people.group else ())]
            hint = did_you_mean(one, known) or " Give a file name, a patient of --group, or a row from 0."
            raise MedgraftError(f"There is no sample '{one}' in '{people.name}', of {people.n} rows.{hint}")
        found |= {i: by for i in same if i not in found}
    return found


def _calls(name: str) -> tuple[str, ...]:
    """Return what a file may be called: by its place, its name, or its name without suffixes."""
    return name, Path(name).name, Path(name).stem, Path(name).name.partition(".")[0]


def names_of(people: Cohort, data: Path) -> list[str]:
    """Return what samples are called: files or rows, and with --group the patient."""
    names = _files(people, data) or [f"row {i}" for i in range(people.n)]
    if people.group is None:
        return names
    return [f"{name} ({who})" for name, who in zip(names, people.table[people.group], strict=True)]


def _files(people: Cohort, data: Path) -> list[str]:
    """Return the files of samples by their place below the data, of omics their names in the matrix.

    None where they have neither.
    """
    column = next((people.media[kind] for kind in FILES if kind in people.media), None)
    if column is None:
        return []
    from medgraft.cohort.ref import Ref

    root = data.resolve() if data.is_dir() else data.resolve().parent
    return [_shown(Ref.parse(str(cell)), root) for cell in people.table[column]]


def _shown(ref: Ref, root: Path) -> str:
    """Return what a reference is called without the folders of this machine."""
    from medgraft.cohort.omics.rows import sample_of

    if "sample" in ref.parts:
        return sample_of(ref)
    file = Path(ref.path).resolve()
    name = str(file.relative_to(root)) if file.is_relative_to(root) else file.name
    return str(ref.with_path(name))
