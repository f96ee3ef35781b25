"""EDF+ recordings with annotated epochs, written by hand: the format is a page long."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort.generate.people import People, sample_rng
from medgraft.cohort.generate.truth import Array, Made

_RANGE = 500.0  # physical maximum in microvolts; the digital one is 32767
_TAL = 64  # bytes of annotations in one record


def edf(
    folder: str | Path,
    n_patients: int = 4,
    *,
    epochs: int = 10,
    seconds: float = 2.0,
    rates: Sequence[int] = (128,),
    channels: Sequence[Sequence[str]] = (("C3", "Cz", "C4"),),
    shift: float = 0.0,
    **people: Any,
) -> Made:
    """Write EEG-like recordings as EDF+C, one per patient, with an annotation at the start of each epoch.

    An epoch of class k has a rhythm of 8 + 6 k Hz (8, 14, 20, ...) of 20 microvolts on the first half of
    the channels (rounded up), over noise of 10 microvolts: band power tells the class. The annotation says
    it: T0, T1, ... in the order of the classes. Source of the format: Kemp & Olivan (2003),
    doi:10.1016/S1388-2457(03)00123-8.

    Parameters
    ----------
    folder : path
        Gets P0001.edf and so on.
    n_patients : int, default 4
    epochs : int, default 10
        For each patient; their classes are dealt one by one.
    seconds : float, default 2
        Of an epoch; one follows the other. A whole number of samples at every rate.
    rates : sequence of int, default (128,)
        Sampling rate in Hz, one for each site, repeated as needed; 64 or more.
    channels : sequence of sequences of str
        Montage of each site, repeated as needed.
    shift : float, default 0
        Of the last site: amplitudes times 1 + shift, and 10 shift microvolts of mains hum of 50 Hz (at
        rates above 100 Hz).
    **people
        Of :class:`~medgraft.cohort.generate.people.People`, except rows_per_patient and mixed_labels.

    Returns
    -------
    Made
        ``table`` has one row per epoch: ``file``, ``start`` and ``seconds``, ``event``.
    """
    group = People(n_patients, rows_per_patient=epochs, mixed_labels=True, **people)
    whole = all(float(seconds * rate).is_integer() for rate in rates)
    if seconds <= 0 or min(rates) < 64 or not whole or not all(channels):
        raise MedgraftError(
            "Generated EDF needs rates of 64 Hz or more, epochs of a whole number of samples, and channels."
        )
    root, table = Path(folder), group.deal()
    root.mkdir(parents=True, exist_ok=True)
    classes, sites = list(group.classes), list(group.sites)
    events = [f"T{classes.index(label)}" for label in table["label"]]
    table = table.assign(event=events, seconds=float(seconds))
    table["start"] = table.groupby("patient").cumcount() * float(seconds)
    for i, (patient, own) in enumerate(table.groupby("patient", sort=True)):
        site = sites.index(own["site"].iloc[0])
        f = shift * group.shift_of(sites[site])
        rate, montage = rates[site % len(rates)], channels[site % len(channels)]
        shown = [classes.index(c) for c in own["shown"]]
        values = _eeg(shown, len(montage), round(seconds * rate), rate, f, sample_rng(group.seed, i))
        marks = list(zip(own["start"], own["event"], strict=True))
        who = f"{patient} {own['sex'].iloc[0][0].upper()} X FICTIONAL"
        write_edf(root / f"{patient}.edf", values, rate, montage, marks, float(seconds), who)
    table.insert(0, "file", [f"{p}.edf" for p in table["patient"]])
    g = {s: shift * group.shift_of(s) for s in sites}
    return Made(
        root,
        pd.DataFrame(table),
        group.truth({s: {"gain": 1 + f, "hum": 10.0 * f} for s, f in g.items()}),
    )


def _eeg(
    shown: list[int], channels: int, length: int, rate: int, f: float, rng: np.random.Generator
) -> Array:
    n = length * len(shown)
    time = np.arange(n) / rate
    rhythm = np.concatenate(
        [20 * np.sqrt(2) * np.sin(2 * np.pi * ((8 + 6 * k) * time[:length] + rng.random())) for k in shown]
    )
    values = rng.normal(scale=10, size=(channels, n))
    values[: (channels + 1) // 2] += rhythm
    values *= 1 + f
    if rate > 100:
        values += 10 * f * np.sqrt(2) * np.sin(2 * np.pi * 50 * time)
    return values


def write_edf(
    path: Path,
    values: Array,
    rate: int,
    channels: Sequence[str],
    marks: Sequence[tuple[float, str]],
    seconds: float,
    who: str = "X X X X",
) -> None:
    """Write one EDF+C file with records of a second.

    Parameters
    ----------
    path : Path
    values : ndarray (channels, samples)
        Microvolts, clipped to -500..500; the last record is filled up with zeros.
    rate : int
        Hz.
    channels : sequence of str
    marks : sequence of (seconds from the start, text)
    seconds : float
        Duration that each annotation states.
    who : str
        The patient field of the header: code, sex, birth date and name, none with blanks inside.
    """
    records = -(-values.shape[1] // rate)
    digital = np.clip(np.rint(values / _RANGE * 32767), -32767, 32767).astype("<i2")
    digital = np.pad(digital, ((0, 0), (0, records * rate - values.shape[1])))
    labels = [f"EEG {c}" for c in channels] + ["EDF Annotations"]
    n = len(channels)
    fields: list[tuple[int, list[str]]] = [
        (16, labels),
        (80, ["AgAgCl electrode"] * n + [""]),
        (8, ["uV"] * n + [""]),
        (8, [f"{-_RANGE:g}"] * n + ["-1"]),
        (8, [f"{_RANGE:g}"] * n + ["1"]),
        (8, ["-32767"] * n + ["-32768"]),
        (8, ["32767"] * n + ["32767"]),
        (80, [""] * (n + 1)),
        (8, [str(rate)] * n + [str(_TAL // 2)]),
        (32, [""] * (n + 1)),
    ]
    top = (
        f"{'0':8}{who:80}{'Startdate 01-JAN-2000 X X medgraft':80}01.01.0012.00.00"
        f"{256 * (n + 2):<8}{'EDF+C':44}{records:<8}{1:<8}{n + 1:<4}"
    )
    head = top + "".join(f"{text:{width}}" for width, texts in fields for text in texts)
    with path.open("wb") as file:
        file.write(head.encode("ascii"))
        for k in range(records):
            file.write(digital[:, k * rate : (k + 1) * rate].tobytes())
            tal = f"+{k}\x14\x14\0"
            for onset, text in marks:
                if k <= onset < k + 1:
                    tal += f"+{onset:g}\x15{seconds:g}\x14{text}\x14\0"
            if len(tal) > _TAL:
                raise MedgraftError(f"'{path}' would have too many annotations in second {k}.")
            file.write(tal.encode("ascii").ljust(_TAL, b"\0"))
