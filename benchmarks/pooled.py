"""Several trials of the same arms, each on another draw, told as one table: what two benchmarks share.

Each trial has a folder of its own and is taken up where it stopped, and the table is printed after each, so
that a benchmark may be cut off at any time.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from medgraft.evidence import compare, interval
from medgraft.trial import Result, Trial


def run(trial: Trial, out: Path) -> Result:
    """Run a trial, or go on with it."""
    return trial.run(out, resume=(out / "plan.json").exists())


def rows_of(result: Result, patients: np.ndarray, repeat: int) -> pd.DataFrame:
    """Return a result's predictions with names of patients that mean the same in every trial."""
    frame = result.predictions
    seconds = {arm["name"]: arm["cpu_seconds"] for arm in result.arms}
    told = {"patient": patients[frame["row"].to_numpy()], "repeat": repeat}
    return frame.assign(**told, cpu=frame["arm"].map(seconds).astype(float))


def table(frame: pd.DataFrame, control: str) -> str:
    """Return accuracy and calibration error of each arm, and their paired differences from the control."""
    columns = [c for c in frame.columns if c.startswith("p_")]
    frame = frame.sort_values(["repeat", "fold", "row"], kind="stable")
    plain = frame[frame["arm"] == control]
    y, q = plain["y_true"].to_numpy(), plain[columns].to_numpy()
    where = {
        "group": np.unique(plain["patient"], return_inverse=True)[1],
        "repeat": plain["repeat"].to_numpy(),
        "fold": plain["fold"].to_numpy(),
    }
    repeats, patients = plain["repeat"].nunique(), plain["patient"].nunique()
    lines = [f"{repeats} repeats, {patients} patients; differences from {control}"]
    for arm in dict.fromkeys(frame["arm"]):
        part = frame[frame["arm"] == arm]
        p, cpu = part[columns].to_numpy(), part.groupby("repeat")["cpu"].first().mean()
        line = f"{arm:<75}"
        for metric in ("accuracy", "ece"):
            value = interval(metric, y, p, **where).value
            found = compare(metric, y, p, q, **where)
            told = f"{found.difference:+.3f} [{found.lo:+.3f}, {found.hi:+.3f}]"
            line += f"  {metric} {value:.3f}" + ("" if arm == control else f" {told}")
        lines.append(f"{line}  {cpu:.0f} CPU s a repeat")
    return "\n".join(lines)
