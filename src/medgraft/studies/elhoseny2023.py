"""[58] Fundus photographs cleansed and filtered before a fine-tuned VGG16, for grades of retinopathy."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from medgraft.cohort import Cohort, quality
from medgraft.studies.kit import Fact, Run, leaks, study
from medgraft.studies.kit.beside import against
from medgraft.studies.kit.classes import reclassed
from medgraft.studies.kit.cleaned import cleaned
from medgraft.studies.kit.made import images_of
from medgraft.studies.kit.merged import merged
from medgraft.studies.kit.names import EYES, patients_in_names

FILTERS = {
    "Auto-enhancement": "crop_fundus,percentile_stretch",
    "CLAHE": "crop_fundus,clahe:clip=0.02,tiles=8",
    "No filter": "crop_fundus",
}
PAIR = {"normal": "normal", "diabetic_retinopathy": "retinopathy"}  # of eye_diseases


def small(folder: Path, seed: int) -> Cohort:
    """Return generated photographs, two of each patient; some are black, and some are there twice."""
    made = images_of(
        folder, 36, classes=("none", "mild", "severe"), sites=("a",), noise=0.1, rows_per_patient=2, seed=seed
    )
    column = str(made.image)
    rng = np.random.default_rng([seed, 17])  # whatever the class
    for path in made.table[column].iloc[rng.permutation(made.n)[: made.n // 9]]:
        with Image.open(path) as image:
            size = image.size
        Image.new("RGB", size).save(path)
    table = pd.concat([made.table, made.table.iloc[::8]], ignore_index=True)
    return replace(made, table=table)


@study(
    ref=58,
    title="Optimized Deep Learning Approach for Efficient Diabetic Retinopathy Classification Combining "
    "VGG16-CNN",
    authors="Elhoseny et al.",
    venue="CMC 77(2), 1855-1872",
    year=2023,
    doi="10.32604/cmc.2023.042107",
    modality="fundus photographs",
    task="grades of diabetic retinopathy",
    method="data cleansing, auto-enhancement or CLAHE, and a fine-tuned VGG16 with a CNN on top",
    transfer=("fine-tuning",),
    access="a Kaggle set of fundus photographs, which one is not known; APTOS 2019 needs a Kaggle account",
    stand_ins={
        "aptos2019": "five grades; whether it is the study's set could not be read.",
        "eye_diseases": "diabetic retinopathy or normal alone, without grades; each class has sources of its "
        "own.",
        "retinamnist": "five grades, at 28 pixels a side.",
    },
    generated=small,
    networks=("torchvision:vgg16",),
    facts=(
        Fact("Data cleansing, transfer learning, a CNN on VGG16; an auto-enhancement filter; CLAHE.", "read"),
        Fact("Kaggle fundus photographs, several classes.", "read"),
        Fact("APTOS 2019 or EyePACS; four classes.", "remembered"),
        Fact("Cleansing leaves out black, saturated, blurred images and copies.", "proposed"),
        Fact("Auto-enhancement stretches grey values from the first to the last percentile.", "proposed"),
        Fact("The upper quarter of VGG16 trains, by Adam, 8 epochs; its head is linear.", "proposed"),
    ),
    caveats=(
        "A publication of 2023; the review's table calls its author Hoseny.",
        "AE means auto-enhancement, not autoencoder.",
        "The paper's figures, and the layers of the CNN on top of VGG16, could not be read: no CNN is built "
        "on top.",
        "APTOS names no patients, and has copies; both eyes of a person may be in it.",
        "Which filter leads is our choice, made before any run; no test image had a say.",
    ),
    leaks=(
        "supposed: cleansing takes the bad images and copies out of the test set as well",
        "supposed: both eyes of a person, and what is left of copies, stand on both sides of the split",
    ),
)
def elhoseny2023(run: Run) -> None:
    """Do cleansing and enhancement help a fine-tuned network on fundus photographs, and does transfer?"""
    cohort = run.cohort()
    if run.data.has("eye_diseases"):
        cohort = patients_in_names(reclassed(cohort, PAIR, tuple(PAIR.values())), EYES)
    cohort = replace(merged([cohort]), domain=None)
    cleanse = "+cleanse"
    if not run.honest:
        cohort, report = quality.drop(leaks.ungrouped(cohort))
        cleanse = ""
        run.note(f"Before the split: {' '.join(report.sentences())}")
    name = run.called(run.study.networks[0])
    settings = f"source={name},epochs={run.pick(8, 3)}"
    plain = f"finetune:{settings},unfreeze=0.25,optimizer=adam"
    for title, steps in FILTERS.items():
        result = run.trial(
            title,
            cleaned(cohort, steps, run.out / "filtered"),
            [plain, f"{plain}{cleanse}", f"scratch:{settings}{cleanse}", f"linear-probe:source={name}"],
            method=f"{plain}{cleanse}",
            source=run.sources(),
            folds=run.pick(3, 2),
            metric="balanced_accuracy",
        )
        if cleanse:
            against(run, f"{title}: cleansed or not", result, f"{plain}{cleanse}", plain)
