"""How well scores of frozen features foretell which network a linear probe does best on.

    python benchmarks/source_ranking.py FOLDER_DATA FOLDER_WEIGHTS

FOLDER_DATA holds the image sets named in `SETS` (those that are absent are left out), FOLDER_WEIGHTS holds
mobilenetv2_100.safetensors and squeezenet1_1.safetensors, and cifar10_resnet20.safetensors if this version
reads it. At most 300 images of each set, classes evenly. Sources: both networks with their weights, with
random ones, and cut after earlier blocks; the first one on grey images; and 32 x 32 raw pixels.

Five folds that keep patients whole: on four the scores are computed and the probe is fitted, on the fifth its
accuracy is taken, twice with other folds. Printed is, for each set, Kendall's tau between a score (averaged
over folds) and the accuracy over sources, weighted so that the top counts most, and what is lost by taking
the source that the score puts first. Features are kept, so that a second run is quicker.
What it printed last: LogME and N-LEEP come first, with little between them; H-score and TransRate follow the
number of features, of which these sources have 24 to 3072.
"""

from __future__ import annotations

import hashlib
import re
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from scipy.stats import weightedtau
from sklearn.model_selection import StratifiedGroupKFold

import medgraft as mg
from medgraft.base import MedgraftError
from medgraft.methods.finetune.head import one_thread, scaling
from medgraft.methods.finetune.images import copies
from medgraft.methods.fit_learner import fit_learner
from medgraft.sources.forward import features_of
from medgraft.sources.rank import scores
from medgraft.sources.rank.gbc import gbc
from medgraft.sources.rank.trans_rate import trans_rate
from medgraft.sources.store import FeatureStore, content_key

MOST = 300  # images of a set
FOLDS, REPEATS = 5, 2
DRAWS = 500
# LEEP is left out: only one source has its classifier.
SCORES: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    **{name: scores[name] for name in ("logme", "hscore", "transrate", "gbc", "nleep")},
    "tr (kept)": partial(trans_rate, class_means="kept"),
    "gbc (diag)": partial(gbc, covariance="diagonal"),
}

Images = tuple[list[str], np.ndarray, np.ndarray]


def class_folders(folder: Path) -> Images:
    """Every class folder's files; a number before _left or _right is a patient."""
    found = [p for p in sorted(folder.rglob("*")) if p.suffix.lower() in (".jpg", ".jpeg", ".png")]
    people = [re.match(r"(\d+)_(?:left|right)", p.name) for p in found]
    groups = [f"p{m[1]}" if m else f"file{i}" for i, m in enumerate(people)]
    return [str(p) for p in found], np.array([p.parent.name for p in found]), np.array(groups)


def listed(file: str, path: str, label: str, group: str | None) -> Callable[[Path], Images]:
    """Images listed in a table: how a path is written, and the columns of label and patient."""

    def find(folder: Path) -> Images:
        table = pd.read_csv(folder / file)
        paths = [str(folder / path.format(**row)) for row in table.to_dict("records")]
        groups = table[group].astype(str).to_numpy() if group else np.array(copies(paths))
        return paths, table[label].to_numpy(), groups

    return find


SETS: dict[str, Callable[[Path], Images]] = {
    "brain_mri_4class": lambda folder: class_folders(folder / "Training"),
    "eye_fundus_4class": class_folders,
    "cxr_pneumonia_kermany": listed("manifest.csv", "{file}", "label", None),
    "ham10000": listed("metadata.csv", "images/{image_id}.jpg", "dx", "lesion_id"),
    "mammogram_mias": listed("manifest.csv", "{file}", "label", "patient"),
}


def some(images: Images, seed: int = 0) -> Images:
    """At most `MOST` images, the same number of each class."""
    paths, y, groups = images
    rng = np.random.default_rng(seed)
    each = MOST // len(np.unique(y))
    rows = np.concatenate([rng.permutation(np.flatnonzero(y == c))[:each] for c in np.unique(y)])
    return [paths[i] for i in rows], y[rows], groups[rows]


def through(spec: str, cuts: list[int], paths: list[str], **how: object) -> list[np.ndarray]:
    """Mean activations after some blocks, and the features, in one pass."""
    channels = int(how.pop("channels", 3))  # type: ignore[call-overload]
    backbone = mg.Pretrained(spec, channels=channels).load(**how)  # type: ignore[arg-type]
    trunk, widths = backbone.module, []

    def run(batch):  # type: ignore[no-untyped-def]
        import torch

        h, out = trunk.normalise(batch), []
        for block in range(len(trunk.blocks)):
            for module in trunk.block_modules(block):
                h = module(h)
            if block + 1 in cuts:
                out.append(h.mean(dim=(2, 3)))
        out.append(h.flatten(1))
        widths[:] = [part.shape[1] for part in out]
        return torch.cat(out, dim=1)

    def compute(places, tell):  # type: ignore[no-untyped-def]
        return features_of([paths[i] for i in places], backbone.preprocess, run, progress=tell)

    key = hashlib.sha256(f"{backbone.fingerprint} cuts {cuts}".encode()).hexdigest()
    if not widths:
        features_of(paths[:1], backbone.preprocess, run)
    rows = FeatureStore().rows(key, [content_key(p) for p in paths], None, compute, told(Path(spec).name))
    return np.split(rows, np.cumsum(widths)[:-1], axis=1)


def pixels(path: str) -> np.ndarray:
    with Image.open(path) as image:
        small = image.convert("RGB").resize((32, 32), Image.Resampling.BILINEAR)
    return np.asarray(small, dtype=np.float32).ravel() / 255


def features(weights: Path, paths: list[str]) -> dict[str, np.ndarray]:
    """The features of every source."""
    found = {"raw pixels": np.stack([pixels(p) for p in paths])}
    for short, file, cuts in (
        ("mobilenet", "mobilenetv2_100", [3, 6]),
        ("squeezenet", "squeezenet1_1", [3, 6]),
    ):
        spec = str(weights / f"{file}.safetensors")
        parts = through(spec, cuts, paths)
        names = [f"{short} cut at {c}" for c in cuts] + [short]
        found |= dict(zip(names, parts, strict=True))
        found[f"{short} random"] = through(spec, [], paths, pretrained=False)[0]
    found["mobilenet grey"] = through(str(weights / "mobilenetv2_100.safetensors"), [], paths, channels=1)[0]
    try:
        found["cifar resnet20"] = through(str(weights / "cifar10_resnet20.safetensors"), [], paths)[0]
    except MedgraftError as error:
        sys.stderr.write(f"without cifar10_resnet20: {error}\n")
    return {name: F.astype(np.float64) for name, F in found.items()}


def probe(F: np.ndarray, y: np.ndarray, units: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Which held-out images the default linear learner gets right."""
    mean, scale = scaling(F[train], np.ones(len(train)))
    Z = (F - mean) / scale
    learner = fit_learner(
        None,
        Z[train],
        y[train],
        weight=np.ones(len(train)),
        units=units[train],
        task="classification",
        random_state=0,
    )
    return np.asarray(learner.predict(Z[test]) == y[test], dtype=float)


def judge(
    found: dict[str, np.ndarray], y: np.ndarray, units: np.ndarray
) -> tuple[pd.DataFrame, np.ndarray, dict[str, float]]:
    """Every source's mean scores; which images it got right in each repeat; the CPU seconds of all."""
    spent = dict.fromkeys(["probe", *SCORES], 0.0)
    rows: dict[str, dict[str, float]] = {}
    right = np.zeros((REPEATS, len(found), len(y)))
    for k, (name, F) in enumerate(found.items()):
        told("scores and probes")(k + 1, len(found))
        row = dict.fromkeys(SCORES, 0.0)
        for r in range(REPEATS):
            folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=r).split(y, y, units)
            for train, test in folds:
                start = time.process_time()
                right[r, k, test] = probe(F, y, units, train, test)
                spent["probe"] += time.process_time() - start
                for score, function in SCORES.items():
                    start = time.process_time()
                    row[score] += function(F[train], y[train]) / (FOLDS * REPEATS)
                    spent[score] += time.process_time() - start
        rows[name] = row
    return pd.DataFrame(rows).T, right, spent


def tau(score: np.ndarray, accuracy: np.ndarray) -> float:
    return float(weightedtau(score, accuracy).statistic)


def drawn(right: np.ndarray, units: np.ndarray, seed: int = 0) -> np.ndarray:
    """Accuracies (draws, sources) of patients drawn with replacement, for models that stay the same."""
    counts = np.random.default_rng(seed).multinomial(
        units.max() + 1, np.full(units.max() + 1, 1 / (units.max() + 1)), size=DRAWS
    )
    weight = counts[:, units].astype(float)
    return (weight @ right.mean(axis=0).T) / weight.sum(axis=1, keepdims=True)


def told(what: str) -> Callable[[int, int], None]:
    def tell(done: int, total: int) -> None:
        if done == total or done % 20 == 0:
            sys.stderr.write(f"\r{what}: {done} of {total}" + ("\n" if done == total else ""))
            sys.stderr.flush()

    return tell


def main(data: str, weights: str) -> None:
    taus, draws, lost, seconds = {}, {}, {}, []
    for name, find in SETS.items():
        if not (Path(data) / name).is_dir():
            sys.stderr.write(f"without {name}: it is not there\n")
            continue
        start = time.process_time()
        paths, labels, groups = some(find(Path(data) / name))
        y, units = (np.unique(v, return_inverse=True)[1] for v in (labels, groups))
        found = features(Path(weights), paths)
        took = time.process_time() - start
        with one_thread():
            table, right, spent = judge(found, y, units)
        accuracy = right.mean(axis=(0, 2))
        table.insert(0, "accuracy", accuracy)
        table.insert(0, "features", [F.shape[1] for F in found.values()])
        print(f"\n{name}: {len(y)} images, {units.max() + 1} patients, {y.max() + 1} classes")
        print(table.sort_values("accuracy", ascending=False).round(3).to_string(), flush=True)
        halves = [right[r].mean(axis=1) for r in range(REPEATS)]
        taus[name] = {s: tau(table[s].to_numpy(), accuracy) for s in SCORES} | {"other folds": tau(*halves)}
        draws[name] = {s: [tau(table[s].to_numpy(), a) for a in drawn(right, units)] for s in SCORES}
        lost[name] = {s: accuracy.max() - accuracy[table[s].to_numpy().argmax()] for s in SCORES}
        seconds.append({"features": took, **spent})
    print("\nweighted Kendall tau; 'other folds' is that of the accuracy itself, measured twice")
    print(with_mean(taus))
    print("\n95 % intervals of the means over these sets, patients drawn anew in each")
    for s in SCORES:
        low, high = np.quantile(np.mean([d[s] for d in draws.values()], axis=0), [0.025, 0.975])
        print(f"{s:12s} {low:.2f} to {high:.2f}")
    print(f"\naccuracy lost by its first choice\n{with_mean(lost)}")
    print(f"\nCPU seconds, all sets\n{pd.DataFrame(seconds).sum().round(1).to_string()}")


def with_mean(values: dict[str, dict[str, float]]) -> str:
    made = pd.DataFrame(values).T
    made.loc["mean"] = made.mean()
    return made.round(3).to_string()


if __name__ == "__main__":
    main(*sys.argv[1:3])
