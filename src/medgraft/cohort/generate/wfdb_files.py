"""WFDB records of ECG-like beats with annotations, and signals as plain text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort.generate.people import People, rows, sample_rng
from medgraft.cohort.generate.truth import Array, Made

SYMBOLS = "NVA"  # normal, ventricular, atrial premature

# A beat is a sum of Gaussian waves: (time from the R peak in s, width in s, millivolts).
_WAVES: dict[str, list[tuple[float, float, float]]] = {
    "N": [(-0.17, 0.02, 0.15), (-0.03, 0.008, -0.1), (0, 0.01, 1.0), (0.03, 0.008, -0.2), (0.25, 0.05, 0.3)],
    "V": [(0, 0.04, 1.2), (0.11, 0.04, -0.5), (0.3, 0.06, -0.3)],
    "A": [
        (-0.12, 0.015, -0.1),
        (-0.03, 0.008, -0.1),
        (0, 0.01, 0.9),
        (0.03, 0.008, -0.2),
        (0.24, 0.05, 0.25),
    ],
}


def wfdb(
    folder: str | Path,
    n_patients: int = 4,
    *,
    beats: int = 20,
    rate: int = 250,
    shift: float = 0.0,
    **people: Any,
) -> Made:
    """Write ECG-like records of two leads with a beat annotation at every R peak, one record per patient.

    A beat is a sum of Gaussian waves P, Q, R, S and T; ventricular beats are broad and lack a P wave, so
    the shape tells the class. Intervals are 0.8 s with a standard deviation of 0.03 s. Source of the
    idea: McSharry et al. (2003), doi:10.1109/TBME.2003.808805.

    Parameters
    ----------
    folder : path
        Gets .hea, .dat and .atr files: P0001 and so on.
    n_patients : int, default 4
    beats : int, default 20
        For each patient; their classes are dealt one by one.
    rate : int, default 250
        Hz, 100 or more.
    shift : float, default 0
        Of the last site: amplitudes times 1 + 0.5 shift, and baseline wander of 0.3 shift mV at 0.3 Hz.
    **people
        Of :class:`~medgraft.cohort.generate.people.People`, except rows_per_patient and mixed_labels;
        classes are "N", "V" (the default) and, as a third, "A".

    Returns
    -------
    Made
        ``table`` has one row per beat: ``file`` (the .hea), ``sample`` and ``symbol``.

    Raises
    ------
    MedgraftError
        wfdb is not installed, or a setting is out of its range.
    """
    try:
        import wfdb as io  # type: ignore[import-untyped]
    except ImportError as error:
        raise MedgraftError("Writing WFDB records needs wfdb: pip install 'medgraft[signals]'.") from error
    people = {"classes": ("N", "V"), **people}
    group = People(n_patients, rows_per_patient=beats, mixed_labels=True, **people)
    if not set(group.classes) <= set(SYMBOLS) or rate < 100:
        raise MedgraftError("Generated beats are of the classes N, V and A, at a rate of 100 Hz or more.")
    root, table = Path(folder), group.deal()
    root.mkdir(parents=True, exist_ok=True)
    at = np.empty(len(table), dtype=int)
    for i, (patient, own) in enumerate(table.groupby("patient", sort=True)):
        rng = sample_rng(group.seed, i)
        f = shift * group.shift_of(own["site"].iloc[0])
        peaks = np.rint(rate * (0.5 + np.cumsum(0.8 + 0.03 * rng.normal(size=len(own)).clip(-3, 3))))
        at[own.index] = peaks.astype(int)
        values = ecg(peaks / rate, own["shown"].tolist(), int(peaks[-1]) + rate, rate, rng)
        time = np.arange(values.shape[1]) / rate
        values = values * (1 + 0.5 * f) + 0.3 * f * np.sin(2 * np.pi * 0.3 * time)
        sex, age = own["sex"].iloc[0], own["age"].iloc[0]
        io.wrsamp(
            str(patient),
            fs=rate,
            units=["mV", "mV"],
            sig_name=["MLII", "V5"],
            p_signal=values.T,
            fmt=["16", "16"],
            adc_gain=[200.0, 200.0],
            baseline=[0, 0],
            comments=[f"age: {age}", f"sex: {sex}", f"site: {own['site'].iloc[0]}"],
            write_dir=str(root),
        )
        io.wrann(str(patient), "atr", peaks.astype(int), own["label"].tolist(), write_dir=str(root))
    table.insert(0, "file", [f"{p}.hea" for p in table["patient"]])
    g = {s: shift * group.shift_of(s) for s in group.sites}
    changes = {s: {"gain": 1 + 0.5 * f, "wander": 0.3 * f} for s, f in g.items()}
    return Made(root, table.assign(sample=at, symbol=table["label"]), group.truth(changes))


def ecg(peaks: Array, kinds: list[str], length: int, rate: int, rng: np.random.Generator) -> Array:
    """Return two leads, (2, length) in mV, with R peaks at the given seconds and noise of 0.02 mV."""
    time = np.arange(length) / rate
    lead = np.zeros(length)
    for peak, kind in zip(peaks, kinds, strict=True):
        for shift, width, height in _WAVES[kind]:
            lead += height * np.exp(-(((time - peak - shift) / width) ** 2) / 2)
    return np.stack([lead, -0.4 * lead]) + rng.normal(scale=0.02, size=(2, length))


def text_signals(
    folder: str | Path,
    n_patients: int = 10,
    *,
    length: int = 512,
    rate: float = 173.61,
    shift: float = 0.0,
    **people: Any,
) -> Made:
    """Write one-channel signals as plain text, one whole number per line, in one folder per class.

    Class k has a rhythm of 6 + 6 k Hz of 50 units over noise of 30.

    Parameters
    ----------
    folder : path
        Gets ``<class>/P0001_1.txt`` and so on.
    n_patients, length : int
        `length` is the number of lines.
    rate : float, default 173.61
        Hz; the files do not say it.
    shift : float, default 0
        Of the last site: the signal times 1 + shift, plus 20 shift.
    **people
        Of :class:`~medgraft.cohort.generate.people.People`.
    """
    group = People(n_patients, **people)
    root, table = Path(folder), group.deal()
    turn = table.groupby("patient").cumcount() + 1
    names = []
    time = np.arange(length) / rate
    for i, row in enumerate(rows(table)):
        rng = sample_rng(group.seed, i)
        k = list(group.classes).index(row.shown)
        f = shift * group.shift_of(row.site)
        wave = 50 * np.sqrt(2) * np.sin(2 * np.pi * ((6 + 6 * k) * time + rng.random()))
        values = (wave + rng.normal(scale=30, size=length)) * (1 + f) + 20 * f
        name = f"{row.label}/{row.patient}_{turn[i]}.txt"
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        with (root / name).open("w", encoding="ascii", newline="\n") as file:
            file.write("\n".join(map(str, np.rint(values).astype(int))) + "\n")
        names.append(name)
    table.insert(0, "file", names)
    g = {s: shift * group.shift_of(s) for s in group.sites}
    changes = {s: {"gain": 1 + f, "offset": 20.0 * f} for s, f in g.items()}
    return Made(root, pd.DataFrame(table), group.truth(changes))
