"""Does a published methylation clock help on a small cohort? AltumAge against models without transfer.

Two cohorts: 16 brains (GSE38608, Illumina 27K, age in years) and 150 cord bloods (PROGRESS, 148 CpG sites,
gestational age in weeks; a clock's years count from birth, so 40 weeks are added). Every arm learns inside
the same folds by patient; scaling, choosing and tuning are done inside them. AltumAge is used as it is, with
a line fitted to its answer, with ridge on its 32 frozen features, and with its last two layers fine-tuned
under a pull to the published weights (settings fixed beforehand). The penalties of ridge and elastic net are
chosen by samples, of which donors have several: that weakens these controls a little.

GSE38608 is no independent test of AltumAge: the list of data sets that its authors published names it, and
they split each by samples, so that some of these 16, or other samples of the same donors, taught the clock
(which ones is not known here). A gain there is in part memory. The clock also asks for values normalised by
BMIQ, which these files are not known to be. That list does not name PROGRESS, which lacks the clock's probes.
Usage:

    python benchmarks/methylation_age.py DATA WEIGHTS [--repeats 3]

DATA holds gse38608_betas.csv.gz, gse38608_samples.csv, progress_betas.csv and progress_samples.csv (from the
R package methylclock); WEIGHTS holds altumage.safetensors, altumage_cpgs_scaler.npz, altumage_example.npz.
"""

from __future__ import annotations

import argparse
import copy
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from safetensors.torch import load_file
from sklearn.linear_model import ElasticNetCV
from sklearn.preprocessing import StandardScaler
from torch import nn

from medgraft.base import MedgraftError
from medgraft.evidence import compare, interval
from medgraft.methods.learner import RidgeLearner
from medgraft.methods.learners.mlp import MLPLearner
from medgraft.methods.splits import inner_folds
from medgraft.networks.altumage import altumage
from medgraft.sources.probes import match_probes

STEPS, RATE, PULL = 100, 1e-3, 1.0  # of the fine-tuning
CONTROL = "elastic net"


class Clock(NamedTuple):
    """AltumAge in two parts, with the probes it reads."""

    trunk: nn.Sequential  # to the inputs of the last two layers
    end: nn.Sequential
    probes: list[str]
    centre: np.ndarray
    scale: np.ndarray


class Fold(NamedTuple):
    """What an arm is given: all rows, and which of them teach."""

    betas: np.ndarray
    inputs: torch.Tensor  # of the clock's last two layers
    years: np.ndarray  # the clock's answer
    y: np.ndarray
    teach: np.ndarray
    clock: Clock
    unit: tuple[float, float]  # label = unit[0] + unit[1] * years


def read_clock(folder: Path) -> Clock:
    tensors = load_file(folder / "altumage.safetensors")
    features, head = altumage(), nn.Linear(32, 1)
    head.load_state_dict({k.removeprefix("linear6."): v for k, v in tensors.items() if "linear6" in k})
    features.load_state_dict({k: v for k, v in tensors.items() if "linear6" not in k})
    parts = dict(features.named_children())
    late = ["linear5", "act5", "bn6"]
    trunk = nn.Sequential(*(m for name, m in parts.items() if name not in late)).eval()
    end = nn.Sequential(*(parts[name] for name in late), head).eval()
    known = np.load(folder / "altumage_cpgs_scaler.npz")
    return Clock(trunk, end, known["cpgs"].tolist(), known["center"], known["scale"])


@torch.no_grad()
def answer(clock: Clock, Z: np.ndarray) -> tuple[torch.Tensor, np.ndarray]:
    inputs = clock.trunk(torch.from_numpy(Z.astype(np.float32)))
    return inputs, clock.end(inputs)[:, 0].numpy().astype(float)


def scaled(f: Fold, X: np.ndarray) -> np.ndarray:
    return StandardScaler().fit(X[f.teach]).transform(X)


def mean(f: Fold) -> np.ndarray:
    return np.full(len(f.y), f.y[f.teach].mean())


def ridge(f: Fold) -> np.ndarray:
    Z = scaled(f, f.betas)
    return RidgeLearner().fit(Z[f.teach], f.y[f.teach]).predict(Z)


def elastic_net(f: Fold) -> np.ndarray:
    Z = scaled(f, f.betas)
    net = ElasticNetCV(l1_ratio=0.5, alphas=20, cv=4, max_iter=2000, tol=1e-3)  # half, as Horvath's clock
    return net.fit(Z[f.teach], f.y[f.teach]).predict(Z)


def mlp(f: Fold) -> np.ndarray:
    return MLPLearner(task="regression").fit(f.betas[f.teach], f.y[f.teach]).predict(f.betas)


def as_it_is(f: Fold) -> np.ndarray:
    return f.unit[0] + f.unit[1] * f.years


def with_a_line(f: Fold) -> np.ndarray:
    slope, start = np.polyfit(f.years[f.teach], f.y[f.teach], 1)
    return start + slope * f.years


def probe(f: Fold) -> np.ndarray:
    with torch.no_grad():
        Z = scaled(f, f.clock.end[:-1](f.inputs).numpy().astype(float))
    return RidgeLearner().fit(Z[f.teach], f.y[f.teach]).predict(Z)


def fine_tune(f: Fold) -> np.ndarray:
    end = copy.deepcopy(f.clock.end)  # stays in eval mode: few patients say nothing of the statistics
    weights = list(end.parameters())
    start = [w.detach().clone() for w in weights]
    teach = torch.from_numpy(np.flatnonzero(f.teach))
    goal = torch.from_numpy((f.y - f.unit[0]) / f.unit[1]).float()[teach]
    variance = goal.var()
    optimiser = torch.optim.Adam(weights, lr=RATE)
    for _ in range(STEPS):
        optimiser.zero_grad()
        away = sum(((w - s) ** 2).sum() for w, s in zip(weights, start, strict=True))
        loss = ((end(f.inputs[teach])[:, 0] - goal) ** 2).mean() / variance + 0.5 * PULL * away
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        return f.unit[0] + f.unit[1] * end(f.inputs)[:, 0].numpy().astype(float)


ARMS = {
    "mean": mean,
    "ridge": ridge,
    CONTROL: elastic_net,
    "scratch mlp": mlp,
    "AltumAge as it is": as_it_is,
    "AltumAge with a line": with_a_line,
    "AltumAge probed": probe,
    "AltumAge fine-tuned": fine_tune,
}


def judge(
    name: str,
    betas: pd.DataFrame,
    y: np.ndarray,
    patient: np.ndarray,
    clock: Clock,
    unit: tuple[float, float],
    repeats: int,
) -> None:
    """Run all arms on one cohort: rows are samples, columns CpG sites."""
    given = (betas.to_numpy(), betas.columns.tolist(), clock.probes, clock.centre)
    try:
        Z, report = match_probes(*given, scale=clock.scale)
    except MedgraftError as error:
        print(f"\n{name}: refused, and gone on with: {error}")
        Z, report = match_probes(*given, scale=clock.scale, allow=True)
    print(f"\n{name}, {len(y)} samples of {len(np.unique(patient))} patients. {report.sentence()}")
    inputs, years = answer(clock, Z)
    units = np.unique(patient, return_inverse=True)[1]
    got: dict[str, list[np.ndarray]] = {arm: [] for arm in ARMS}
    seconds = dict.fromkeys(ARMS, 0.0)
    for repeat in range(repeats):
        fold = inner_folds(units, k=5, seed=repeat)
        out = {arm: np.empty(len(y)) for arm in ARMS}
        for k in range(5):
            f = Fold(given[0], inputs, years, y, fold != k, clock, unit)
            for arm, run in ARMS.items():
                started = time.perf_counter()
                out[arm][~f.teach] = run(f)[~f.teach]
                seconds[arm] += time.perf_counter() - started
        for arm, p in out.items():
            got[arm].append(p)
    truth, rows = np.tile(y, repeats), np.tile(patient, repeats)
    how = {"group": rows, "repeat": np.repeat(np.arange(repeats), len(y))}
    print(
        f"{'arm':22s} {'MAE':>6s} {'95 % interval':>15s} {'R2':>7s} {'95 % interval':>17s} {'r':>6s} "
        f"{'s':>6s}   MAE minus {CONTROL}'s"
    )
    control = np.concatenate(got[CONTROL])
    for arm, parts in got.items():
        p = np.concatenate(parts)
        mae, r2 = interval("mae", truth, p, **how), interval("r2", truth, p, **how)
        with np.errstate(invalid="ignore"):
            r = np.mean([np.corrcoef(q, y)[0, 1] if np.ptp(q) > 0 else np.nan for q in parts])
        line = f"{arm:22s} {mae.value:6.2f} {mae.lo:6.2f} to {mae.hi:5.2f} {r2.value:7.2f} "
        line += f"{r2.lo:7.2f} to {r2.hi:6.2f} {r if arm != 'mean' else np.nan:6.2f} {seconds[arm]:6.1f}"
        if arm != CONTROL:
            c = compare("mae", truth, p, control, **how)
            line += f"   {c.difference:+.2f} ({c.lo:+.2f} to {c.hi:+.2f}) {c.verdict}"
        print(line, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    torch.set_num_threads(1)
    clock = read_clock(args.weights)
    example = np.load(args.weights / "altumage_example.npz")
    _, years = answer(clock, (example["beta"] - clock.centre) / clock.scale)
    r, off = np.corrcoef(years, example["age"])[0, 1], np.median(np.abs(years - example["age"]))
    print(f"The weights on their own example (newborns, nonagenarians): r {r:.3f}, median error {off:.1f} y.")

    brain = pd.read_csv(args.data / "gse38608_betas.csv.gz", index_col=0).T
    who = pd.read_csv(args.data / "gse38608_samples.csv").set_index("id").loc[brain.index]
    age, person = who["Age"].to_numpy(float), who["individual"].to_numpy()
    judge(
        "GSE38608 (the clock learnt from this set, too), brain, years",
        brain,
        age,
        person,
        clock,
        (0.0, 1.0),
        args.repeats,
    )

    blood = pd.read_csv(args.data / "progress_betas.csv").set_index("id")
    who = pd.read_csv(args.data / "progress_samples.csv").set_index("id").loc[blood.index]
    weeks, person = who["EGA"].to_numpy(float), blood.index.to_numpy()
    judge("PROGRESS, cord blood, weeks", blood, weeks, person, clock, (40.0, 52.18), args.repeats)


if __name__ == "__main__":
    main()
