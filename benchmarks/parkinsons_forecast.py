"""Parkinson's telemonitoring: who forecasts a patient's motor UPDRS from the first 30 % of the recordings?

Each of the 42 patients is the target in turn (study [60]); the figures are means over patients of the mean
absolute error on the later recordings, with the spread over patients and the paired difference from the
control, resampling patients. Forests have 100 trees. Usage:

    python benchmarks/parkinsons_forecast.py FOLDER [--quick] [--only TEXT ...]

FOLDER holds uci_parkinsons_telemonitoring's parkinsons_updrs.data (doi:10.24432/C5ZS3N).
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy.stats import spearmanr
from sklearn.ensemble import RandomForestRegressor

import medgraft as mg
from medgraft.evidence import compare
from medgraft.methods import entries
from medgraft.trial import Trial
from medgraft.trial.tasks import run_task

LABEL = "motor_UPDRS"
REFERENCES = ("last-value", "target-only, forest")


def read(folder: Path) -> mg.Cohort:
    table = pd.read_csv(folder / "parkinsons_updrs.data", sep=None, engine="python")
    table = table.drop(columns="total_UPDRS")  # nearly the label
    return mg.read(table, label=LABEL, group="subject#", time="test_time")


def make(name: str, **settings: object) -> object:
    return entries[name].cls(task="regression", **settings)


def forest(trees: int = 100) -> RandomForestRegressor:
    return RandomForestRegressor(trees, random_state=0)


def arms(time_column: str) -> dict[str, object]:
    clock = {"time": time_column}
    made = {
        "last-value": make("last-value", **clock),
        "trend": make("trend", **clock),
        "own mean (majority)": make("majority"),
        "target-only, ridge": make("target-only"),
        "target-only, forest": make("target-only", estimator=forest()),
        "pooled, ridge": make("pooled"),
        "pooled, forest": make("pooled", estimator=forest()),
        "others only (source-only), forest": make("source-only", estimator=forest()),
        "random-transfer 20 %, forest": make("random-transfer", estimator=forest(), proportion=0.2),
        "tradaboost-r2": make("tradaboost-r2"),
        "two-stage-tradaboost-r2": make("two-stage-tradaboost-r2", rounds=5, steps=5),
        "l2sp": make("l2sp"),
        "site-effects": make("site-effects"),
        "shapley-transfer, ridge": make("shapley-transfer", **clock),
        "shapley-transfer, forest": make("shapley-transfer", estimator=forest(), **clock),
    }
    slow = ("pooled, forest", "others", "random", "shapley-transfer, forest", "last-value", "own mean")
    made["guarded"] = make(
        "guarded",
        time=time_column,
        candidates={name: arm for name, arm in made.items() if not name.startswith(slow)},
        control=made["last-value"],
        control_name="last-value",
    )
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--quick", action="store_true", help="eight patients only")
    parser.add_argument("--only", nargs="*", help="only arms whose name starts so, beside the two references")
    given = parser.parse_args()
    wanted = tuple(given.only) + REFERENCES if given.only else ("",)
    trial = Trial(read(given.folder), ["last-value"], folds="time", first=0.3)
    data, splits = trial.arrays, trial.splits[: 8 if given.quick else None]
    print(f"{len(splits)} patients; {sum(len(s.test) for s in splits)} later recordings are tested.")
    errors: dict[str, np.ndarray] = {}
    chosen = {name: arm for name, arm in arms("test_time").items() if name.startswith(wanted)}
    for name, arm in chosen.items():
        started = time.perf_counter()
        done = Parallel(n_jobs=-1)(delayed(run_task)(arm, data, s, 1) for s in splits)
        errors[name] = np.array([np.abs(o.p - data.y[o.rows]).mean() for o, _ in done])
        print(f"{name:36s} {time.perf_counter() - started:7.1f} s", flush=True)
        if name == "guarded":
            print("  chosen:", pd.Series([o.facts["choice"] for o, _ in done]).value_counts().to_dict())
        if name.startswith("shapley"):
            shares = [m.proportion_ for _, m in done]
            print(
                f"  proportion taken: median {np.median(shares):.1f}, none for {shares.count(0.0)} patients"
            )
    print(f"\n{'arm':36s} {'MAE':>6s} {'sd':>5s} {'worst':>6s}   minus last-value; minus target-only forest")
    nobody = np.zeros(len(splits))
    for name, e in errors.items():
        row = f"{name:36s} {e.mean():6.2f} {e.std(ddof=1):5.2f} {e.max():6.2f}"
        for control in REFERENCES:
            c = compare("mae", nobody, e, errors[control])
            row += f"   {c.difference:+.2f} ({c.lo:+.2f} to {c.hi:+.2f}) {c.verdict:12s}"
        print(row)
    if not given.only:
        agreement(data, splits)


def agreement(data: object, splits: list) -> None:
    """Rank correlation of the sites' values: nearest neighbours in closed form, and sampled with ridge."""

    def both(split: object) -> float:
        values = [
            run_task(make("shapley-transfer", time="test_time", value=v, permutations=20), data, split, 1)[1]
            for v in ("knn", "monte-carlo")
        ]
        names = sorted(values[0].site_values_)
        if len(names) < 3:
            return float("nan")
        return float(spearmanr(*([v.site_values_[n] for n in names] for v in values)).statistic)

    started = time.perf_counter()
    rho = np.array(Parallel(n_jobs=-1)(delayed(both)(s) for s in splits))
    print(
        f"\nRank correlation of the values of up to ten other patients, closed form (5 neighbours) and "
        f"Monte Carlo (ridge): median {np.nanmedian(rho):.2f}, quartiles {np.nanquantile(rho, 0.25):.2f} "
        f"to {np.nanquantile(rho, 0.75):.2f} ({time.perf_counter() - started:.0f} s)"
    )


if __name__ == "__main__":
    main()
