"""Do maps show what a network looks at? Deletion against random deletion, and maps of a network that forgot.

    python benchmarks/explanation_faithfulness.py BRAIN_MRI HAM10000 WEIGHTS [IMAGES] [SIDE] [METHODS]

Two networks (MobileNetV2, fine-tuned for 10 epochs): brain tumours in MRI (four classes, 200 training images,
whose patients nobody named: each image counts as one), and dermatoscopic lesions (HAM10000,
doi:10.7910/DVN/DBW86T, 30 a class, one test image a lesion). For each method of maps
it prints, over 60 test images:

- the area under the deletion curve, against random order of the same cells, with the 95 % interval of the
  paired difference (lower is better), and the same for insertion (higher is better);
- the mean rank correlation of a map with itself after the head, and all of the network, was randomised, over
  the first ten images.

Integrated gradients cost more than all else together; METHODS (``grad-cam,occlusion``) leaves methods out.

What it printed last, at 128 pixels and without integrated gradients: occlusion beats random deletion on both
data sets. Grad-CAM and Grad-CAM++ (maps of 4 x 4 places here) beat random order by insertion in the brain, by
deletion in neither, and nothing can be told of them in the skin. Where the whole network forgot, no map is
like the one before (Grad-CAM++ in the brain is turned round); where its head alone did, Grad-CAM and
occlusion are lost, but not Grad-CAM++, which hardly asks the head.

    brain MRI: 200 training images, 60 test images, accuracy 0.67
                       deletion random              difference insertion random              difference
    grad-cam              0.461  0.496  -0.035 [-0.084, +0.012]    0.705  0.503  +0.203 [+0.162, +0.244]
    grad-cam++            0.464  0.496  -0.032 [-0.080, +0.016]    0.697  0.503  +0.194 [+0.149, +0.238]
    occlusion             0.372  0.496  -0.124 [-0.167, -0.083]    0.732  0.503  +0.229 [+0.185, +0.269]
    correlation after          head  halfway      all
    grad-cam                   0.11    -0.12    -0.11
    grad-cam++                 0.96    -0.47    -0.43
    occlusion                  0.23     0.01     0.06

    skin lesions: 210 training images, 60 test images, accuracy 0.48
                       deletion random              difference insertion random              difference
    grad-cam              0.324  0.339  -0.015 [-0.046, +0.014]    0.359  0.336  +0.023 [-0.009, +0.058]
    grad-cam++            0.337  0.339  -0.002 [-0.034, +0.028]    0.361  0.336  +0.025 [-0.008, +0.059]
    occlusion             0.308  0.339  -0.031 [-0.054, -0.007]    0.367  0.336  +0.031 [-0.003, +0.067]
    correlation after          head  halfway      all
    grad-cam                   0.24    -0.12     0.03
    grad-cam++                 0.96    -0.29    -0.02
    occlusion                  0.08     0.12     0.05
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

import medgraft as mg
from medgraft.methods.explain import attribute, deletion, randomise
from medgraft.methods.finetune.finetune import FineTune
from medgraft.sources import Pretrained

METHODS = ("grad-cam", "grad-cam++", "integrated-gradients", "occlusion")
SANE = 10  # images whose maps are made again with a randomised network


def main(brain: Path, skin: Path, weights: str, images: int, side: int, methods: list[str]) -> None:
    torch.set_num_threads(1)
    source = Pretrained(weights, size=side)
    rng = np.random.default_rng(0)

    train, test = mg.read(brain / "Training"), mg.read(brain / "Testing")
    judge("brain MRI", source, _some(train, rng, 200), _some(test, rng, images), methods)

    lesions = mg.read(skin / "metadata.csv", label="dx", group="lesion_id", image="image_id", features=[])
    rows = [rng.permutation(np.flatnonzero(lesions.y == k)) for k in np.unique(lesions.y)]
    teach, rest = np.concatenate([r[:30] for r in rows]), np.concatenate([r[30:] for r in rows])
    rest = rest[~np.isin(lesions.groups[rest], lesions.groups[teach])]
    rest = rng.permutation(rest[np.unique(lesions.groups[rest], return_index=True)[1]])[:images]
    judge("skin lesions", source, lesions.select(np.sort(teach)), lesions.select(np.sort(rest)), methods)


def judge(name: str, source: Pretrained, train: Any, test: Any, methods: list[str]) -> None:
    start = time.process_time()
    model = FineTune(source, epochs=10, device="cpu", random_state=0)
    model.fit(train.X, train.y, groups=train.groups)
    classes = {c: k for k, c in enumerate(train.classes)}
    truth = np.array([classes[test.classes[y]] for y in test.y])
    right = float((model.predict(test.X) == truth).mean())
    print(f"\n{name}: {train.n} training images, {test.n} test images, accuracy {right:.2f}", flush=True)
    paths = [str(path) for path in test.X["image"]]
    maps = {method: attribute(model, paths, method=method) for method in methods}
    found = deletion(model, paths, maps, group=test.groups)
    print(
        f"{'':22}{'deletion':>9}{'random':>8}{'difference':>26}{'insertion':>11}{'random':>8}{'difference':>26}"
    )
    for method, one in found.items():
        said = one.to_dict()
        print(
            f"{method:22}{said['deletion_area']:9.3f}{said['random_deletion_area']:8.3f}{_span(one.deletion):>26}"
            f"{said['insertion_area']:11.3f}{said['random_insertion_area']:8.3f}{_span(one.insertion):>26}",
            flush=True,
        )
    if "integrated-gradients" in maps:
        errors = [m.facts["completeness_error"] for m in maps["integrated-gradients"]]
        print(f"completeness error: median {np.median(errors):.3f}, worst {max(errors):.3f}")
    print(f"{'correlation after':22}{'head':>9}{'halfway':>9}{'all':>9}")
    for method in methods:
        sane = randomise(model, paths[:SANE], method=method, most=3)
        print(f"{method:22}" + "".join(f"{c.mean():9.2f}" for c in sane.correlation), flush=True)
    print(f"{time.process_time() - start:.0f} CPU s", flush=True)


def _some(cohort: Any, rng: np.random.Generator, count: int) -> Any:
    """Return some rows, as many of each class."""
    rows = [rng.permutation(np.flatnonzero(cohort.y == k)) for k in np.unique(cohort.y)]
    return cohort.select(np.sort(np.concatenate([r[: count // len(rows)] for r in rows])))


def _span(c: Any) -> str:
    return f"{c.difference:+.3f} [{c.lo:+.3f}, {c.hi:+.3f}]"


if __name__ == "__main__":
    images, side = (int(a) for a in (*sys.argv[4:6], *("60", "224")[len(sys.argv[4:6]) :]))
    chosen = sys.argv[6].split(",") if len(sys.argv) > 6 else list(METHODS)
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], images, side, chosen)
