"""Sequences with or without a motif, as FASTA or text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from medgraft.base import MedgraftError
from medgraft.cohort.generate.people import People, rows, sample_rng
from medgraft.cohort.generate.truth import Array, Made


def sequences(
    path: str | Path,
    n_patients: int = 100,
    *,
    length: int = 101,
    motif: str = "TGTAAATA",
    file: str = "fasta",
    alphabet: str = "ACGT",
    shift: float = 0.0,
    **people: Any,
) -> Made:
    """Write sequences of which those of the last class carry a motif somewhere.

    Letters are independent; the site changes how frequent they are. The motif turns up by chance in a
    sequence without it with a probability of about (length - m + 1) times the product of its letters'
    frequencies (0.0014 by default), which is all that the truth's accuracy leaves out.

    Parameters
    ----------
    path : path
        Of the file.
    n_patients : int, default 100
        Patients, or loci: whatever must stay on one side of a split.
    length : int, default 101
    motif : str, default "TGTAAATA"
        The site of Pumilio; its place is uniform.
    file : str, default "fasta"
        ``"fasta"``: headers ``>P0001_1 label=ill patient=P0001 site=a``; ``"text"``: sequence, tab and class
        number.
    alphabet : str, default "ACGT"
        Letters, the motif's among them.
    shift : float, default 0
        Of the last site: C and G (for other alphabets, the second half of the letters) are 1 + shift times
        as frequent as the rest.
    **people
        Of :class:`~medgraft.cohort.generate.people.People`, for two classes.

    Returns
    -------
    Made
        ``table`` has the ``sequence``.
    """
    group = People(n_patients, **people)
    odd = set(motif) - set(alphabet)
    if len(group.classes) != 2 or file not in ("fasta", "text") or len(motif) > length or odd or shift <= -1:
        raise MedgraftError(
            "Generated sequences need two classes, a file of fasta or text, a motif of letters of the "
            "alphabet that is no longer than the sequence, and a shift above -1."
        )
    table = group.deal()
    heavy = set("CG") if {"C", "G"} <= set(alphabet) else set(alphabet[len(alphabet) // 2 :])
    frequency = {}
    for site in group.sites:
        weight = np.array([1 + shift * group.shift_of(site) * (c in heavy) for c in alphabet])
        frequency[site] = weight / weight.sum()
    letters = np.array(list(alphabet))
    found = []
    for i, row in enumerate(rows(table)):
        rng = sample_rng(group.seed, i)
        text = "".join(rng.choice(letters, length, p=frequency[row.site]))
        at = int(rng.integers(0, length - len(motif) + 1))
        if row.shown == group.classes[-1]:
            text = text[:at] + motif + text[at + len(motif) :]
        found.append(text)
    turn = table.groupby("patient").cumcount() + 1
    lines = []
    for i, row in enumerate(rows(table)):
        if file == "fasta":
            lines.append(f">{row.patient}_{turn[i]} label={row.label} patient={row.patient} site={row.site}")
            lines += [found[i][k : k + 60] for k in range(0, length, 60)]
        else:
            lines.append(f"{found[i]}\t{list(group.classes).index(row.label)}")
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with Path(path).open("w", encoding="ascii", newline="\n") as out:
        out.write("\n".join([*lines, ""]))
    changes = {s: {"frequency": _named(alphabet, p)} for s, p in frequency.items()}
    return Made(Path(path), table.assign(sequence=found), group.truth(changes))


def _named(alphabet: str, frequency: Array) -> dict[str, float]:
    return {letter: float(p) for letter, p in zip(alphabet, frequency, strict=True)}
