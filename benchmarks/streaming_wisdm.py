"""WISDM: does a population's start help a personal, streaming activity model on a device of 20 KB?

36 people carried a phone; each row is a window of ten seconds. Each person in turn is the user, and the
population (medians for gaps, scale, directions, clusters) is learnt on the other 35 alone. A user's rows stay
in the order of the file, which is that of time within a block; users whose rows stand in several blocks (15
of 36) have these strung together. Of each activity the first half of a user's windows may teach and the later
half is tested, the same windows whatever the labels: of the teaching windows the first 0, 1, 2, ... of each
activity come with their label and the others without, in order of time. The second table is prequential:
every window is predicted, then learnt from, as a device would meet them.

"population" never learns from the user, "labels alone" throws unlabelled windows away, "scratch" has no
population but its medians, scale and principal directions (which favours it), and "offline logistic" keeps
all labelled windows, in the population's coordinates.

Settings were chosen on the users 1 to 12, so the other 24 are the finding; but that a window without a label
may count for less than one with a label was thought of after such windows had been seen to harm among the 24.
Users are resampled for the intervals. Study [56], doi:10.3390/s24144444. Usage:

    python benchmarks/streaming_wisdm.py FOLDER [--users all|seen|unseen]

FOLDER holds WISDM_ar_v1.1_transformed.arff (Kwapisz, Weiss and Moore 2010, doi:10.1145/1964897.1964918).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medgraft.evidence.bootstrap import counts, percentiles
from medgraft.methods.streaming.baselines import Frozen, OfflineLogistic
from medgraft.methods.streaming.gmm import StreamingGMM
from medgraft.methods.streaming.kmeans import StreamingKMeans
from medgraft.methods.streaming.prequential import accuracy_over_labels

LABELS = (0, 1, 2, 5, 10, 20)  # of each activity
EVERY = (0, 20, 5)
MODELS = {
    "GMM shared": StreamingGMM,
    "GMM diagonal": partial(StreamingGMM, covariance="diagonal"),
    "k-means": partial(StreamingKMeans, per_class=1),
}


def read(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Windows (n, 43), activities and users, in the order of the file."""
    lines = (folder / "WISDM_ar_v1.1_transformed.arff").read_text().split("@data")[1].split()
    table = pd.DataFrame([line.split(",") for line in lines])
    X = table.iloc[:, 2:-1].replace("?", np.nan).astype(float).to_numpy()
    return X, table.iloc[:, -1].to_numpy(dtype=str), table[1].astype(int).to_numpy()


def starts(X: np.ndarray, y: np.ndarray, user: np.ndarray) -> dict[str, Callable[[], Any]]:
    """Makers of fresh models, from the windows of all people but the user."""
    made: dict[str, Callable[[], Any]] = {}
    for name, cls in MODELS.items():
        population, empty = cls().fit(X, y, groups=user), cls().blank(X)
        made[f"population, {name}"] = lambda m=population: Frozen(m)
        made[f"personal, {name}"] = lambda m=population: type(m).from_state(m.state())
        made[f"scratch, {name}"] = lambda m=empty: type(m).from_state(m.state())
        alone = cls(unlabelled=0.0).fit(X, y, groups=user)
        made[f"labels alone, {name}"] = lambda m=alone: type(m).from_state(m.state())
    first = StreamingGMM().fit(X, y, groups=user)
    made["offline logistic"] = lambda: OfflineLogistic(first.projection_)
    others = Frozen(OfflineLogistic(first.projection_).partial_fit(X, y))
    made["population, logistic"] = lambda: others
    return made


def accuracy(model: Any, X: np.ndarray, y: np.ndarray) -> float:
    return float((model.predict(X) == y).mean()) if len(model.classes_) else 0.0


def halves(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether a window may teach, and its number among those of its activity."""
    number = pd.Series(y).groupby(y).cumcount().to_numpy()
    return number < pd.Series(y).map(pd.Series(y).value_counts()).to_numpy() // 2, number


def one_user(X: np.ndarray, y: np.ndarray, user: np.ndarray, u: int) -> dict[str, Any]:
    """Figures of each model for one user: by labels of each activity, prequential, and bytes."""
    mine = user == u
    A, a = X[mine], y[mine]
    teach, number = halves(a)
    found: dict[str, Any] = {"labels": [int((teach & (number < k)).sum()) for k in LABELS], "models": {}}
    for name, start in starts(X[~mine], y[~mine], user[~mine]).items():
        later, size = [], 0
        for k in LABELS:
            model = start().partial_fit(A[teach], a[teach], labelled=number[teach] < k)
            later.append(accuracy(model, A[~teach], a[~teach]))
            size = max(size, model.state_bytes())
        passes = [
            accuracy_over_labels(start(), zip(A, a, strict=True), label_every=e).right.mean() for e in EVERY
        ]
        found["models"][name] = (later, passes, size)
    return found


def told(values: np.ndarray, sign: str = "") -> str:
    """Mean over users (U,) with its 95 % interval, users resampled."""
    draws = counts(np.random.default_rng(0), len(values), 4000).T @ values / len(values)
    low, high = percentiles(draws, len(values), 0.95)
    return f"{values.mean():{sign}.3f} [{low:{sign}.3f}, {high:{sign}.3f}]"


def table(found: list[dict[str, Any]], which: int, heads: list[str]) -> None:
    names = list(found[0]["models"])
    values = {name: np.array([f["models"][name][which] for f in found]) for name in names}
    print(f"{'':38s}" + "".join(f"{h:>25s}" for h in heads))
    for name in names:
        print(f"{name:38s}" + "".join(f"{told(v):>25s}" for v in values[name].T))
    for name in MODELS:
        for control in ("population", "labels alone", "scratch"):
            off = values[f"personal, {name}"] - values[f"{control}, {name}"]
            print(f"{f'personal - {control}, {name}':38s}" + "".join(f"{told(v, '+'):>25s}" for v in off.T))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--users", choices=("all", "seen", "unseen"), default="unseen")
    given = parser.parse_args()
    X, y, user = read(given.folder)
    chosen = {"all": range(1, 37), "seen": range(1, 13), "unseen": range(13, 37)}[given.users]
    started = time.perf_counter()
    found = [one_user(X, y, user, u) for u in chosen]
    print(f"{len(found)} users ({given.users}), {len(X)} windows, {time.perf_counter() - started:.0f} s")
    print("\nAccuracy on the later half of each activity, by labels of each activity (mean labels in all)")
    seen = np.array([f["labels"] for f in found]).mean(axis=0)
    table(found, 0, [f"{k} ({n:.1f})" for k, n in zip(LABELS, seen, strict=True)])
    print("\nPrequential accuracy, by how often a window is labelled")
    table(found, 1, ["never" if e == 0 else f"1 in {e}" for e in EVERY])
    print("\nLargest state, bytes (the offline model keeps its windows)")
    for name in found[0]["models"]:
        print(f"{name:38s}{max(f['models'][name][2] for f in found):8d}")


if __name__ == "__main__":
    main()
