"""[33] Two fine-tuned networks and a CNN from scratch on chest X-rays of two merged sets."""

from dataclasses import replace
from pathlib import Path

import pandas as pd

from medgraft.cohort import Cohort
from medgraft.sources import Pretrained
from medgraft.studies.kit import Fact, Run, leaks, study
from medgraft.studies.kit.made import images_of
from medgraft.studies.kit.merged import confounds, given, merged

LEVELS = ("covid", "healthy", "pneumonia")
WORDS = {
    "covid": "covid",
    "covid-19": "covid",
    "covid-19, ards": "covid",
    "normal": "healthy",
    "healthy": "healthy",
    "no finding": "healthy",
    "pneumonia": "pneumonia",
    "viral pneumonia": "pneumonia",
    "streptococcus": "pneumonia",
    "pneumocystis": "pneumonia",
    "e.coli": "pneumonia",
    "klebsiella": "pneumonia",
    "legionella": "pneumonia",
}


def small(folder: Path, seed: int) -> dict[str, Cohort]:
    """Return two generated sets; a third of the first one's images are in the second again."""
    made = {
        name: images_of(
            folder / name, 21, classes=LEVELS, sites=(name,), rows_per_patient=2, noise=0.1, seed=seed + k
        )
        for k, name in enumerate(("covid_radiography", "chest_xray_pneumonia"))
    }
    first, second = made.values()
    again = first.table.iloc[::3].assign(patient=lambda t: [f"again{i}" for i in range(len(t))])
    table = pd.concat([second.table, again], ignore_index=True)
    return made | {"chest_xray_pneumonia": replace(second, table=table)}


@study(
    ref=33,
    title="A multiclass deep learning algorithm for healthy lung, Covid-19 and pneumonia disease detection "
    "from chest X-ray images",
    authors="Mohan et al.",
    venue="Discover Artificial Intelligence 4(1)",
    year=2024,
    doi="10.1007/s44163-024-00110-x",
    modality="chest X-ray",
    task="healthy, COVID-19 or pneumonia",
    method="fine-tuned VGG16 and Inception-ResNet-v2 beside a CNN from scratch",
    transfer=("fine-tuning",),
    access="one set on Kaggle, the other on Mendeley Data",
    data=("covid_radiography",),
    stand_ins={
        "covid_chestxray": "the early collection of COVID-19 that many sets took their cases from; nearly "
        "nobody in it is healthy.",
        "chest_xray_pneumonia": "children, without COVID-19, in place of the set on Mendeley Data.",
    },
    generated=small,
    networks=("torchvision:vgg16", "timm:inception_resnet_v2"),
    facts=(
        Fact("Healthy lung, COVID-19, pneumonia.", "read"),
        Fact(
            "By the review's row: COVID-19 Radiography Database (Kaggle) and Chest X-ray Images Pneumonia "
            "and COVID-19 (Mendeley Data).",
            "read",
        ),
        Fact("VGG16, Inception-ResNet-v2, and a CNN trained from scratch, by the review's row too.", "read"),
        Fact("The Radiography set began with 219 COVID, 1341 normal, 1345 viral pneumonia.", "read"),
        Fact("It now has 3,616 COVID, 10,192 normal, 1,345 viral pneumonia.", "remembered"),
        Fact("Copies joined over both sets, 8 epochs, the upper half trains, three folds.", "proposed"),
        Fact("The verdict is about the first of the networks, VGG16: no winner was read.", "proposed"),
    ),
    caveats=(
        "Only the paper's introduction was read: no figure of it is shown.",
        "The two sets are joined by our own table of class names; other findings are left out.",
        "Where a class comes from one set alone, a network may tell the set and not the disease.",
        "The study's own CNN is not known: a plain one of five stages stands for it.",
    ),
    leaks=("supposed: images are split at random, although the sets share images and patients have several",),
)
def mohan2024(run: Run) -> None:
    """Do two fine-tuned networks beat the same network, and a plain CNN, from random weights?"""
    whole = merged(given(run, WORDS, LEVELS))
    for sentence in confounds(whole):
        run.note(f"The sets are a confound here. {sentence}")
    cohort = replace(whole, domain=None)
    if not run.honest:
        cohort = leaks.ungrouped(cohort)
    epochs = run.pick(8, 3)
    sources = run.sources()
    plain = Pretrained("medgraft:plain_cnn", size=sources[0].facts.input_size)
    arms = run.each(f"finetune:source={{}},epochs={epochs}")
    twin = run.called(run.study.networks[0])
    run.trial(
        "Healthy, COVID-19 or pneumonia",
        cohort,
        [
            *arms,
            f"scratch:source={twin},epochs={epochs}",
            f"scratch:source=plain_cnn,epochs={epochs}",
            *run.each("linear-probe:source={}"),
        ],
        method=arms[0],
        source=[*sources, plain],
        folds=run.pick(3, 2),
        metric="balanced_accuracy",
    )
