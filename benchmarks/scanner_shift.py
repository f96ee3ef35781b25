"""Another scanner, no label: which adaptation helps a network that was taught on the first one?

    python benchmarks/scanner_shift.py FOLDER_OF_THE_DATA WEIGHTS.safetensors [--images 400] [--repeats 5]

FOLDER holds brain_mri_4class (public, four classes). Half of the images are left as they are and labelled;
the other half go through a generated scanner: gamma 1.8, a Gaussian blur of 1.5 pixels, noise of 5 % of the
range, and a field of view that is 15 % wider. Two folds of it are tested in turn, unlabelled; `--repeats`
draws images, folds and seeds anew. The control is `source-only`: a linear learner on frozen features.
`fine-tuned` is `deep-coral` without strength: the same training, blind to the target.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageFilter

import medgraft as mg
from medgraft.trial import Trial

GAMMA, BLUR, NOISE, VIEW = 1.8, 1.5, 0.05, 0.15
TRAINED = "epochs=5,unfreeze=0.4,views=1,augmentation=none"
ADAPTED = ("dann", "cdan", "deep-coral", "dan", "mcc")


def rescan(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Pass an image through the other scanner."""
    grey = image.convert("L")
    width, height = grey.size
    wide = Image.new("L", (round(width * (1 + VIEW)), round(height * (1 + VIEW))))
    wide.paste(grey, ((wide.width - width) // 2, (wide.height - height) // 2))
    seen = np.asarray(wide.resize((width, height)).filter(ImageFilter.GaussianBlur(BLUR)), dtype=float) / 255
    noisy = seen**GAMMA + NOISE * rng.normal(size=seen.shape)
    return Image.fromarray((255 * noisy.clip(0, 1)).astype(np.uint8))


def two_scanners(folder: Path, out: Path, images: int) -> pd.DataFrame:
    """Draw images, and write the second half of them as the other scanner would."""
    cohort = mg.read(folder / "brain_mri_4class" / "Training")
    rng = np.random.default_rng(0)
    labels = np.array(cohort.classes)[cohort.y]
    rows = []
    for label in np.unique(labels):
        paths = rng.permutation(cohort.X["image"][labels == label])[: images // 4]
        for i, path in enumerate(paths):
            place = Path(path)
            if i % 2:
                place = out / f"{label}{i}.png"
                rescan(Image.open(path), rng).save(place)
            scanner = ("first", "second")[i % 2]
            rows.append({"image": str(place), "label": label, "scanner": scanner})
    return pd.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description="Another scanner, no label.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--images", type=int, default=400)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    arms = ["source-only", "coral", "adaptive-batchnorm", f"deep-coral:strength=0,{TRAINED}"]
    arms += [f"{name}:{TRAINED}" for name in ADAPTED] + ["guarded"]
    with tempfile.TemporaryDirectory() as out:
        scanned = Path(out) / "scanned"
        scanned.mkdir()
        frame = two_scanners(given.folder, scanned, given.images)
        cohort = mg.read(frame, image="image", label="label", domain="scanner")
        trial = Trial(
            cohort,
            arms,
            source=mg.Pretrained(str(given.weights)),
            target="second",
            labels_per_class=0,
            folds=2,
            repeats=given.repeats,
            metric="accuracy",
        )
        result = trial.run(Path(out) / "run", progress=True)
    print(result)
    for arm in result.arms:
        print(f"{arm['name']:<60} {arm['cpu_seconds']:8.0f} CPU s")


if __name__ == "__main__":
    main()
