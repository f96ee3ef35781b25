"""Does fusion help on skin lesions? Two networks, radiomics, and age, sex and site, alone and together.

    python benchmarks/fusion.py FOLDER_HAM10000 FOLDER_WEIGHTS [IMAGES A CLASS]

Dermatoscopic images of seven diagnoses, one a lesion (HAM10000, doi:10.7910/DVN/DBW86T), 40 a class, in five
folds that keep lesions whole. Every arm is the same learner on the same images; differences of accuracy are
paired with the first network's, with 95 % intervals over lesions. Features are kept, so that a second run is
quicker.

What it printed last: both networks together are better than the first one; radiomics adds nothing to them,
and what age, sex and site add to the first one cannot be told from nothing on so few images.

    280 images                                 accuracy                difference           macro AUROC
    MobileNetV2                    0.496 [0.438, 0.555]                            0.834 [0.799, 0.864]
    SqueezeNet                     0.564 [0.505, 0.622]   +0.068 [+0.007, +0.129]  0.865 [0.835, 0.890]
    radiomics                      0.443 [0.385, 0.502]   -0.054 [-0.121, +0.014]  0.801 [0.767, 0.832]
    age, sex, site                 0.332 [0.280, 0.389]   -0.164 [-0.243, -0.089]  0.715 [0.678, 0.749]
    both networks                  0.614 [0.554, 0.671]   +0.118 [+0.071, +0.168]  0.877 [0.846, 0.902]
    both networks, radiomics       0.604 [0.544, 0.661]   +0.107 [+0.057, +0.161]  0.870 [0.836, 0.898]
    MobileNetV2, age, sex, site    0.511 [0.452, 0.569]   +0.014 [-0.029, +0.057]  0.847 [0.815, 0.874]
    all                            0.636 [0.576, 0.692]   +0.139 [+0.082, +0.200]  0.878 [0.845, 0.904]
    all, PCA                       0.629 [0.568, 0.685]   +0.132 [+0.079, +0.189]  0.876 [0.843, 0.902]
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

import medgraft as mg
from medgraft.cohort import kfold_splits
from medgraft.evidence import compare, interval
from medgraft.evidence.metrics import metrics
from medgraft.methods.finetune.fusion import Fusion
from medgraft.methods.prepare.pca import PrincipalComponents

NETWORKS = ("mobilenetv2_100", "squeezenet1_1")
CLINICAL = ("age", "sex", "localization")
ARMS = {
    "MobileNetV2": "mobilenetv2_100",
    "SqueezeNet": "squeezenet1_1",
    "radiomics": "radiomics",
    "age, sex, site": "clinical",
    "both networks": "mobilenetv2_100/squeezenet1_1",
    "both networks, radiomics": "mobilenetv2_100/squeezenet1_1/radiomics",
    "MobileNetV2, age, sex, site": "mobilenetv2_100/clinical",
    "all": "all",
    "all, PCA": "all",
}


def main(data: Path, weights: Path, per_class: int = 40) -> None:
    cohort = mg.read(
        data / "metadata.csv", label="dx", group="lesion_id", image="image_id", features=list(CLINICAL)
    )
    rng = np.random.default_rng(0)
    rows = [rng.permutation(np.flatnonzero(cohort.y == k))[:per_class] for k in np.unique(cohort.y)]
    cohort = cohort.select(np.sort(np.concatenate(rows)))
    sources = [*(str(weights / f"{name}.safetensors") for name in NETWORKS), "radiomics:region=otsu"]
    X, y = cohort.inputs, cohort.y
    splits = list(kfold_splits(cohort, folds=5, repeats=1, seed=0))
    print(f"{cohort.n} images\n{'':<29}{'accuracy':>22}{'difference':>26}{'macro AUROC':>22}{'CPU s':>7}")
    first = None
    for name, parts in ARMS.items():
        start = time.process_time()
        p, fold = np.zeros((cohort.n, len(cohort.classes or ()))), np.zeros(cohort.n, dtype=int)
        for f, split in enumerate(splits):
            step = PrincipalComponents(random_state=0) if name.endswith("PCA") else None
            model = Fusion(sources, columns=CLINICAL, parts=parts, estimator=step)
            model.fit(X.iloc[split.labelled], y[split.labelled], groups=cohort.groups[split.labelled])
            p[split.test] = model.predict_proba(X.iloc[split.test])
            fold[split.test] = f
        spent = time.process_time() - start
        where = {"group": cohort.groups, "repeat": np.zeros(cohort.n, dtype=int), "fold": fold}
        shown = [interval(metrics[m], y, p, **where, seed=0) for m in ("accuracy", "auroc")]
        spans = [f"{i.value:.3f} [{i.lo:.3f}, {i.hi:.3f}]" for i in shown]
        first = p if first is None else first
        c = compare(metrics["accuracy"], y, p, first, **where, seed=0)
        difference = f"{c.difference:+.3f} [{c.lo:+.3f}, {c.hi:+.3f}]" if p is not first else ""
        print(f"{name:<29}{spans[0]:>22}{difference:>26}{spans[1]:>22}{spent:>7.1f}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:]))
