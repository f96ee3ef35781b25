"""[41] A feed-forward network on GoogLeNet's features, and GoogLeNet fine-tuned, for stages of dementia."""

from dataclasses import replace

from medgraft.studies.kit import Fact, Run, leaks, study
from medgraft.studies.kit.classes import reclassed
from medgraft.studies.kit.cleaned import cleaned
from medgraft.studies.kit.made import pictures

STAGES = ("none", "very mild", "mild", "moderate")
FOLDERS = ("NonDemented", "VeryMildDemented", "MildDemented", "ModerateDemented")
WORDS = {folder.lower(): stage for folder, stage in zip(FOLDERS, STAGES, strict=True)}


@study(
    ref=41,
    title="Deep Learning-based Classification of MRI Images for Early Detection and Staging of Alzheimer's "
    "Disease",
    authors="Kumar et al.",
    venue="IJACSA 15(5)",
    year=2024,
    doi="10.14569/IJACSA.2024.0150545",
    modality="brain MRI",
    task="stage of dementia",
    method="GoogLeNet and a feed-forward network on its features",
    transfer=("feature", "fine-tuning"),
    access="a set of 12,936 images on Kaggle; the review does not say which",
    stand_ins={"alzheimer_mri": "6,400 slices of four stages, in place of 12,936 images."},
    generated=pictures(FOLDERS),
    networks=("torchvision:googlenet",),
    facts=(
        Fact(
            "By the review's row: GoogLeNet and a feed-forward network; fine-tuning and feature extraction.",
            "read",
        ),
        Fact("12,936 MRI images of Kaggle, by the same row; how many stages was not read.", "read"),
        Fact("Median filter and CLAHE before the network.", "proposed"),
        Fact("Pooled features, principal components, and one hidden layer of 64.", "proposed"),
        Fact("Four stages in order, judged by quadratic kappa.", "proposed"),
    ),
    caveats=(
        "The paper itself was not read: the recipe is a reading of the review's row.",
        "The stand-in names no persons: slices of one person that look different stay on both sides, in the "
        "honest run too, whose figures are therefore too good.",
        "GoogLeNet's auxiliary heads are not trained.",
    ),
    leaks=("supposed: slices are dealt at random, although slices of one person are alike",),
)
def kumar2024(run: Run) -> None:
    """Does a feed-forward network on GoogLeNet's features beat GoogLeNet from random weights?"""
    staged = replace(reclassed(run.cohort(), WORDS, STAGES), task="ordinal")
    cohort = cleaned(leaks.grouped_copies(staged), "median:size=3,clahe", run.out / "cleaned")
    if not run.honest:
        cohort = leaks.ungrouped(cohort)
    net, epochs = run.called(run.study.networks[0]), run.pick(12, 3)
    method = f"linear-probe:source={net}+pca+mlp:hidden=64"
    run.trial(
        "Stage of dementia",
        cohort,
        [
            method,
            f"finetune:source={net},epochs={epochs},class_weight=balanced",
            f"scratch:source={net},epochs={epochs},class_weight=balanced",
            f"linear-probe:source={net}",
        ],
        method=method,
        source=run.sources(),
        folds=run.pick(3, 2),
        metric="quadratic_kappa",
    )
