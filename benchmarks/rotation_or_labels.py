"""Rotation or labels, from random or pretrained weights: accuracy and calibration (Sambyal et al. 2023).

    python benchmarks/rotation_or_labels.py DATA WEIGHTS.safetensors OUT [--images 240] [--repeats 3]

DATA holds brain_mri_4class (public, four classes); `--images` of its training images teach, all with their
label, and all its test images are tested. Ways to the features: random or pretrained weights, after four
epochs with labels, or after two without (rotation, in four orientations), and the pretrained ones as they
are. A linear head is fitted to them with all labels. `--repeats` draws images and seeds anew. Printed after
each: accuracy and calibration error, and their differences from the supervised network of the same weights.
What OUT holds already is not run again.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

import medgraft as mg
from medgraft.trial import Trial
from pooled import rows_of, run, table

ROTATED = "pretext=rotation,pretext_epochs=2,epochs=0,validation=0"
RANDOM = ["scratch:epochs=4,validation=0", f"scratch:{ROTATED}"]
KNOWING = ["finetune:epochs=4,validation=0,views=1", "finetune:epochs=0,validation=0", f"finetune:{ROTATED}"]


def main() -> None:
    parser = argparse.ArgumentParser(description="Rotation or labels.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--images", type=int, default=240)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    data = given.folder / "brain_mri_4class"
    whole, test = mg.read(data / "Training"), mg.read(data / "Testing")
    found: list[pd.DataFrame] = []
    for repeat in range(given.repeats):
        drawn = np.sort(np.random.default_rng(repeat).permutation(whole.n)[: given.images])
        source = mg.Pretrained(str(given.weights))
        trial = Trial(
            whole.select(drawn), RANDOM + KNOWING, source=source, test=test, seed=repeat, metric="accuracy"
        )
        result = run(trial, given.out / f"repeat{repeat}")
        found.append(rows_of(result, trial.design.data.X["image"].to_numpy(), repeat))
        frame = pd.concat(found)
        for arms in (RANDOM, KNOWING):
            print(table(frame[frame["arm"].isin(arms)], arms[0]), flush=True)


if __name__ == "__main__":
    main()
