"""Does what healthy people's EEG teaches about seizures help among patients with epilepsy?

    python benchmarks/eeg_views.py FOLDER_OF_BONN_EEG [--repeats 20]

FOLDER holds the Bonn sets (public) as A_Z, B_O, C_N, D_F, E_S: 100 segments of one channel each. Source:
healthy people, eyes open (A) or closed (B), and half of the seizures (E). Target: patients between seizures,
from the other hemisphere (C) or from the focus (D), and the other half of the seizures. Seen by three views:
wavelet packets, short-time spectra, statistics. Arms at 8 and 20 labels of the target: target-only,
source-only, pooled, and multi-view transfer (MVTL-LSR), whose views are these three. Printed: AUROC,
differences from target-only with 95 % intervals and verdicts, for the four pairs of sets.

The persons behind the segments are not published, so that segments of one person may be on both sides of a
split, and all figures are too good. Seizures of one person may also teach in the source and be tested in the
target: that flatters the arms that read the source, and so their differences from target-only.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

import medgraft as mg
from medgraft.trial import Trial

VIEWS = ["wavelet-packets:values=share", "stft", "statistics"]
ARMS = ["target-only", "source-only", "pooled", "mvtl-lsr"]
LABELS = (4, 10)  # a class


def table(folder: Path, healthy: str, between: str) -> pd.DataFrame:
    """Return one row a segment: domain, label, path."""
    rows = []
    for place, name in (("healthy", healthy), ("epilepsy", between)):
        rows += [(place, "no", str(file)) for file in sorted((folder / name).glob("*.[tT][xX][tT]"))]
    seizures = sorted((folder / "E_S").glob("*.[tT][xX][tT]"))
    order = np.random.default_rng(0).permutation(len(seizures))
    rows += [(("healthy", "epilepsy")[k % 2], "yes", str(seizures[i])) for k, i in enumerate(order)]
    return pd.DataFrame(rows, columns=["people", "seizure", "signal"])


def main() -> None:
    """Run the four pairs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--repeats", type=int, default=20)
    given = parser.parse_args()
    print("source  target  labels  arm           AUROC                  less target-only")
    for healthy in ("A_Z", "B_O"):
        for between in ("C_N", "D_F"):
            cohort = mg.read(
                table(given.folder, healthy, between), label="seizure", signal="signal", domain="people"
            )
            for labels in LABELS:
                trial = Trial(
                    cohort,
                    ARMS,
                    target="epilepsy",
                    folds=2,
                    repeats=given.repeats,
                    labels_per_class=labels,
                    views=VIEWS,
                    reading="recorded=173.61",
                )
                with tempfile.TemporaryDirectory() as out:
                    result = trial.run(out)
                told = {c["arm"]: c for c in result.data["comparisons"]}
                for arm in result.arms:
                    lo, hi = arm["ci"]
                    said = f"{healthy}+E    {between}+E   {2 * labels:4}    {arm['name']:12}"
                    said += f"  {arm['value']:.3f} [{lo:.3f}, {hi:.3f}]"
                    if c := told.get(arm["name"]):
                        low, high = c["ci"]
                        said += f"   {c['difference']:+.3f} [{low:+.3f}, {high:+.3f}] {c['verdict']}"
                    print(said, flush=True)


if __name__ == "__main__":
    main()
