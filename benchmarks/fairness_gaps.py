"""Do the intervals of gaps and of operating-point measures cover, and is a gap found where there is none?

Simulated patients with a known truth: ``python benchmarks/fairness_gaps.py [runs]`` prints six tables, for
50, 200 and 1000 patients. Some ten minutes on one core for 500 runs, which leave a coverage of 95 % a
standard error of one point.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
from scipy.special import ndtr, ndtri

from medgraft.evidence.decision import choose_threshold, decision_curve
from medgraft.evidence.fairness import gap_change, parity, subgroup_report
from medgraft.evidence.interval import Interval

SIZES = (50, 200, 1000)


def cohort(
    rng: np.random.Generator, n: int, level: np.ndarray, shift: np.ndarray, rows: int = 1, events: float = 0.4
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels of patients, scores that separate the classes by `shift` (a level each), and patients.

    Rows of a patient share half of the variance of their noise.
    """
    who = np.repeat(np.arange(n), rows)
    y = (rng.random(n) < events).astype(int)[who]
    noise = np.sqrt(0.5) * (rng.normal(size=n)[who] + rng.normal(size=n * rows))
    return y, ndtr(shift[level[who]] * y + noise - 1), who


def levels(rng: np.random.Generator, n: int, k: int) -> np.ndarray:
    """Levels that are not equally frequent, each of at least ten patients."""
    share = np.arange(1, k + 1) / np.arange(1, k + 1).sum()
    drawn = rng.choice(k, n, p=share)
    drawn[: 10 * k] = np.repeat(np.arange(k), 10)
    return drawn


def covers(x: Interval, truth: float) -> float:
    return float(x.lo <= truth <= x.hi) if np.isfinite(x.lo) else np.nan


def points(runs: int) -> None:
    """Sensitivity and its kin, at a threshold chosen on as many other patients."""
    print(f"\nCoverage of 95 % intervals at an operating point chosen on other patients ({runs} runs)")
    names = ("sensitivity", "specificity", "ppv", "npv", "lr_positive", "lr_negative")
    print(f"{'patients':>8} {'rows each':>9}  " + " ".join(f"{name:>11}" for name in names))
    for n in SIZES:
        for rows in (1, 4):
            hit = []
            for run in range(runs):
                rng = np.random.default_rng([n, rows, run])
                none, shift = np.zeros(n, dtype=int), np.array([1.5])
                y, p, who = cohort(rng, n, none, shift, rows)
                point = choose_threshold(y, p, "youden", group=[f"a{g}" for g in who])
                y, p, who = cohort(rng, n, none, shift, rows)
                got = point.report(y, p, group=[f"b{g}" for g in who])
                t = ndtri(point.threshold) + 1
                se, sp = ndtr(1.5 - t), ndtr(t)
                flag = 0.4 * se + 0.6 * (1 - sp)
                truth = (se, sp, 0.4 * se / flag, 0.6 * sp / (1 - flag), se / (1 - sp), (1 - se) / sp)
                hit.append([covers(getattr(got, m), v) for m, v in zip(names, truth, strict=True)])
            print(f"{n:>8} {rows:>9}  " + " ".join(f"{x:>10.1%} " for x in np.nanmean(hit, axis=0)))


def promises(runs: int) -> None:
    """Sensitivity among new patients at a threshold chosen to reach 0.9."""
    print(f"\nSensitivity among new patients where 0.9 was asked for ({runs} runs; plain: without G/(G+1))")
    print(f"{'patients':>8} {'rows each':>9} {'promised':>9} {'plain':>9}")
    for n in SIZES:
        for rows in (1, 4):
            kept = []
            for run in range(runs):
                rng = np.random.default_rng([1, n, rows, run])
                y, p, who = cohort(rng, n, np.zeros(n, dtype=int), np.array([1.5]), rows)
                t = choose_threshold(y, p, "sensitivity", 0.9, group=who).threshold
                plain = np.quantile(p[y == 1], 0.1, method="lower")
                kept.append([1.0 if np.isinf(x) else ndtr(1.5 - ndtri(x) - 1) for x in (t, plain)])
            print(f"{n:>8} {rows:>9} " + " ".join(f"{x:>9.3f}" for x in np.mean(kept, axis=0)))


def auroc(shift: np.ndarray) -> np.ndarray:
    return np.asarray(ndtr(shift / np.sqrt(2)))


def sensitivity(shift: np.ndarray) -> np.ndarray:
    return np.asarray(ndtr(shift - 1))


SHIFTS = {
    "2 equal": np.array([1.5, 1.5]),
    "4 equal": np.array([1.5] * 4),
    "2 apart": np.array([1.8, 1.0]),
    "4, one apart": np.array([1.7, 1.7, 0.9, 1.7]),
    "4, all apart": np.array([0.9, 1.2, 1.5, 1.8]),
}


def gaps(runs: int, draws: int, measure: str, each: tuple[int, ...]) -> None:
    """The gap of a measure among levels, how often one is found, and on which side the interval misses."""
    print(f"\nGap of {measure} ({runs} runs): where all are equal, 'above 0' is a false alarm")
    print(
        f"{'levels':>14} {'patients':>8} {'rows each':>9} {'true':>6} {'observed':>8} "
        f"{'covered':>8} {'too high':>8} {'too low':>8} {'above 0':>8}"
    )
    for name, shift in SHIFTS.items():
        truth = np.ptp((auroc if measure == "auroc" else sensitivity)(shift))
        for n in SIZES:
            for rows in each:
                found = []
                for run in range(runs):
                    rng = np.random.default_rng([2, n, rows, len(shift), run])
                    level = levels(rng, n, len(shift))
                    y, p, who = cohort(rng, n, level, shift, rows)
                    if measure == "auroc":
                        report = subgroup_report(
                            y, np.stack([1 - p, p], 1), {"level": level[who].astype(str)},
                            metrics=["auroc"], group=who, n_boot=draws,
                        )  # fmt: skip
                        got = report.gaps["auroc"]["level"]
                    else:
                        got = parity(y, p >= 0.5, level[who].astype(str), group=who).equal_opportunity
                    sides = got.lo > truth, got.hi < truth, got.lo > 0
                    found.append((got.value, covers(got, truth), *sides))  # type: ignore[arg-type]
                value, *shares = np.nanmean(found, axis=0)
                told = " ".join(f"{x:>8.1%}" for x in shares)
                print(f"{name:>14} {n:>8} {rows:>9} {truth:>6.3f} {value:>8.3f} {told}", flush=True)


def changes(runs: int, draws: int) -> None:
    """The change of the gap between two arms that share patients and noise."""
    print(f"\nChange of the gap of AUROC, arm minus control ({runs} runs)")
    print(
        f"{'arm':>14} {'control':>14} {'patients':>8} {'true':>7} {'observed':>8} "
        f"{'covered':>8} {'excludes 0':>10}"
    )
    pairs = [
        ("2 equal", "2 equal"),
        ("2 apart", "2 apart"),
        ("2 equal", "2 apart"),
        ("4 equal", "4, one apart"),
    ]
    for arm, control in pairs:
        a, c = SHIFTS[arm], SHIFTS[control]
        truth = np.ptp(auroc(a)) - np.ptp(auroc(c))
        for n in SIZES:
            found = []
            for run in range(runs):
                rng = np.random.default_rng([3, n, len(a), run])
                level = levels(rng, n, len(a))
                y = (rng.random(n) < 0.4).astype(int)
                shared = 0.8 * rng.normal(size=n)
                both = [ndtr(s[level] * y + shared + 0.6 * rng.normal(size=n) - 1) for s in (a, c)]
                arms = [np.stack([1 - p, p], axis=1) for p in both]
                got = gap_change("auroc", y, *arms, level.astype(str), n_boot=draws).change
                found.append((got.value, covers(got, truth), not got.lo <= 0 <= got.hi))
            value, covered, beyond = np.nanmean(found, axis=0)
            print(
                f"{arm:>14} {control:>14} {n:>8} {truth:>+7.3f} {value:>+8.3f} "
                f"{covered:>8.1%} {beyond:>10.1%}"
            )


def benefit(runs: int, draws: int) -> None:
    """Net benefit at each threshold, and at all of them together."""
    print(f"\nCoverage of the bands of a decision curve ({runs} runs)")
    print(f"{'patients':>8} {'rows each':>9} {'at 0.1':>7} {'at 0.3':>7} {'at 0.5':>7} {'all 17':>7}")
    at = np.arange(0.1, 0.91, 0.05)
    cut = ndtri(at) + 1
    truth = 0.4 * ndtr(1.5 - cut) - 0.6 * ndtr(-cut) * at / (1 - at)
    for n in SIZES:
        for rows in (1, 4):
            hit = []
            for run in range(runs):
                rng = np.random.default_rng([4, n, rows, run])
                y, p, who = cohort(rng, n, np.zeros(n, dtype=int), np.array([1.5]), rows)
                band = decision_curve(y, p, thresholds=at, group=who, n_boot=draws).model
                inside = (band.lo <= truth) & (truth <= band.hi)
                hit.append([*inside[[0, 4, 8]], ((band.lo_all <= truth) & (truth <= band.hi_all)).all()])
            print(f"{n:>8} {rows:>9} " + " ".join(f"{x:>7.1%}" for x in np.mean(hit, axis=0)))


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    tables: list[Callable[[], None]] = [
        lambda: points(2 * runs),
        lambda: promises(2 * runs),
        lambda: benefit(runs, 200),
        lambda: gaps(runs, 0, "sensitivity", (1, 4)),
        lambda: gaps(runs, 100, "auroc", (1,)),
        lambda: changes(runs // 2, 100),
    ]
    for table in tables:
        table()


if __name__ == "__main__":
    main()
