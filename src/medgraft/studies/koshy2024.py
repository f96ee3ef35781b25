"""[51] A head trained by Levenberg and Marquardt's method on a fine-tuned ResNet-18, for breast histology."""

from dataclasses import replace
from pathlib import Path

from medgraft.cohort import Cohort
from medgraft.cohort.labels import sort_names
from medgraft.studies.kit import Fact, Run, leaks, study
from medgraft.studies.kit.classes import reclassed
from medgraft.studies.kit.made import images_of

BENIGN = ("A", "F", "PT", "TA")  # adenosis, fibroadenoma, phyllodes tumour, tubular adenoma
SIDES = ("benign", "malignant")
MAGNIFICATION = "magnification"


def small(folder: Path, seed: int) -> Cohort:
    """Return generated images of four types of tumour, each patient's at two magnifications."""
    types = ("A", "F", "DC", "MC")
    made = images_of(folder, 24, classes=types, sites=("a",), rows_per_patient=4, noise=0.1, seed=seed)
    return replace(made, table=made.table.assign(**{MAGNIFICATION: ["40", "40", "400", "400"] * 24}))


@study(
    ref=51,
    title="LMHistNet: Levenberg-Marquardt Based Deep Neural Network for Classification of Breast Cancer "
    "Histopathological Images",
    authors="Koshy and Anbarasi",
    venue="IEEE Access 12",
    year=2024,
    doi="10.1109/access.2024.3385011",
    modality="breast histology",
    task="benign or malignant; eight types of tumour",
    method="fine-tuned ResNet-18 with a head trained by Levenberg and Marquardt's method",
    transfer=("fine-tuning",),
    access="open (BreaKHis): from the laboratory that made the set, or on Kaggle",
    data=("breakhis",),
    generated=small,
    networks=("torchvision:resnet18",),
    facts=(
        Fact("ResNet-18, fine-tuning, Levenberg-Marquardt optimisation; BreaKHis.", "read"),
        Fact(
            "BreaKHis: 7,909 images of 82 patients at four magnifications, 700 x 460 pixels; 2,480 of them "
            "benign and 5,429 malignant.",
            "read",
        ),
        Fact("Four benign and four malignant types.", "remembered"),
        Fact("First Adam on the upper half, 20 epochs; then the head alone on the features.", "proposed"),
        Fact("The head: 8 tanh units on 64 principal coordinates, squares of softmax errors.", "proposed"),
        Fact("Folds that keep patients whole; all magnifications together, then each alone.", "proposed"),
    ),
    caveats=(
        "The paper was not read: no figure of it is shown.",
        "The head's training features have seen their labels in the first stage.",
    ),
    leaks=("supposed: images are dealt at random, although each patient has dozens, at four magnifications",),
)
def koshy2024(run: Run) -> None:
    """Does a fine-tuned network under a Levenberg-Marquardt head beat one from random weights?"""
    types = run.cohort(label="type", domain=None, features=())
    types = types if run.honest else leaks.ungrouped(types)
    sides = reclassed(types, {t.lower(): "benign" for t in BENIGN} | {"*": "malignant"}, SIDES)
    _compare(run, "Benign or malignant", sides)
    _compare(run, "Types of tumour", types, brief=run.generated)
    scales = types.table[MAGNIFICATION].astype(str)
    for scale in sort_names(set(scales)):
        alone = sides.select((scales == scale).to_numpy())
        _compare(run, f"Benign or malignant at {scale}x", alone, brief=True)


def _compare(run: Run, title: str, cohort: Cohort, brief: bool = False) -> None:
    name, epochs = run.called(run.study.networks[0]), run.pick(20, 3)
    steps = f"source={name},epochs={epochs}"
    arms = [f"finetuned-features:{steps},optimizer=adam+lm-mlp", f"scratch:{steps}"]
    if not brief:
        arms += [
            f"finetune:{steps},optimizer=adam",
            f"linear-probe:source={name}",
            f"linear-probe:source={name}+lm-mlp",
        ]
    run.trial(
        title,
        cohort,
        arms,
        method=arms[0],
        source=run.sources(),
        folds=run.pick(5, 2),
        metric="balanced_accuracy",
    )
