"""Three public scenarios of the review's studies as trials: wine and air quality [67], epilepsy [54].

    python benchmarks/transfer_scenarios.py FOLDER_OF_THE_DATA [wine|pm25|bonn]

FOLDER holds uci_wine_quality (doi:10.24432/C56S3T), uci_pm25_beijing (doi:10.24432/C5JS49) and bonn_eeg
(Andrzejak et al. 2001, doi:10.1103/PhysRevE.64.061907). Wine: from white to red, 100 labelled reds. Air: from
Beijing's years 2010-2013 to 2014, 60 labelled records, whole days together, every sixth hour. Epilepsy:
healthy (set A) or seizure (half of set E) teach interictal (set D) or seizure (the other half), 10 labels a
class; the views are six relative and six log band powers. Verdicts are printed whichever way they fall.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

import medgraft as mg
from medgraft.methods import entries
from medgraft.trial import Trial

COMMON = ["target-only", "source-only", "pooled", "ulsif", "coral", "l2sp"]
BANDS = (0.5, 4.0, 8.0, 13.0, 30.0, 50.0, 80.0)


def wine(folder: Path) -> Trial:
    columns = ["acidity", "volatile", "citric", "sugar", "chlorides", "free_so2", "so2", "density"]
    columns += ["ph", "sulphates", "alcohol", "quality"]
    parts = []
    for colour in ("red", "white"):
        path = folder / "uci_wine_quality" / f"winequality-{colour}.csv"
        # Equal rows are one wine: a copy on both sides of a split would be a leak.
        parts.append(pd.read_csv(path, header=None, names=columns).drop_duplicates().assign(colour=colour))
    table = pd.concat(parts, ignore_index=True)
    cohort = mg.read(table, label="quality", domain="colour", task="regression")
    arms = [*COMMON, "trans-lasso", "ftrf", "tradaboost-r2", "guarded"]
    return Trial(cohort, known(arms), target="red", labels_per_class=100, folds=5, repeats=3, jobs=-1)


def pm25(folder: Path) -> Trial:
    table = pd.read_csv(folder / "uci_pm25_beijing" / "pollution.csv").dropna(subset=["pm2.5"])
    table = table[table["hour"] % 6 == 0].drop(columns="No")
    table["day"] = table[["year", "month", "day"]].astype(str).agg("-".join, axis=1)
    table["year"] = table["year"].astype(str)
    table["pm2.5"] = np.log1p(table["pm2.5"])
    cohort = mg.read(table, label="pm2.5", domain="year", group="day", task="regression")
    arms = [*COMMON, "trans-lasso", "site-effects", "ftrf", "tradaboost-r2", "guarded"]
    return Trial(cohort, known(arms), target="2014", labels_per_class=60, folds=5, repeats=3, jobs=-1)


def bonn(folder: Path) -> Trial:
    rows = []
    for name, ill in (("A_Z", 0), ("D_F", 0), ("E_S", 1)):
        for number, path in enumerate(sorted((folder / "bonn_eeg" / name).glob("*.[tT][xX][tT]"))):
            power = bands(np.loadtxt(path))
            row = {f"relative__{i}": v for i, v in enumerate(power / power.sum())}
            row |= {f"energy__{i}": v for i, v in enumerate(np.log(power))}
            target = name == "D_F" or (ill and number % 2)
            rows.append(row | {"seizure": ill, "cohort": "interictal" if target else "healthy"})
    cohort = mg.read(pd.DataFrame(rows), label="seizure", domain="cohort")
    arms = [*COMMON, "mvtl-lsr", "tradaboost", "guarded"]
    return Trial(cohort, known(arms), target="interictal", labels_per_class=10, folds=5, repeats=3, jobs=-1)


def bands(signal: np.ndarray, rate: float = 173.61) -> np.ndarray:
    power = np.abs(np.fft.rfft(signal - signal.mean())) ** 2
    of = np.digitize(np.fft.rfftfreq(len(signal), 1 / rate), BANDS)
    return np.bincount(of, weights=power, minlength=len(BANDS) + 1)[1:-1]


def known(arms: list[str]) -> list[str]:
    return [a for a in arms if a in entries]


SCENARIOS: dict[str, Callable[[Path], Trial]] = {"wine": wine, "pm25": pm25, "bonn": bonn}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("scenario", nargs="*", choices=[*SCENARIOS, []])
    given = parser.parse_args()
    for name in given.scenario or SCENARIOS:
        trial = SCENARIOS[name](given.folder)
        with tempfile.TemporaryDirectory() as out:
            result = trial.run(out)
        print(f"\n== {name}: {result.data['n']} tested records, {result.data['seconds']['wall']:.0f} s")
        print(result, flush=True)


if __name__ == "__main__":
    main()
