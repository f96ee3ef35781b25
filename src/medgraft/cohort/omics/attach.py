"""A table of samples and the matrix of their omics: which row belongs to which."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort.formats import Say
from medgraft.cohort.labels import names
from medgraft.cohort.omics.matrix import Omics
from medgraft.cohort.omics.rows import reference

_ODD = re.compile(r"[^a-z0-9]+")


def attach(frame: pd.DataFrame, matrix: str | Path, say: Say) -> pd.DataFrame:
    """Return a table of samples with a column ``omics``: references into a matrix.

    The column of the table that holds the matrix's sample names is found by itself; names that R has changed
    on the way (``X784`` for ``784``, ``a.b`` for ``a-b``) are recognised. Only where no column matches, and
    the numbers agree, are rows taken to be in the same order.

    Parameters
    ----------
    frame : DataFrame
        One row a sample.
    matrix : path
        Anything that :meth:`Omics.open` reads.
    say : callable
        Takes warnings: which rows have no omics, what was guessed.

    Returns
    -------
    DataFrame
        With missing values in ``omics`` where the matrix has no such sample.

    Raises
    ------
    MedgraftError
        Nothing of the table matches the samples of the matrix.
    """
    columns = {str(c): names(frame[c]) for c in frame.columns if isinstance(frame[c], pd.Series)}
    texts = {c: [None if t is None else t.strip() for t in ts.tolist()] for c, ts in columns.items()}
    every = {t for ts in texts.values() for t in ts if t is not None}
    omics = Omics.open(matrix, ids=every)
    if not every & {*omics.samples}:  # as R writes them, the samples may be on the other side
        plain = {_plain(t) for t in every}
        omics = next((o for o in _both_ways(matrix) if plain & {_plain(s) for s in o.samples}), omics)
    for warning in omics.warnings:
        say(warning)
    path = str(Path(matrix).absolute())
    exact = {s: s for s in omics.samples}
    loose: dict[str, str | None] = {}
    for s in omics.samples:
        loose[_plain(s)] = None if _plain(s) in loose else s
    for known, change in ((exact, str), (loose, _plain)):
        hits = {c: [None if t is None else known.get(change(t)) for t in ts] for c, ts in texts.items()}
        # A column that gives one sample to several rows (an age, where samples are numbered) holds no names.
        hits = {c: h for c, h in hits.items() if len({*h} - {None}) == len(h) - h.count(None)}
        best = max(hits, key=lambda c: len({*hits[c]} - {None}), default=None)
        if best is None or not any(hits[best]):
            continue
        found = hits[best]
        if known is loose:
            say(
                f"The samples of '{matrix}' are spelt differently in the column '{best}'; they were matched "
                "by it."
            )
        lacking = [t for t, s in zip(texts[best], found, strict=True) if s is None]
        if lacking:
            say(
                f"{len(lacking)} of {len(frame)} rows have no sample in '{matrix}', the first being "
                f"'{lacking[0]}'; their omics are missing."
            )
        unused = len(omics.samples) - len({*found} - {None})
        if unused:
            say(f"{unused} samples of '{matrix}' are in no row of the table and are not used.")
        return _with(frame, [None if s is None else reference(path, s) for s in found])
    if len(frame) == omics.n:
        say(
            f"No column of the table holds the sample names of '{matrix}'; both have {omics.n} samples, so "
            "they are "
            "taken to be in the same order: check this."
        )
        return _with(frame, [reference(path, s) for s in omics.samples])
    raise MedgraftError(
        f"No column of the table holds the sample names of '{matrix}' (such as '{omics.samples[0]}'), and it "
        "has "
        f"{omics.n} samples where the table has {len(frame)} rows: add a column with these names."
    )


def _both_ways(matrix: str | Path) -> list[Omics]:
    return [Omics.open(matrix, orientation=side) for side in ("rows", "columns")]


def _plain(name: str) -> str:
    """Return what is left of a name after R's make.names, whatever it was before."""
    bare = _ODD.sub(".", name.strip().lower())
    return bare[1:] if re.match(r"x\d", bare) else bare


def _with(frame: pd.DataFrame, references: list[str | None]) -> pd.DataFrame:
    return frame.assign(omics=pd.Series(references, index=frame.index, dtype=object))
