"""Do age, sex and site help an image, joined early, late or in a cascade, when many patients lack them?

    python benchmarks/multimodal.py FOLDER_HAM10000 FOLDER_WEIGHTS [REPEATS]

Dermatoscopic images of seven diagnoses, one a lesion (HAM10000, doi:10.7910/DVN/DBW86T), MobileNetV2's
features of the image and the table of age, sex and localization, in five folds that keep lesions whole. The
whole table is missing completely at random for 0 %, 30 % or 60 % of lesions, in training and in test alike.
Every arm ends in the same learner; differences are paired with the image alone, with 95 % intervals over
lesions. The image reads no table, so it is the same in all three settings; the others are 15 comparisons, of
which nearly one in each column may stand out by chance.

What it printed last, without CPU seconds (77 in all, of which 25 for features that are kept). Where nobody
lacks the table, `fusion` and `stacking` help the image in both metrics, soft voting in balanced accuracy
alone, and the cascade hardly. Where 30 % lack it, `stacking` still helps the AUROC and `fusion` the
balanced accuracy. Where 60 % lack it, no way of joining can be told from the image alone. One draw of who
lacks the table.

                 macro AUROC           difference               balanced accuracy     difference
   0% image alone   0.866 [0.846, 0.883]                          0.535 [0.495, 0.575]
   0% table alone   0.723 [0.699, 0.746] -0.142 [-0.171, -0.115]  0.323 [0.288, 0.361] -0.212 [-0.265, -0.158]
   0% fusion        0.881 [0.862, 0.897] +0.015 [+0.006, +0.024]  0.579 [0.539, 0.618] +0.044 [+0.013, +0.076]
   0% soft voting   0.869 [0.850, 0.886] +0.003 [-0.007, +0.014]  0.571 [0.530, 0.612] +0.036 [+0.008, +0.068]
   0% stacking      0.883 [0.865, 0.898] +0.017 [+0.008, +0.027]  0.571 [0.530, 0.610] +0.036 [+0.006, +0.067]
   0% cascade       0.876 [0.857, 0.893] +0.010 [+0.000, +0.022]  0.548 [0.508, 0.588] +0.013 [-0.011, +0.038]
  30% table alone   0.672 [0.647, 0.697] -0.193 [-0.222, -0.162]  0.260 [0.225, 0.299] -0.275 [-0.329, -0.220]
  30% fusion        0.873 [0.854, 0.890] +0.008 [-0.000, +0.016]  0.573 [0.532, 0.613] +0.038 [+0.007, +0.069]
  30% soft voting   0.860 [0.840, 0.878] -0.005 [-0.014, +0.004]  0.554 [0.513, 0.593] +0.018 [-0.005, +0.043]
  30% stacking      0.877 [0.858, 0.893] +0.011 [+0.004, +0.020]  0.555 [0.515, 0.595] +0.020 [-0.009, +0.051]
  30% cascade       0.868 [0.847, 0.886] +0.002 [-0.008, +0.012]  0.544 [0.504, 0.584] +0.009 [-0.015, +0.033]
  60% table alone   0.568 [0.543, 0.593] -0.297 [-0.329, -0.267]  0.176 [0.152, 0.203] -0.360 [-0.406, -0.311]
  60% fusion        0.866 [0.847, 0.884] +0.001 [-0.005, +0.007]  0.557 [0.517, 0.596] +0.022 [-0.002, +0.048]
  60% soft voting   0.861 [0.840, 0.880] -0.005 [-0.011, +0.002]  0.548 [0.508, 0.588] +0.013 [-0.002, +0.029]
  60% stacking      0.866 [0.846, 0.883] -0.000 [-0.008, +0.008]  0.536 [0.496, 0.575] +0.001 [-0.026, +0.027]
  60% cascade       0.862 [0.841, 0.881] -0.004 [-0.013, +0.005]  0.530 [0.490, 0.570] -0.005 [-0.029, +0.018]
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
    where: dict[str, Any] = {
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
            said = f"{share:4.0%} {name:<12}"
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
