"""Do age, sex and site help an image, joined early, late or in a cascade, when many patients lack them?

    python benchmarks/multimodal.py FOLDER_HAM10000 FOLDER_WEIGHTS [REPEATS]

Dermatoscopic images of seven diagnoses, one a lesion (HAM10000, doi:10.7910/DVN/DBW86T), MobileNetV2's
features of the image and the table of age, sex and localization, in five folds that keep lesions whole. The
whole table is missing completely at random for 0 %, 30 % or 60 % of lesions, in training and in test alike.
Every arm ends in the same learner; differences are paired with the image alone, with 95 % intervals over
lesions. The image reads no table, so it is the same in all three settings; the others are 15 comparisons, of
which nearly one in each column may stand out by chance.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import medgraft as mg
from medgraft.cohort import kfold_splits
from medgraft.evidence import compare, interval
from medgraft.evidence.metrics import metrics
from medgraft.methods.ensemble.soft_voting import SoftVoting
from medgraft.methods.ensemble.stacking import Stacking
from medgraft.methods.finetune.fusion import Fusion
from medgraft.methods.multimodal.cascade import Cascade

CLINICAL = ("age", "sex", "localization")
MISSING = (0.0, 0.3, 0.6)
SHOWN = ("auroc", "balanced_accuracy")


def arms(network: str) -> dict[str, Any]:
    """Estimators by name; the first is what the others are compared with."""

    def fusion(parts: str) -> Fusion:
        return Fusion([network], columns=CLINICAL, parts=parts)

    single = {"image": fusion("image"), "table": fusion("clinical")}
    return {
        "image alone": single["image"],
        "table alone": single["table"],
        "fusion": fusion("all"),
        "soft voting": SoftVoting(single),
        "stacking": Stacking(single),
        "cascade": Cascade([network], columns=CLINICAL),
    }


def predicted(model: Any, X: pd.DataFrame, cohort: mg.Cohort, splits: list[Any]) -> np.ndarray:
    """Probabilities (n, K) of rows that were held out."""
    p = np.zeros((cohort.n, len(cohort.classes or ())))
    for split in splits:
        taught = split.labelled
        model.fit(X.iloc[taught], cohort.y[taught], groups=cohort.groups[taught])
        p[split.test] = model.predict_proba(X.iloc[split.test])
    return p


def main(data: Path, weights: Path, repeats: int = 1) -> None:
    cohort = mg.read(
        data / "metadata.csv", label="dx", group="lesion_id", image="image_id", features=list(CLINICAL)
    )
    splits: dict[int, list[Any]] = {}
    for split in kfold_splits(cohort, folds=5, repeats=repeats, seed=0):
        splits.setdefault(split.repeat, []).append(split)
    fold = np.zeros((repeats, cohort.n), dtype=int)
    for r, own in splits.items():
        for split in own:
            fold[r, split.test] = split.fold
    where = {
        "group": np.tile(cohort.groups, repeats),
        "repeat": np.repeat(np.arange(repeats), cohort.n),
        "fold": fold.ravel(),
    }
    y, made = np.tile(cohort.y, repeats), arms(str(weights / "mobilenetv2_100.safetensors"))
    first: np.ndarray | None = None
    print(f"{cohort.n} images, {repeats} x 5 folds: macro AUROC and balanced accuracy, less the image alone")
    for share in MISSING:
        for name, model in made.items():
            if name == "image alone" and first is not None:
                continue  # it reads no table
            start, p = time.process_time(), []
            for r in range(repeats):
                lot = np.random.default_rng([r, 5]).random(cohort.groups.max() + 1)[cohort.groups]
                X = cohort.inputs.copy()
                X.loc[lot < share, list(CLINICAL)] = None
                p.append(predicted(model, X, cohort, splits[r]))
            joined = np.concatenate(p)
            spent = time.process_time() - start
            first = joined if first is None else first
            said = f"{share:4.0%}  {name:<12}"
            for metric in (metrics[m] for m in SHOWN):
                i = interval(metric, y, joined, **where, seed=0)
                said += f"  {i.value:.3f} [{i.lo:.3f}, {i.hi:.3f}]"
                if joined is not first:
                    c = compare(metric, y, joined, first, **where, seed=0)
                    said += f" {c.difference:+.3f} [{c.lo:+.3f}, {c.hi:+.3f}]"
                else:
                    said += " " * 24
            print(f"{said}  {spent:6.1f} s", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:]))
