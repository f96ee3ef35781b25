"""[63] One fine-tuned network on three amounts of data, and on the sharpest images alone, for skin cancer."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from medgraft.cohort import Cohort
from medgraft.studies.kit import Fact, Run, leaks, study
from medgraft.studies.kit.beside import against
from medgraft.studies.kit.classes import reclassed
from medgraft.studies.kit.made import images_of

LEVELS = ("bcc", "mel", "nv")
PARTS = (0.25, 0.5)  # of the training images, for the first two models


def small(folder: Path, seed: int) -> Cohort:
    """Return generated lesions, two photographs of each; two in five are out of focus and show another."""
    cohort = images_of(
        folder, 45, classes=LEVELS, sites=("a",), noise=0.0, rows_per_patient=2, size=32, seed=seed
    )
    rng = np.random.default_rng([seed, 3])
    paths, blurred = cohort.table[str(cohort.image)], rng.random(cohort.n) < 0.4
    sharp = paths[~blurred].to_numpy()
    for path in paths[blurred]:
        with Image.open(rng.choice(sharp)) as other:
            other.filter(ImageFilter.GaussianBlur(2)).save(path)
    return cohort


@study(
    ref=63,
    title="Skin Cancer Diagnosis Using VGG16 and Transfer Learning: Analyzing the Effects of Data Quality "
    "over Quantity on Model Efficiency",
    authors="Djaroudib et al.",
    venue="Applied Sciences 14(17), 7447",
    year=2024,
    doi="10.3390/app14177447",
    modality="dermoscopy",
    task="basal cell carcinoma, melanoma or naevus",
    method="VGG16 with a new top, on three amounts of data",
    transfer=("fine-tuning",),
    access="open, Kaggle (HAM10000)",
    data=("ham10000",),
    generated=small,
    networks=("torchvision:vgg16",),
    facts=(
        Fact("Basal cell carcinoma, melanoma and naevi, of a Kaggle set.", "read"),
        Fact("VGG16 without its top under a new one; three models that differ in the amount alone.", "read"),
        Fact("40 epochs, batches of 32, Adam, stopped early on the validation loss.", "read"),
        Fact("HAM10000 has several photographs of some lesions.", "remembered"),
        Fact(
            "The amounts: a quarter, a half and all of the training images, one inside the next.", "proposed"
        ),
        Fact("Quality is sharpness, the variance of the Laplacian.", "proposed"),
        Fact("The upper half trains; the head is linear.", "proposed"),
    ),
    caveats=(
        "The study's figures could not be read, only its message: fewer but better images can win.",
        "The study compares accuracies of the validation rows, which also stop the training: too "
        "good. Neither protocol repeats that.",
        "All models are tested on the same images here, the blurred ones among them.",
    ),
    leaks=("supposed: photographs of one lesion stand on both sides of the split",),
)
def djaroudib2024(run: Run) -> None:
    """Does transfer help on skin cancer, and do few sharp images teach it as much as many?"""
    cohort = reclassed(run.cohort(), {name: name for name in LEVELS}, LEVELS)
    name = run.called(run.study.networks[0])
    settings = f"source={name},epochs={run.pick(40, 4)}"
    held = run.pick(",validation=0.15,patience=5", "")
    whole = f"finetune:{settings},optimizer=adam{held}"
    drawn = [f"{whole}+subset:share={part}" for part in PARTS]
    sharp = [f"{arm},by=sharpness" for arm in drawn]
    result = run.trial(
        "Three amounts of data",
        cohort if run.honest else leaks.ungrouped(cohort),
        [whole, *drawn, *sharp, f"scratch:{settings}{held}", f"linear-probe:source={name}"],
        method=whole,
        source=run.sources(),
        folds=run.pick(3, 2),
        metric="balanced_accuracy",
    )
    against(run, "The sharpest half against a half drawn at random", result, sharp[1], drawn[1])
    against(run, "The sharpest half against all images", result, sharp[1], whole)
    against(run, "All images against a quarter", result, whole, drawn[0])
