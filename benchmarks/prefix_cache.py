"""The prefix cache: the same losses, at which price?

    python benchmarks/prefix_cache.py FOLDER_OF_THE_DATA WEIGHTS.safetensors [--images 300] [--epochs 12]

Fine-tunes the last block of a network (of MobileNetV2 the last convolution) on images of brain_mri_4class,
without augmentation and with one seed, once from kept activations and once with the frozen blocks run at
every step. Printed: the largest difference of the training losses, and CPU seconds of each. Limits: 1e-4,
and 3 times the speed.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

import medgraft as mg
from medgraft.methods.finetune import stages
from medgraft.methods.finetune.finetune import FineTune

FURTHEST, FASTER = 1e-4, 3.0


def main() -> int:
    parser = argparse.ArgumentParser(description="The prefix cache.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--epochs", type=int, default=12)
    given = parser.parse_args()
    cohort = mg.read(given.folder / "brain_mri_4class" / "Training")
    rows = np.random.default_rng(0).permutation(cohort.n)[: given.images]
    X, y = cohort.X.iloc[rows].reset_index(drop=True), cohort.y[rows]
    room = stages.room_for
    losses, seconds = [], []
    for kept in (True, False):
        stages.room_for = room if kept else lambda *_: (0, "")
        model = FineTune(
            mg.Pretrained(str(given.weights)),
            epochs=given.epochs,
            unfreeze=0.1,
            gradual=0.0,
            augmentation="none",
            validation=0.0,
        )
        if kept:  # libraries, and the frozen features of the head, which any other arm leaves in the cache
            model.set_params(epochs=0).fit(X, y)
            model.set_params(epochs=given.epochs).fit(X.iloc[:8], y[:8])
        start = time.process_time()
        model.fit(X, y)
        seconds.append(time.process_time() - start)
        losses.append(np.array(model.report_["loss_train"]))
        print(
            f"{'kept' if kept else 'run again':<10} {seconds[-1]:8.1f} CPU s  {losses[-1].round(4).tolist()}"
        )
    apart, ratio = float(np.abs(losses[0] - losses[1]).max()), seconds[1] / seconds[0]
    print(f"losses differ by at most {apart:.1e}; {ratio:.1f} times as fast")
    return int(apart > FURTHEST or ratio < FASTER)


if __name__ == "__main__":
    sys.exit(main())
