"""Do the intervals cover, are verdicts false no more often than they may be, and does the guard guard?

Simulated patients with a known truth: ``python benchmarks/interval_coverage.py [runs]`` prints three tables.
The suite runs the same simulations, shorter. Some minutes on one core for 500 runs, which leave a
coverage of 95 % a standard error of one point.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr

from medgraft.evidence import choose, compare, interval

Draw = Callable[[np.random.Generator], dict[str, Any]]
SIZES, DRAWS = (50, 200, 1000), 200  # so few cut the tails short where few repeats matter much: 1000 do not


@dataclass(frozen=True)
class Case:
    """A way to draw a cohort's predictions, and the true value of the metric (or of the difference)."""

    name: str
    metric: str
    truth: float
    draw: Draw

    @property
    def paired(self) -> bool:
        return "of two" in self.name


def sure(chance: np.ndarray) -> np.ndarray:
    """Probabilities (n, 2) from a probability of the event."""
    return np.stack([1 - chance, chance], axis=1)


def patients(n: int, rows: int) -> np.ndarray:
    return np.repeat(np.arange(n), rows)


def accuracy_case(n: int, rows: int, easy: tuple[float, ...] = (0.8,), shared: float = 0.8) -> Case:
    """A patient's rows are right together: P(right) = ndtr(easy + shared * patient)."""

    def draw(rng: np.random.Generator) -> dict[str, Any]:
        group = patients(n, rows)
        y = rng.integers(0, 2, n * rows)
        patient = shared * rng.normal(size=n)[group]
        arms = [
            sure(np.where(rng.random(n * rows) < ndtr(a + patient), y, 1 - y).astype(float)) for a in easy
        ]
        return {"y": y, "arms": arms, "group": group}

    true = [ndtr(a / np.sqrt(1 + shared**2)) for a in easy]
    return _case("accuracy", true, n, rows, 1, draw)


def auroc_case(
    n: int,
    rows: int,
    gap: tuple[float, ...] = (1.0,),
    events: float = 0.35,
    repeats: int = 1,
    wobble: float = 0.0,
    metric: str = "auroc",
) -> Case:
    """Scores are normal with unit variance, the two classes `gap` apart, patients sharing part of the noise.

    With repeats, the model of each repeat separates the classes better or worse, by `wobble`.
    """

    def draw(rng: np.random.Generator) -> dict[str, Any]:
        who = rng.random(n) < events
        who[:4] = True, True, False, False
        group = np.tile(patients(n, rows), repeats)
        repeat = np.repeat(np.arange(repeats), n * rows)
        y = who[group].astype(int)
        common = 0.7 * rng.normal(size=n)[group]
        arms = []
        for g in gap:
            separation = g + wobble * rng.normal(size=repeats)[repeat]
            arms.append(sure(ndtr(separation * y + common + np.sqrt(0.51) * rng.normal(size=len(y)) - g / 2)))
        return {"y": y, "arms": arms, "group": group, "repeat": repeat}

    true = [ndtr(g / np.sqrt(2 + wobble**2)) for g in gap]
    if metric == "balanced_accuracy":
        true = [ndtr(g / 2) for g in gap]
    return _case(metric, true, n, rows, repeats, draw, f", {events:.0%} events")


def mae_case(n: int, rows: int, spread: tuple[float, ...] = (1.0,), shared: float = 0.6) -> Case:
    """Errors are normal, a patient's rows sharing part of them."""

    def draw(rng: np.random.Generator) -> dict[str, Any]:
        group = patients(n, rows)
        y = rng.normal(size=n * rows)
        common = shared * rng.normal(size=n)[group]
        own = np.sqrt(1 - shared**2)
        return {
            "y": y,
            "arms": [y + s * (common + own * rng.normal(size=len(y))) for s in spread],
            "group": group,
        }

    return _case("mae", [s * np.sqrt(2 / np.pi) for s in spread], n, rows, 1, draw)


def discordant_case(n: int, discordant: float) -> Case:
    """Two arms with equal accuracy that disagree on few patients."""

    def draw(rng: np.random.Generator) -> dict[str, Any]:
        y = rng.integers(0, 2, n)
        right = np.stack([rng.random(n) < 0.8] * 2)
        flip = rng.random(n) < discordant
        first = rng.random(n) < 0.5
        right[:, flip] = np.stack([first, ~first])[:, flip]
        return {
            "y": y,
            "arms": [sure(np.where(r, y, 1 - y).astype(float)) for r in right],
            "group": np.arange(n),
        }

    return Case(f"accuracy of two, {n} patients, {n * discordant:g} disagree", "accuracy", 0.0, draw)


def _case(metric: str, true: list[Any], n: int, rows: int, repeats: int, draw: Draw, more: str = "") -> Case:
    name = f"{metric}{' of two' if len(true) == 2 else ''}, {n} patients x {rows} rows"
    name += (f" x {repeats} repeats" if repeats > 1 else "") + more
    return Case(name, metric, float(true[0] - true[1] if len(true) == 2 else true[0]), draw)


def coverage(case: Case, runs: int, n_boot: int = 1000, seed: int = 0) -> tuple[float, float]:
    """Return how often the 95 % interval holds the truth, and its median width."""
    rng = np.random.default_rng(seed)
    inside, widths = [], []
    for run in range(runs):
        made = case.draw(rng)
        made["repeat"] = made.get("repeat")
        arms = made.pop("arms")
        y = made.pop("y")
        judge: Any = compare if case.paired else interval
        got = judge(case.metric, y, *arms, **made, n_boot=n_boot, seed=run)
        inside.append(got.lo <= case.truth <= got.hi)
        widths.append(got.hi - got.lo)
    return float(np.mean(inside)), float(np.median(widths))


def false_verdicts(case: Case, runs: int, n_boot: int = 1000, seed: int = 0) -> float:
    """Return how often a verdict other than inconclusive is given."""
    rng = np.random.default_rng(seed)
    wrong = 0
    for run in range(runs):
        made = case.draw(rng)
        arms = made.pop("arms")
        y = made.pop("y")
        wrong += compare(case.metric, y, *arms, **made, n_boot=n_boot, seed=run).verdict != "inconclusive"
    return wrong / runs


def guard_leaves(
    n: int, candidates: int, gain: float, rule: str, runs: int, n_boot: int = 400, seed: int = 0
) -> tuple[float, float]:
    """Return how often the guard leaves the control, and takes the first candidate (better by `gain`).

    AUROC of `n` patients in three inner folds; the control separates the classes by 1 standard deviation.
    """
    rng = np.random.default_rng(seed)
    left = taken = 0
    for run in range(runs):
        y = rng.permutation(np.arange(n) % 2)
        fold = np.arange(n) % 3
        common = 0.7 * rng.normal(size=n)
        gaps = [1.0, 1.0 + gain, *[1.0] * (candidates - 1)]
        made = [sure(ndtr(g * (y - 0.5) + common + np.sqrt(0.51) * rng.normal(size=n))) for g in gaps]
        preds = dict(zip(["control", *map(str, range(candidates))], made, strict=True))
        name = choose("auroc", y, preds, "control", fold=fold, rule=rule, n_boot=n_boot, seed=run).name
        left += name != "control"
        taken += name == "0"
    return left / runs, taken / runs


def interval_cases(n: int) -> list[Case]:
    return [
        accuracy_case(n, 1),
        accuracy_case(n, 4),
        accuracy_case(n, 1, (1.8,)),
        auroc_case(n, 1),
        auroc_case(n, 4),
        auroc_case(n, 1, events=0.12),
        auroc_case(n, 1, (2.0,)),
        auroc_case(n, 1, repeats=5, wobble=0.3),
        auroc_case(n, 1, metric="balanced_accuracy", events=0.12),
        mae_case(n, 1),
        mae_case(n, 4),
        accuracy_case(n, 1, (1.2, 0.6)),
        accuracy_case(n, 4, (1.2, 0.6)),
        auroc_case(n, 1, (1.3, 0.8)),
        auroc_case(n, 4, (1.3, 0.8)),
        auroc_case(n, 1, (1.3, 0.8), events=0.12),
        auroc_case(n, 1, (1.3, 0.8), repeats=5, wobble=0.3),
        mae_case(n, 1, (0.8, 1.0)),
        mae_case(n, 4, (0.8, 1.0)),
    ]


def null_cases(n: int) -> list[Case]:
    return [
        *[discordant_case(n, d / n) for d in (3, 6, 8, 10, 15, 20)],
        accuracy_case(n, 4, (0.8, 0.8)),
        auroc_case(n, 1, (1.0, 1.0)),
        auroc_case(n, 4, (1.0, 1.0)),
        auroc_case(n, 1, (1.0, 1.0), events=0.12),
        *[auroc_case(n, 1, (1.0, 1.0), repeats=r, wobble=0.3) for r in (5, 10)],
        auroc_case(n, 1, (1.0, 1.0), metric="balanced_accuracy", events=0.12),
        mae_case(n, 1, (1.0, 1.0)),
        mae_case(n, 4, (1.0, 1.0)),
    ]


def main(runs: int) -> None:
    print(f"{'interval of':66s} truth  covers   width   ({runs} runs, 95 % wanted)")
    for case in [c for n in SIZES for c in interval_cases(n)]:
        share, width = coverage(case, runs, DRAWS)
        print(f"{case.name:66s} {case.truth:5.3f}  {share:6.3f}  {width:6.3f}", flush=True)
    print(f"\n{'false verdicts of':66s} share   (at most 0.05 wanted)")
    for case in [c for n in SIZES for c in null_cases(n)]:
        print(f"{case.name:66s} {false_verdicts(case, runs, DRAWS):5.3f}", flush=True)
    print(
        "\nguard on AUROC: patients, candidates, rule: leaves the control under the null; takes a clear gain"
    )
    for n in (20, 40, 100):
        for candidates in (1, 3, 8):
            for rule in ("one-se", "family"):
                null = guard_leaves(n, candidates, 0.0, rule, runs)[0]
                gain = guard_leaves(n, candidates, 1.0, rule, runs)[1]
                print(f"{n:4d} {candidates:2d} {rule:7s} {null:5.3f} {gain:5.3f}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
