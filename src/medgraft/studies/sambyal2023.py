"""[69] Calibration of supervised and rotation-trained networks, with and without pretraining."""

import numpy as np
import pandas as pd

from medgraft.cohort import Cohort, kfold_splits
from medgraft.studies.kit import Fact, Run, study
from medgraft.studies.kit.beside import against
from medgraft.studies.kit.made import pictures
from medgraft.studies.kit.merged import given, merged

# Set -> (title, class of the set -> class of the study, classes).
TASKS = {
    "histopathologic_cancer": ("Tumour in lymph nodes", {"0": "none", "1": "ill"}),
    "aptos2019": ("Retinopathy or none", {"0": "none", "*": "ill"}),
    "eye_diseases": ("Retinopathy", {"normal": "none", "diabetic_retinopathy": "ill"}),
    "covid_chestxray": ("COVID-19", {"covid-19": "ill", "covid-19, ards": "ill", "*": "none"}),
}
LEVELS = ("none", "ill")


@study(
    ref=69,
    title="Understanding calibration of deep neural networks for medical image classification",
    authors="Sambyal et al.",
    venue="Computer Methods and Programs in Biomedicine 242, 107816",
    year=2023,
    doi="10.1016/j.cmpb.2023.107816",
    modality="fundus photograph, histology, chest X-ray",
    task="retinopathy, tumour and COVID-19, each ill or not",
    method="{supervised, rotation} x {random, ImageNet} weights, judged by calibration",
    transfer=("self-supervised", "fine-tuning"),
    access="Kaggle, with an account and the competitions' rules",
    data=("histopathologic_cancer",),
    stand_ins={
        "aptos2019": "another set of retinopathy, grades above 0 as one class.",
        "eye_diseases": "retinopathy against normal from a set in which each class has a source of its own.",
        "covid_chestxray": "COVID-19 against the other findings of one collection.",
    },
    generated=pictures(LEVELS, 34),
    networks=("timm:resnet18", "timm:resnet50", "timm:wide_resnet50_2"),
    facts=(
        Fact(
            "Fully supervised and rotation-based training, each from random and from known weights.", "read"
        ),
        Fact("Retinopathy, histopathologic cancer, COVID-19; ResNet18, ResNet50, WideResNet.", "read"),
        Fact("Several metrics of calibration; weights and similarity of representations explain it.", "read"),
        Fact("Similarity is linear CKA; Kaggle's sets.", "remembered"),
        Fact("Every task has two classes, ill or not.", "proposed"),
        Fact("Rotation comes before the labels, or beside them in a second head, weight 0.5.", "proposed"),
        Fact("ECE over ten bins of equal mass; 8 epochs, 3 for the rotations.", "proposed"),
    ),
    caveats=(
        "A publication of 2023, which the review's table dates otherwise. Its figures could not be read.",
        "The arms with rotations pass over the images more often than the others.",
        "The study's claim, better calibration by rotations at an accuracy that is comparable or better, is "
        "the second experiment; the first compares with scratch, as everywhere here.",
        "Of what explains calibration only the similarity of representations is worked out, not the weights.",
        "How the study split its images could not be read: no leak is known. Both eyes of a person, and all "
        "images of a patient, stay together here; patches of lymph nodes name no patient.",
        "ECE needs hundreds of images to be told apart from noise.",
    ),
)
def sambyal2023(run: Run) -> None:
    """Are rotation-trained networks better calibrated than supervised ones, from random and known weights?"""
    epochs, turns = run.pick(8, 2), run.pick(3, 2)
    for title, cohort in tasks(run).items():
        nets = run.each("{}", *run.pick(run.study.networks, run.study.networks[:1]))
        grid = [
            f"{start}:source={name},epochs={epochs}{regime}"
            for start, regime in (
                ("scratch", ""),
                ("finetune", ""),
                ("scratch", f",pretext=rotation,pretext_epochs={turns}"),
                ("finetune", f",pretext=rotation,pretext_epochs={turns}"),
                ("finetune", ",auxiliary=rotation"),
            )
            for name in nets
        ]
        supervised, rotated = grid[len(nets)], grid[3 * len(nets)]
        result = run.trial(
            f"{title}: calibration",
            cohort,
            [*grid, *(f"linear-probe:source={name}" for name in nets)],
            method=rotated,
            source=run.sources(),
            folds=run.pick(3, 2),
            metric="ece",
        )
        against(run, f"{title}: rotation or supervision", result, rotated, supervised)
        for arm in (supervised, rotated):
            run.note(f"{title}, {arm}: accuracy {accuracy(result.predictions, arm):.3f}.")
        run.note(f"{title}: {likeness(run, cohort, epochs)}")


def tasks(run: Run) -> dict[str, Cohort]:
    """Return a cohort for each of the study's tasks whose data there are."""
    if run.generated:
        return {"Generated": run.cohort()}
    there = {name: task for name, task in TASKS.items() if run.data.has(name)}
    return {title: merged(given(run, words, LEVELS, name)) for name, (title, words) in there.items()}


def accuracy(predictions: pd.DataFrame, arm: str) -> float:
    """Return the share of rows whose likeliest class is theirs."""
    own = predictions[predictions["arm"] == arm]
    P = own[[c for c in own if str(c).startswith("p_")]].to_numpy()
    return float(np.mean(P.argmax(axis=1) == own["y_true"].to_numpy()))


def likeness(run: Run, cohort: Cohort, epochs: int) -> str:
    """Return how alike the networks of both regimes, trained on half of the patients, see the other half.

    Compared is the last block but one, by the debiased measure.
    """
    from medgraft.methods.explain import cka
    from medgraft.methods.explain.activations import activations
    from medgraft.methods.finetune.finetune import FineTune

    half = next(iter(kfold_splits(cohort, folds=2, seed=run.seed)))
    learn, look = cohort.select(half.labelled), cohort.select(half.test[:60])
    seen = []
    for pretext in ("none", "rotation"):
        net = FineTune(run.sources()[0], epochs=epochs, pretext=pretext, random_state=run.seed)
        net.fit(learn.X, learn.y, groups=learn.groups)
        seen.append(activations(net, list(look.X["image"])))
    value = cka(*seen, group=look.groups)
    return f"Linear CKA of what supervised and rotation-trained networks see of others: {value:.2f}."
