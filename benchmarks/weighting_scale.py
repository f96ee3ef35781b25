"""Weightings and mappings at scale: seconds, memory and growth with the rows, up to 100,000 x 50.

    OPENBLAS_NUM_THREADS=1 python benchmarks/weighting_scale.py [--only METHOD ...]

Every method of the families instance and feature that weights or maps (not those that boost, nor
shapley-transfer, which has a limit of its own) is fitted on 25,000, 50,000 and 100,000 generated rows of 50
correlated numbers (see `tca_scale`): half of them source with labels, half target, of which 100 have a label.
Every fit is a process of its own. Printed: CPU seconds of the fit (the quickest of three where these take
under 15 s), the largest resident size of the process at 100,000 rows, imports included, and the slope of log
seconds over log rows from the first size to the last; with the default learner, and with one that learns
nothing but shares, which leaves the weighting or mapping (bbse, label-shift-em, balanced-weighting and
mmd-selection estimate by their learner; the discriminator has a classifier of its own, which stays).

Limits: 2,048 MiB, slope 1.15 (of what takes over a second: below, fixed costs and the clock decide). What
misses one is marked `over`, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import math
import sys
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tca_scale import child

SIZES = (25_000, 50_000, 100_000)
MAX_MIB, MAX_SLOPE, MIN_SECONDS = 2048.0, 1.15, 1.0
LEFT_OUT = ("tradaboost", "tradaboost-r2", "two-stage-tradaboost-r2", "shapley-transfer")
# argv: method, rows, "default" or "trivial"
_FIT = """
from sklearn.dummy import DummyClassifier, DummyRegressor
from medgraft.methods import entries
name, n, learner = sys.argv[1], int(sys.argv[2]), sys.argv[3]
classify = "binary" in entries[name].tasks
settings = {"task": "classification" if classify else "regression"}
if learner == "trivial":
    settings["estimator"] = DummyClassifier() if classify else DummyRegressor()
def fit(n):
    X, y = data(n)
    site = np.repeat(["s", "t"], [n // 2, n - n // 2])
    model = entries[name].cls(**settings)
    start = clock()
    model.fit(X, y, domain=site, target="t", labelled=np.arange(n) < n // 2 + 100)
    return [b - a for a, b in zip(start, clock())]
fit(400)
found = [fit(n)]
while len(found) < 3 and sum(f[1] for f in found) < 15.0:
    found.append(fit(n))
report(*min(found, key=lambda f: f[1]))
"""


def growth(runs: list[dict[str, Any]]) -> tuple[float, float, float]:
    """Seconds and MiB at the largest size, and the slope up to it."""
    first, last = runs[0]["cpu"], runs[-1]["cpu"]
    return last, runs[-1]["mib"], math.log(last / first) / math.log(SIZES[-1] / SIZES[0])


def told(runs: list[dict[str, Any]]) -> tuple[str, bool]:
    """Return the columns of one learner, and whether a limit was missed."""
    seconds, mib, slope = growth(runs)
    over = mib > MAX_MIB or (seconds > MIN_SECONDS and slope > MAX_SLOPE)
    columns = " ".join(f"{r['cpu']:6.1f}" for r in runs) + f" {slope:6.2f} {mib:6,.0f}"
    return f"{columns} {'over' if over else '':<4}", over


def main() -> int:
    from medgraft.methods import entries

    parser = argparse.ArgumentParser(description="Weightings and mappings at scale.")
    every = [n for n, m in entries.items() if m.family in ("instance", "feature") and n not in LEFT_OUT]
    parser.add_argument("--only", nargs="+", choices=every, default=every, metavar="METHOD")
    names = parser.parse_args().only
    head = " ".join(f"{n // 1000:>5}k" for n in SIZES) + "  slope    MiB     "
    print(f"{'CPU seconds':<28}{'default learner':<{len(head)}}  without the learner")
    print(f"{'':<28}{head}  {head}", flush=True)
    missed = False
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=2 * len(SIZES) * len(names))
        for name in names:
            line = f"{name:<28}"
            for learner in ("default", "trivial"):
                runs = []
                for n in SIZES:
                    bar.update(task, description=f"{name}, {n:,} rows")
                    runs.append(child(sys.executable, _FIT, name, str(n), learner))
                    bar.advance(task)
                columns_told, over = told(runs)
                missed, line = missed or over, f"{line}{columns_told}  "
            print(line.rstrip(), flush=True)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
