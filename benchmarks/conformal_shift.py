"""Do conformal sets hold their promise under shift, and do intervals of calibration measures cover?

Simulated patients with a known truth: ``python benchmarks/conformal_shift.py [runs]`` prints three tables:
coverage of sets and intervals (90 % wanted) without shift, under a known covariate shift and a known label
shift; the same with several rows a patient; and coverage of 95 % intervals of calibration measures,
which takes most of the time. Of these the two metrics, "ici" and "ece", are biased upwards: their intervals,
measured on a fifth of the runs, are for the comparison of two arms, not for the true error of one.
"""

from __future__ import annotations

import sys
from functools import lru_cache

import numpy as np
from scipy.special import expit, ndtri, softmax

from medgraft.evidence import interval
from medgraft.evidence.calibration import calibration_slope, debiased_ece, ici
from medgraft.evidence.conformal import ConformalIntervals, ConformalSets, covered

ALPHA, NEW = 0.1, 300
SLOPES = np.array([[-1.5, 0.0], [0.0, 0.5], [1.5, 0.0]])  # of the classes' logits
CENTRES = np.array([[-1.2, 0.0], [0.0, 0.8], [1.2, 0.0]])  # of the classes' patients, under label shift
OLD_SHARES, NEW_SHARES = np.array([0.6, 0.3, 0.1]), np.array([0.1, 0.2, 0.7])
MOVE = np.array([0.9, -0.6])  # of the mean of x, under covariate shift


def drawn_class(rng: np.random.Generator, p: np.ndarray) -> np.ndarray:
    return (rng.random(len(p))[:, None] > np.cumsum(p, axis=1)[:, :-1]).sum(axis=1)


def model(x: np.ndarray) -> np.ndarray:
    """A model that has learnt the old shares, and that patients to the right are like all others."""
    return softmax(x @ SLOPES.T + np.log(OLD_SHARES), axis=1)


def classes(rng: np.random.Generator, n: int, shift: str, new: bool) -> tuple[np.ndarray, np.ndarray]:
    """Draw features and classes of calibration or new patients."""
    if shift == "label":
        y = drawn_class(rng, np.tile(NEW_SHARES if new else OLD_SHARES, (n, 1)))
        return CENTRES[y] + rng.normal(size=(n, 2)), y
    x = rng.normal(size=(n, 2)) + (MOVE if new and shift == "covariate" else 0)
    odd = 0.6 * expit(3 * (x[:, :1] - 1))  # to the right chance decides more
    return x, drawn_class(rng, (1 - odd) * model(x) + odd / 3)


def ratio(x: np.ndarray) -> np.ndarray:
    """Density of new over calibration patients under covariate shift."""
    return np.asarray(np.exp(x @ MOVE - MOVE @ MOVE / 2))


def set_coverage(rng: np.random.Generator, n: int, shift: str, score: str, by_class: bool) -> list[float]:
    """Return coverage and mean size of sets, without and with weights."""
    (x, y), (z, t) = (classes(rng, m, shift, new) for m, new in ((n, False), (NEW, True)))
    more: list[tuple[dict, dict]] = [({}, {})]
    if shift == "covariate":
        more.append(({"weight": ratio(x)}, {"weight": ratio(z)}))
    if shift == "label":
        more.append(({"class_weight": NEW_SHARES / OLD_SHARES}, {}))
    out = []
    for fit, predict in more:
        sets = ConformalSets(ALPHA, score, by_class=by_class).fit(model(x), y, **fit)
        made = sets.predict(model(z), **predict)
        out += [covered(t, made).mean(), made.sum(axis=1).mean()]
    return out


def values(rng: np.random.Generator, n: int, move: np.ndarray | float) -> tuple[np.ndarray, ...]:
    x = rng.normal(size=(n, 2)) + move
    return x, x.sum(axis=1) + np.exp(0.7 * x[:, 0]) * rng.normal(size=n), x.sum(axis=1)


def interval_coverage(rng: np.random.Generator, n: int, shift: str, way: str) -> list[float]:
    """Return coverage and share of infinite intervals, without and with weights."""
    (x, y, mu), (z, t, nu) = values(rng, n, 0.0), values(rng, NEW, MOVE if shift == "covariate" else 0.0)
    own, theirs = ({"scale": 1 + 0.3 * np.abs(a[:, 0])} if way == "normalised" else {} for a in (x, z))
    p, q = (
        np.stack([m - 1.5, m + 1.5 + 0.3 * a[:, 0] ** 2], axis=1) if way == "quantiles" else m
        for m, a in ((mu, x), (nu, z))
    )
    more: list[tuple[dict, dict]] = [({}, {})]
    if shift == "covariate":
        more.append(({"weight": ratio(x)}, {"weight": ratio(z)}))
    out = []
    for fit, predict in more:
        ends = ConformalIntervals(ALPHA).fit(y, p, **own, **fit).predict(q, **theirs, **predict)
        out += [covered(t, ends).mean(), np.isinf(ends).any(axis=1).mean()]
    return out


def patients(rng: np.random.Generator, n: int) -> list[float]:
    """Return coverage of a row of a new patient, calibrated by row and by patient; the easy come often."""
    spread = np.exp(rng.normal(size=n + NEW))
    rows = np.where(spread < 1, 10, 2)
    group = np.repeat(np.arange(n), rows[:n])
    y, zero = spread[:n][group] * rng.normal(size=len(group)), np.zeros(len(group))
    truth = spread[n:] * rng.normal(size=NEW)
    out = []
    for g in (None, group):
        out.append(covered(truth, ConformalIntervals(ALPHA).fit(y, zero, g).predict(np.zeros(NEW))).mean())
    return out


CURVES = {  # intercept, slope, bend of the logit
    "calibrated": (0.0, 1.0, 0.0),
    "slightly off": (0.1, 0.9, 0.0),
    "too extreme": (0.3, 0.6, 0.0),
    "too low": (1.0, 1.0, 0.0),
    "bent": (0.3, 1.0, -0.4),
}
MEAN, SPREAD = -0.8, 1.2  # of the logits


def happens(line: np.ndarray, curve: str) -> np.ndarray:
    a, b, c = CURVES[curve]
    return np.asarray(expit(a + b * line + c * (line - MEAN) ** 2))


@lru_cache
def truths(curve: str) -> dict[str, float]:
    """The measures over 200 000 patients; slope and intercept are those of the nearest logistic curve."""
    line = MEAN + SPREAD * ndtri((np.arange(200_000) + 0.5) / 200_000)
    p, o = expit(line), happens(line, curve)
    beta = np.array([0.0, 1.0])
    shift = 0.0
    X = np.stack([np.ones_like(line), line], axis=1)
    for _ in range(50):
        q = expit(X @ beta)
        beta = beta + np.linalg.solve((X * (q * (1 - q))[:, None]).T @ X, X.T @ (o - q))
        q = expit(line + shift)
        shift += (o - q).sum() / (q * (1 - q)).sum()
    gaps = (o - p).reshape(10, -1).mean(axis=1)
    return {
        "slope": beta[1],
        "intercept": beta[0],
        "in the large": shift,
        "debiased ECE": float(np.sqrt((gaps**2).mean())),
        "ICI": float(np.abs(o - p).mean()),
        "metric ici": float(np.abs(o - p).mean()),
        "metric ece": float(np.abs(gaps).mean()),
    }


def measured(
    rng: np.random.Generator,
    n: int,
    rows: int,
    curve: str,
    seed: int,
    n_boot: int,
    smooth: bool,
    biased: bool,
) -> dict:
    """Return the interval of each measure; a patient's rows share most of the prediction and of the luck."""
    group = np.repeat(np.arange(n), rows)
    share = 1.0 if rows == 1 else 0.8
    own = rng.normal(size=len(group))
    line = MEAN + SPREAD * (share * rng.normal(size=n)[group] + np.sqrt(1 - share**2) * own)
    luck = np.where(rng.random(len(group)) < 0.5, rng.random(n)[group], rng.random(len(group)))
    p, y = expit(line), (luck < happens(line, curve)).astype(int)
    fit = calibration_slope(y, p, group=group)
    both = np.stack([1 - p, p], axis=1)
    boot = {"group": group, "n_boot": n_boot, "seed": seed}
    out = {
        "slope": fit.slope,
        "intercept": fit.intercept,
        "in the large": fit.in_the_large,
        "debiased ECE": debiased_ece(y, p, group=group),
    }
    if smooth:
        out["ICI"] = ici(y, p, **boot)
    if biased:
        out |= {f"metric {name}": interval(name, y, both, **boot) for name in ("ici", "ece")}
    return out


def measure_coverage(
    n: int, rows: int, curve: str, runs: int, slow: int, n_boot: int = 100
) -> dict[str, list[float]]:
    """Return, of each measure, how often the interval holds the truth, the mean value, and the runs.

    What resamples is measured in `slow` of the runs.
    """
    rng = np.random.default_rng([n, rows])
    found: dict[str, list[tuple[bool, float]]] = {name: [] for name in truths(curve)}
    for run in range(runs):
        for name, got in measured(rng, n, rows, curve, run, n_boot, run < slow, run < runs // 5).items():
            if np.isfinite(got.lo):
                found[name].append((got.lo <= truths(curve)[name] <= got.hi, got.value))
    return {name: [*map(float, np.mean(pairs, axis=0)), len(pairs)] for name, pairs in found.items()}


def main(runs: int) -> None:
    print(f"sets and intervals: coverage of 90 %, and mean size or share infinite ({runs} runs)")
    print(f"{'':34s}{'n':>5s}  plain         weighted")
    for n in (50, 200, 1000):
        for shift in ("none", "covariate", "label"):
            for kind in ("lac", "aps", "raps", "lac by class"):
                rng = np.random.default_rng(n)
                score, _, by_class = kind.partition(" ")
                made = [set_coverage(rng, n, shift, score, bool(by_class)) for _ in range(runs)]
                numbers = "  ".join(f"{x:.3f}" for x in np.mean(made, axis=0))
                print(f"{kind + ', shift: ' + shift:34s}{n:5d}  {numbers}", flush=True)
        for shift in ("none", "covariate"):
            for way in ("absolute", "normalised", "quantiles"):
                rng = np.random.default_rng(n)
                made = [interval_coverage(rng, n, shift, way) for _ in range(runs)]
                numbers = "  ".join(f"{x:.3f}" for x in np.mean(made, axis=0))
                print(f"{way + ', shift: ' + shift:34s}{n:5d}  {numbers}", flush=True)
    print("\na row of a new patient: calibrated by row, by patient")
    for n in (50, 200, 1000):
        rng = np.random.default_rng(n)
        by_row, by_patient = np.mean([patients(rng, n) for _ in range(runs)], axis=0)
        print(f"{n:5d}  {by_row:.3f}  {by_patient:.3f}", flush=True)
    print("\n95 % intervals of calibration measures: covers (truth, mean value), runs")
    for n in (50, 200, 1000):
        for rows in (1, 3):
            for curve in CURVES:
                print(f"{curve}, {n} patients x {rows} rows", flush=True)
                slow = runs if n * rows < 1000 else runs // 5
                for name, (share, value, count) in measure_coverage(n, rows, curve, runs, slow).items():
                    truth = truths(curve)[name]
                    print(f"   {name:13s} {share:.3f}  ({truth:.3f}, {value:.3f})  {count}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
