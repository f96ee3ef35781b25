"""Scoring matrices of PSI-BLAST (PSSM): a protein's profile, twenty channels along its residues."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort.formats import Decoder, Format, Say, add_decoder, register
from medgraft.cohort.formats.folders import data_files, head
from medgraft.cohort.formats.signal_rows import rows_of
from medgraft.cohort.formats.text import decode
from medgraft.cohort.limits import check_size
from medgraft.cohort.media import Signal
from medgraft.cohort.ref import Ref

SUFFIXES = (".pssm",)
AMINO_ACIDS = 20
_PEEK = 2048
_MARK = "position-specific scoring matrix"
_LETTERS = re.compile(r"\s*(?:[A-Z]\s+){19,}[A-Z]\s*")
_NUMBER = re.compile(r"-?\d+")  # in old files numbers touch: -10-11
_RESIDUE = re.compile(r"\s*(\d+)\s+([A-Z*])\s+(-?\d.*)")


def matches(path: Path) -> bool:
    """Whether a file begins as PSI-BLAST writes its matrices, or a folder's files end in .pssm."""
    if path.is_dir():
        files = data_files(path)
        return any(file.suffix.lower() in SUFFIXES for file in files)
    return path.is_file() and _MARK in head(path, _PEEK).lower()


def read(path: Path, say: Say) -> pd.DataFrame:
    """Return one row per matrix: ``signal``, ``file``, and ``label`` where class folders tell it."""
    if path.is_file():
        return rows_of(path.parent, [path], say)
    return rows_of(path, [file for file in data_files(path) if file.suffix.lower() in SUFFIXES], say)


def open_pssm(ref: Ref) -> Signal:
    """Return the log-odds of a matrix, (20, residues), one "sample" a residue.

    The channels are the amino acids in the file's order. The percentages that stand beside the log-odds, and
    the statistics below them, are not read.

    Raises
    ------
    MedgraftError
        The file is missing or too large, has no line of letters, a residue is missing, or a row has fewer
        than twenty numbers.
    """
    path = Path(ref.path)
    check_size(max(1, path.stat().st_size // 4), path)
    lines = decode(path.read_bytes()).splitlines()
    at = next((i for i, line in enumerate(lines) if _LETTERS.fullmatch(line)), None)
    if at is None:
        raise MedgraftError(
            f"'{path}' is no scoring matrix of psiblast -out_ascii_pssm: it has no line of amino acids."
        )
    letters = tuple(lines[at].split()[:AMINO_ACIDS])
    rows: list[list[float]] = []
    for line in lines[at + 1 :]:
        match = _RESIDUE.fullmatch(line)
        if match is None:
            if line.strip():
                break  # the statistics
            continue
        scores = _NUMBER.findall(match[3])[:AMINO_ACIDS]
        if int(match[1]) != len(rows) + 1 or len(scores) < AMINO_ACIDS:
            raise MedgraftError(f"The scoring matrix '{path}' is damaged at residue {len(rows) + 1}.")
        rows.append([float(score) for score in scores])
    if not rows:
        raise MedgraftError(f"The scoring matrix '{path}' has no residues.")
    values = np.ascontiguousarray(np.asarray(rows, dtype=np.float32).T)
    return Signal(values, 1.0, letters, ("log-odds",) * AMINO_ACIDS)


def opens(ref: Ref) -> bool:
    """Whether a reference is to a file of this suffix."""
    return Path(ref.path).suffix.lower() in SUFFIXES


FORMAT = register(Format("pssm", SUFFIXES, matches, read, roles={"signal": "signal", "label": "label"}))
DECODER = add_decoder(Decoder("pssm", "signal", opens, open_pssm))
