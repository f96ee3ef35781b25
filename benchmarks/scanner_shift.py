"""Another scanner, no label: which adaptation helps a network that was taught on the first one?

    python benchmarks/scanner_shift.py DATA WEIGHTS.safetensors OUT [--images 200] [--repeats 5]

DATA holds brain_mri_4class (public, four classes). Half of the images are left as they are and labelled;
the other half go through a generated scanner: gamma 1.8, a Gaussian blur of 1.5 pixels, noise of 5 % of the
range, and a field of view that is 15 % wider (all of this times `--strength`). Two folds of it are tested in
turn, unlabelled; `--repeats` draws images, folds and seeds anew. The control is `source-only`: a linear
learner on frozen features. `deep-coral` without strength is fine-tuning on the source alone: the same
training, blind to the target.
Printed after each repeat: accuracy and calibration error, differences from the control, and what `guarded`
chose. What OUT holds already is not run again.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageFilter

import medgraft as mg
from medgraft.trial import Trial
from pooled import rows_of, run, table

GAMMA, BLUR, NOISE, VIEW = 1.8, 1.5, 0.05, 0.15
TRAINED = "epochs=5,unfreeze=0.2,views=1,augmentation=none"
ADAPTED = ("dann", "cdan", "deep-coral", "dan", "mcc", "shot", "tent")
ARMS = ["source-only", "coral", "adaptive-batchnorm", f"deep-coral:strength=0,{TRAINED}"]
ARMS += [f"{name}:{TRAINED}" for name in ADAPTED]


def rescan(image: Image.Image, rng: np.random.Generator, strength: float) -> Image.Image:
    """Pass an image through the other scanner."""
    view, blur, noise = (strength * x for x in (VIEW, BLUR, NOISE))
    grey = image.convert("L")
    width, height = grey.size
    wide = Image.new("L", (round(width * (1 + view)), round(height * (1 + view))))
    wide.paste(grey, ((wide.width - width) // 2, (wide.height - height) // 2))
    seen = np.asarray(wide.resize((width, height)).filter(ImageFilter.GaussianBlur(blur)), dtype=float) / 255
    noisy = seen ** (GAMMA**strength) + noise * rng.normal(size=seen.shape)
    return Image.fromarray((255 * noisy.clip(0, 1)).astype(np.uint8))


def two_scanners(folder: Path, out: Path, images: int, seed: int, strength: float) -> pd.DataFrame:
    """Draw images, and write the second half of them as the other scanner would."""
    out.mkdir(parents=True, exist_ok=True)
    cohort = mg.read(folder / "brain_mri_4class" / "Training")
    rng = np.random.default_rng(seed)
    labels = np.array(cohort.classes)[cohort.y]
    rows = []
    for label in np.unique(labels):
        paths = rng.permutation(cohort.X["image"][labels == label])[: images // 4]
        for i, path in enumerate(paths):
            place = Path(path)
            if i % 2:
                place = out / f"{place.stem}.png"
                rescan(Image.open(path), rng, strength).save(place)
            scanner = ("first", "second")[i % 2]
            rows.append({"image": str(place), "label": label, "scanner": scanner})
    return pd.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description="Another scanner, no label.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--strength", type=float, default=1.0)
    parser.add_argument("--arms", default=";".join([*ARMS, "guarded"]), help="joined by semicolons")
    given = parser.parse_args()
    found: list[pd.DataFrame] = []
    said: Counter[str] = Counter()
    for repeat in range(given.repeats):
        frame = two_scanners(
            given.folder, given.out / f"images{repeat}", given.images, repeat, given.strength
        )
        trial = Trial(
            mg.read(frame, image="image", label="label", domain="scanner"),
            given.arms.split(";"),
            source=mg.Pretrained(str(given.weights)),
            target="second",
            labels_per_class=0,
            folds=2,
            seed=repeat,
            metric="accuracy",
        )
        result = run(trial, given.out / f"repeat{repeat}")
        found.append(rows_of(result, np.array([Path(p).stem for p in trial.design.data.X["image"]]), repeat))
        said.update(result.data["guard"]["reasons"])
        print(table(pd.concat(found), "source-only"), flush=True)
        for reason, count in said.most_common():
            print(f"guarded, {count} times: {reason}", flush=True)


if __name__ == "__main__":
    main()
