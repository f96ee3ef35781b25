"""[49] Attention inside a DenseNet, on histology of the breast, and a small network on cytology scores."""

from pathlib import Path
from typing import Any

from medgraft.cohort import generate, read
from medgraft.studies.kit import Fact, Published, Run, leaks, study
from medgraft.studies.kit.made import pictures

CLASSES = ("benign", "malignant")
IMAGES, TABLE = "breakhis", "breast_cancer_wisconsin"


def small(folder: Path, seed: int) -> dict[str, Any]:
    """Return generated images, four of each patient, and a table with some patients twice."""
    images = pictures(CLASSES, n_patients=28, rows_per_patient=4)(folder, seed)
    frame = generate.table(90, 9, sites=("a",), classes=CLASSES, rows_per_patient=(1, 2), seed=seed)
    table = read(frame, label="label", group="patient", features=[f"x{j + 1}" for j in range(9)])
    return {IMAGES: images, TABLE: table}


@study(
    ref=49,
    title="Integrating hybrid transfer learning with attention-enhanced deep learning models to improve "
    "breast cancer diagnosis",
    authors="Jakkaladiki and Maly",
    venue="PeerJ Computer Science 10, e1850",
    year=2024,
    doi="10.7717/peerj-cs.1850",
    modality="breast histology, cytology table",
    task="benign or malignant",
    method="DenseNet and a CNN with attention, fine-tuned",
    transfer=("fine-tuning",),
    access="images on Kaggle, the table at UCI",
    data=(IMAGES, TABLE),
    generated=small,
    networks=("timm:densenet121",),
    facts=(
        Fact("BreaKHis and a Wisconsin set, each in training, validation and test parts.", "read"),
        Fact("By the review's row: CNN, DenseNet, hybrid transfer learning, attention.", "read"),
        Fact("BreaKHis: 7,909 images of 82 patients at four magnifications, 2,480 of them benign.", "read"),
        Fact("There are two Wisconsin sets, of 569 and of 699 rows.", "remembered"),
        Fact("The table here is the original one, 699 rows of 9 scores.", "proposed"),
        Fact(
            "Attention of channels and places (CBAM) behind the last block; the upper half trains.",
            "proposed",
        ),
        Fact("The CNN branch is the arm from random weights here, not joined to the DenseNet.", "proposed"),
        Fact(
            "The table goes to a small 1-D network; no weights of images are carried over to it.", "proposed"
        ),
    ),
    published=(
        Published("BreaKHis", "accuracy", 1.0, "abstract"),
        Published("BreaKHis", "recall", 0.998, "abstract"),
        Published("BreaKHis", "F1", 0.9906, "abstract"),
        Published("Wisconsin table", "accuracy", 0.99, "abstract"),
        Published("Wisconsin table", "recall", 0.987, "abstract"),
        Published("Wisconsin table", "F1", 0.9903, "abstract"),
    ),
    caveats=(
        "An accuracy of 100 % with a recall of 99.8 % and an F1 of 99.06 % cannot be true of one test set.",
        "100 % on some 100 images of each patient suggests that images of one patient stood on both sides.",
        "The table has nothing to transfer from, and its columns stand in no order for a convolution to use.",
    ),
    leaks=("supposed: images of one patient, and rows of one person in the table, are dealt to both sides",),
)
def jakkaladiki2024(run: Run) -> None:
    """Does a fine-tuned DenseNet with attention beat the same network from random weights?"""
    if run.data.has(IMAGES):
        _images(run)
    if run.data.has(TABLE):
        _table(run)


def _images(run: Run) -> None:
    roles = {"image": "image", "label": "label", "group": "patient"}
    cohort = run.cohort(IMAGES, **roles, domain=None)
    cohort = cohort if run.honest else leaks.ungrouped(cohort)
    epochs = run.pick(30, 3)
    arms = [
        arm
        for kind in ("cbam", "se", "none")
        for arm in run.each(f"finetune:source={{}},attention={kind},epochs={epochs}")
    ]
    run.trial(
        "Histology",
        cohort,
        [*arms, *run.each(f"scratch:source={{}},epochs={epochs}"), *run.each("linear-probe:source={}")],
        method=arms[0],
        source=run.sources(),
        folds=run.pick(5, 2),
        metric="accuracy",
    )


def _table(run: Run) -> None:
    cohort = run.cohort(TABLE)
    cohort = cohort if run.honest else leaks.ungrouped(cohort)
    run.note("No transfer is tested on the table: the control is logistic regression on the same patients.")
    run.trial(
        "Cytology",
        cohort,
        ["target-only", "target-only+cnn1d", "target-only+random-forest"],
        method="target-only+cnn1d",
        transfer=False,
        folds=run.pick(10, 3),
        metric="accuracy",
    )
