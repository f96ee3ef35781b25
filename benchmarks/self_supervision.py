"""Do images without labels help a network, before it is taught on few with labels?

    python benchmarks/self_supervision.py FOLDER_OF_THE_DATA WEIGHTS.safetensors [--images 400] [--repeats 3]

FOLDER holds brain_mri_4class (public, four classes). `--images` of its training images are there, and 5 or
20 of each class have a label; all its test images are tested. The same fine-tuning (12 epochs of the upper
40 % of the blocks) runs as it is, after learning to tell rotations, and after SimCLR, both on all those
images without their labels, 3 epochs; each with its frozen head alone (`epochs=0`), too. `--repeats` draws
the labels and all seeds anew. Printed: accuracy, its difference from plain fine-tuning, and the expected
calibration error.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

import medgraft as mg
from medgraft.evidence import compare
from medgraft.trial import Trial

BASE = "finetune:unfreeze=0.4,views=1,validation=0"
STAGES = {
    "": "",
    "rotation": ",pretext=rotation,pretext_epochs=3",
    "simclr": ",pretext=simclr,pretext_epochs=3",
}


def calibration_error(p: np.ndarray, y: np.ndarray, bins: int = 10) -> float:
    """Expected calibration error of the most probable class."""
    sure, right = p.max(axis=1), p.argmax(axis=1) == y
    at = np.minimum((sure * bins).astype(int), bins - 1)
    gaps = [abs(sure[at == b].sum() - right[at == b].sum()) for b in range(bins)]
    return float(sum(gaps) / len(y))


def main() -> None:
    parser = argparse.ArgumentParser(description="Self-supervision before fine-tuning.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--images", type=int, default=400)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    data = given.folder / "brain_mri_4class"
    whole, test = mg.read(data / "Training"), mg.read(data / "Testing")
    rng = np.random.default_rng(0)
    cohort = whole.select(np.sort(rng.permutation(whole.n)[: given.images]))
    arms = [f"{BASE}{stage}{head}" for head in (",epochs=0", ",epochs=12") for stage in STAGES.values()]
    with tempfile.TemporaryDirectory() as out:
        trial = Trial(
            cohort,
            arms,
            source=mg.Pretrained(str(given.weights)),
            test=test,
            labels_per_class=[5, 20],
            repeats=given.repeats,
            metric="accuracy",
        )
        result = trial.run(Path(out) / "run", progress=True)
    frame = result.predictions
    columns = [c for c in frame.columns if c.startswith("p_")]
    for budget in (5, 20):
        print(f"\n{budget} labels a class, {test.n} test images, {given.repeats} repeats")
        part = frame[frame["budget"] == budget].sort_values(["arm", "repeat", "row"])
        plain = part[part["arm"] == arms[3]]
        y, group, repeat = (plain[c].to_numpy() for c in ("y_true", "row", "repeat"))
        for name in arms:
            p = part[part["arm"] == name][columns].to_numpy()
            found = compare("accuracy", y, p, plain[columns].to_numpy(), group=group, repeat=repeat)
            accuracy = (p.argmax(axis=1) == y).mean()
            low, high = found.lo, found.hi
            told = f"{accuracy:.3f}  {found.difference:+.3f} [{low:+.3f}, {high:+.3f}]"
            print(f"{name:<80} {told}  ECE {calibration_error(p, y):.3f}", flush=True)


if __name__ == "__main__":
    main()
