"""Do the paired tests reject no more often than they may, and do their intervals cover?

Simulated patients with a known truth: ``python benchmarks/comparison_errors.py [runs]`` prints tables of
rejections of no difference and of coverage, of margins, of overlapping splits, of planned sample sizes, and
of families. Wanted where the truth is no difference: rejections of at most 6 %; coverage within 2 points of
95 %. Some ten minutes on one core for 500 runs, which leave a share of 5 % a standard error of one point.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri
from scipy.stats import rankdata

from medgraft.evidence.paired import (
    Difference,
    corrected_t,
    delong_interval,
    delong_test,
    family,
    mcnemar,
    noninferiority,
    paired_t,
    sample_size,
)

SIZES = (50, 200, 1000)
SHARED = 0.5  # of a score's variance is common to the arms
PATIENT = 0.5  # of the rest is common to a patient's rows


@dataclass(frozen=True)
class Case:
    """A way to draw patients and test them, with the true value of what is estimated."""

    name: str
    truth: float
    draw: Callable[[np.random.Generator], object]


def noise(rng: np.random.Generator, who: np.ndarray, arms: int) -> np.ndarray:
    """Standard normal noise of several arms (arms, rows), shared between arms and within patients."""

    def within(share: float) -> np.ndarray:
        patient = rng.normal(size=who[-1] + 1)[who]
        return np.sqrt(share) * patient + np.sqrt(1 - share) * rng.normal(size=len(who))

    common = within(PATIENT)
    return np.array([np.sqrt(SHARED) * common + np.sqrt(1 - SHARED) * within(PATIENT) for _ in range(arms)])


def labels(rng: np.random.Generator, who: np.ndarray, prevalence: float, mixed: bool) -> np.ndarray:
    """Labels of rows: one per patient, or of each row on its own; two patients of each class at least."""
    chance = rng.random(len(who) if mixed else who[-1] + 1)
    y = chance < prevalence
    y = y if mixed else y[who]
    y[who < 2], y[(who >= 2) & (who < 4)] = True, False
    return y.astype(int)


def auroc_case(
    n: int, rows: int, prevalence: float, gaps: tuple[float, ...], mixed: bool = False, uneven: bool = False
) -> Case:
    """One score, or two, whose classes lie `gaps` standard deviations apart."""

    def draw(rng: np.random.Generator) -> object:
        who = np.repeat(np.arange(n), rng.integers(1, 2 * rows, n) if uneven else rows)
        y = labels(rng, who, prevalence, mixed)
        scores = [g * y + e for g, e in zip(gaps, noise(rng, who, len(gaps)), strict=True)]
        return (delong_test if len(gaps) == 2 else delong_interval)(y, *scores, group=who)

    true = [ndtr(g / np.sqrt(2)) for g in gaps]
    name = f"DeLong {'test    ' if len(gaps) == 2 else 'interval'}, {n} x {rows}, {prevalence:.0%} events"
    name += f", AUROC {' and '.join(f'{t:.2f}' for t in true)}" + (", mixed rows" if mixed else "")
    return Case(
        name + (", uneven" if uneven else ""), float(true[0] - true[1] if len(true) == 2 else true[0]), draw
    )


def right_case(
    n: int, rows: int, chances: tuple[float, float], kind: str = "mid-p", uneven: bool = False
) -> Case:
    """Two arms that are right with these chances."""

    def draw(rng: np.random.Generator) -> Difference:
        who = np.repeat(np.arange(n), rng.integers(1, 2 * rows, n) if uneven else rows)
        arm, control = noise(rng, who, 2) < ndtri(chances)[:, None]
        return mcnemar(arm, control, group=who, kind=kind)

    name = f"McNemar {kind}, {n} x {rows}, right {chances[0]:.2f} and {chances[1]:.2f}"
    return Case(name + (", uneven" if uneven else ""), chances[0] - chances[1], draw)


def mean_case(n: int, rows: int, spread: tuple[float, float]) -> Case:
    """Absolute errors of two arms."""

    def draw(rng: np.random.Generator) -> Difference:
        who = np.repeat(np.arange(n), rows)
        arm, control = np.abs(noise(rng, who, 2)) * np.array(spread)[:, None]
        return paired_t(arm, control, group=who)

    truth = (spread[0] - spread[1]) * np.sqrt(2 / np.pi)
    return Case(f"paired t, {n} x {rows}, spread {spread[0]:g} and {spread[1]:g}", float(truth), draw)


def errors(case: Case, runs: int, seed: int = 0) -> tuple[float, float]:
    """Return how often the test rejects (nan of an interval alone), and how often the interval covers."""
    rng = np.random.default_rng(seed)
    rejected, inside = [], []
    for _ in range(runs):
        got = case.draw(rng)
        rejected.append(getattr(got, "p_value", np.nan) < 0.05)
        inside.append(got.lo <= case.truth <= got.hi)
    return float(np.mean(rejected)) if isinstance(got, Difference) else np.nan, float(np.mean(inside))


def family_errors(n: int, arms: int, metric: str, runs: int, seed: int = 0) -> tuple[float, float, float]:
    """Return how often any of equal arms gets a verdict alone, any in the family, and all are covered."""
    rng = np.random.default_rng(seed)
    alone = together = inside = 0
    for run in range(runs):
        who = np.arange(n)
        y = labels(rng, who, 0.3, False)
        made = noise(rng, who, arms + 1)
        if metric == "auroc":
            chance = ndtr(y + made - 0.5)
            preds = {str(i): np.stack([1 - c, c], axis=1) for i, c in enumerate(chance)}
        else:
            preds = {str(i): y + e for i, e in enumerate(made)}
        # Bonferroni's tail of many arms needs draws in it.
        got = family(metric, y, preds, "0", n_boot=max(400, 200 * arms), seed=run).values()
        alone += any(arm.alone.verdict != "inconclusive" for arm in got)
        together += any(arm.verdict != "inconclusive" for arm in got)
        inside += all(arm.lo <= 0 <= arm.hi for arm in got)
    return alone / runs, together / runs, inside / runs


LEARNERS = {  # columns of their own for each of two arms, and by how much each separates the classes
    "fixed scores": (1, 0.8),  # nothing is learnt
    "least squares": (3, 0.4),
    "nearest mean": (20, 0.2),
    "one column": (20, 0.3),  # the one that separates the training patients best: another in each split
}


def scored(learner: str, Z: np.ndarray, y: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Scores of the test rows, above 0 for class 1, by a learner that sees the others."""
    if learner == "fixed scores":
        return Z[test, 0] - 0.4
    means = np.array([Z[~test & (y == c)].mean(axis=0) for c in (0, 1)])
    apart = means[1] - means[0]
    if learner == "nearest mean":
        return (Z[test] - means.mean(axis=0)) @ apart
    if learner == "one column":
        Z = Z[:, [np.argmax(np.abs(apart) / Z[~test].std(axis=0))]]
    Z = np.column_stack([np.ones(len(Z)), Z])
    return np.asarray(Z[test] @ np.linalg.lstsq(Z[~test], 2.0 * y[~test] - 1, rcond=None)[0])


def judged(score: np.ndarray, y: np.ndarray) -> list[float]:
    """Accuracy, AUROC and squared error."""
    ranks, events = rankdata(score), y.sum()
    area = (ranks[y == 1].sum() - events * (events + 1) / 2) / (events * (len(y) - events))
    loss = np.square(np.clip(score, -1, 1) - (2 * y - 1)).mean()
    return [((score > 0) == y).mean(), area, loss]


def split_errors(n: int, learner: str, folds: int, repeats: int, runs: int, seed: int = 0) -> np.ndarray:
    """Return how often the usual t and the corrected one reject that two equal ways to learn differ, (2, 3).

    Each has columns of its own, equally good, and both are judged by accuracy, AUROC and squared error.
    """
    rng = np.random.default_rng(seed)
    columns, shift = LEARNERS[learner]
    rejected = np.zeros((2, 3))
    for _ in range(runs):
        y = rng.permutation(np.arange(n) % 2)
        X = shift * y[:, None] + rng.normal(size=(n, 2 * columns))
        differences = []
        for _ in range(repeats):
            fold = np.empty(n, dtype=int)
            for c in (0, 1):
                fold[y == c] = rng.permutation(np.arange((y == c).sum()) % folds)
            for k in range(folds):
                test = fold == k
                arm, control = (judged(scored(learner, Z, y, test), y[test]) for Z in np.hsplit(X, 2))
                differences.append(np.subtract(arm, control))
        for m, d in enumerate(np.transpose(differences)):
            rejected[0, m] += paired_t(d, np.zeros(len(d))).p_value < 0.05
            rejected[1, m] += corrected_t(d, test_share=1 / folds).p_value < 0.05
    return rejected / runs


def margin_errors(n: int, chances: tuple[float, float], margin: float, runs: int, seed: int = 0) -> float:
    """Return how often an arm that is worse by just the margin is called non-inferior."""
    case, rng = right_case(n, 1, chances), np.random.default_rng(seed)
    verdicts = [noninferiority(case.draw(rng), "accuracy", margin).verdict for _ in range(runs)]
    return float(np.mean(np.isin(verdicts, ("non-inferior", "superior"))))


def planned(name: str, make: Callable[[int], Case], n: int, runs: int, seed: int = 0) -> None:
    """Print the patients that a first test of n asks for.

    The true number, by one very large test; the median asked for; how often the range holds the true number;
    and the power of a test with the true number.
    """
    rng = np.random.default_rng(seed)
    true = sample_size(make(20000).draw(rng)).patients
    case = make(n)
    asked = [sample_size(case.draw(rng)) for _ in range(runs)]
    held = np.mean([a.lo <= true <= a.hi for a in asked])
    power = errors(make(int(true)), runs, seed)[0]
    median = np.median([a.patients for a in asked])
    print(f"{name:34s} {n:4d} {true:6.0f} {median:7.0f} {held:6.3f} {power:6.3f}", flush=True)


def cases(n: int) -> list[Case]:
    out = []
    for prevalence in (0.3, 0.5):
        for rows, mixed, uneven in ((1, False, False), (4, False, False), (4, True, True)):
            out += [
                auroc_case(n, rows, prevalence, gaps, mixed, uneven)
                for gaps in ((1.0, 1.0), (1.5, 0.8), (1.0,), (2.0,))
            ]
    for rows, uneven in ((1, False), (4, False), (4, True)):
        for chances in ((0.8, 0.8), (0.95, 0.95), (0.85, 0.7)):
            out.append(right_case(n, rows, chances, uneven=uneven))
    out.append(right_case(n, 1, (0.8, 0.8), "exact"))
    return out + [mean_case(n, rows, spread) for rows in (1, 4) for spread in ((1.0, 1.0), (0.7, 1.0))]


def tests(runs: int) -> None:
    """Rejections where the arms are equal, and coverage; and of margins."""
    print(f"{'patients x rows':76s}  truth rejects covers   ({runs} runs)")
    for case in [c for n in SIZES for c in cases(n)]:
        rejected, inside = errors(case, runs)
        print(f"{case.name:76s} {case.truth:6.3f} {rejected:7.3f} {inside:6.3f}", flush=True)
    print("\nnon-inferior although worse by the margin of 0.1 (at most 0.025 wanted)")
    for n in SIZES:
        print(f"{n:5d} {margin_errors(n, (0.75, 0.85), 0.1, runs):6.3f}", flush=True)


def splits(runs: int) -> None:
    """Rejections where two ways to learn are equal, over overlapping splits."""
    print("\nsplits of n patients: folds, repeats; the usual t rejects by accuracy, AUROC and squared error,")
    print("and the corrected one (at most 0.06 wanted)")
    for n in SIZES:
        for learner in LEARNERS:
            for folds, repeats in ((5, 1), (5, 2), (5, 10), (2, 5), (10, 10)):
                if folds == 10 and n > 50:
                    continue  # minutes, where few patients are the worst case
                usual, corrected = split_errors(n, learner, folds, repeats, runs)
                made = "   ".join(" ".join(f"{x:.3f}" for x in xs) for xs in (usual, corrected))
                print(f"{n:5d} {learner:14s} {folds:3d} {repeats:3d}   {made}", flush=True)


def plans(runs: int) -> None:
    """Patients that a first test asks for, and what they are worth."""
    print(
        "\nplanning: patients of the first test; needed; asked for; range of 50 % holds; power (0.8 wanted)"
    )
    planned("AUROC 0.86 and 0.71", lambda n: auroc_case(n, 1, 0.5, (1.5, 0.8)), 40, runs)
    planned("right 0.85 and 0.75", lambda n: right_case(n, 1, (0.85, 0.75)), 60, runs)
    planned("absolute errors, 0.8 and 1", lambda n: mean_case(n, 1, (0.8, 1.0)), 50, runs)


def families(runs: int) -> None:
    """Verdicts of many arms that are like their control."""
    print("\nfamily of arms like their control: any verdict alone; in the family (0.06); all covered")
    for n in (50, 200):
        for arms, metric in ((5, "auroc"), (5, "mae"), (20, "mae")):
            print(
                f"{n:5d} {arms:3d} {metric:6s}",
                *(f"{x:6.3f}" for x in family_errors(n, arms, metric, runs)),
                flush=True,
            )


def main(runs: int) -> None:
    for table in (tests, splits, plans, families):
        table(runs)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
