"""[57] A Hopfield network on deep features of glands, its settings found by a slime mould."""

from pathlib import Path

from medgraft.cohort import Cohort
from medgraft.studies.kit import Fact, Run, leaks, study
from medgraft.studies.kit.classes import reclassed
from medgraft.studies.kit.cleaned import cleaned
from medgraft.studies.kit.fair import control
from medgraft.studies.kit.made import images_of

SIDES = ("benign", "malignant")
TISSUES = {"6": "benign", "8": "malignant"}  # of PathMNIST: normal mucosa, epithelium of adenocarcinoma
GLANDS, TILES = "glas", "pathmnist"


def small(folder: Path, seed: int) -> Cohort:
    """Return generated images of two classes, three of each patient."""
    return images_of(folder, 28, classes=SIDES, sites=("a",), noise=0.15, rows_per_patient=3, seed=seed)


@study(
    ref=57,
    title="Optimal Deep Transfer Learning Based Colorectal Cancer Detection and Classification Model",
    authors="Ragab et al.",
    venue="CMC 74(2), 3279-3295",
    year=2023,
    doi="10.32604/cmc.2023.031037",
    modality="colon histology",
    task="benign or malignant",
    method="features of Dense-EfficientNet to a discrete Hopfield network, tuned by a slime mould",
    transfer=("feature",),
    access="from the challenge's page (GlaS, Warwick-QU)",
    data=(GLANDS,),
    stand_ins={
        TILES: "tiles of 28 pixels, normal mucosa against adenocarcinoma, whose patients are not told apart."
    },
    generated=small,
    networks=("timm:efficientnet_b0",),
    facts=(
        Fact(
            "Images are pre-processed; Dense-EfficientNet's features go to a discrete Hopfield network, "
            "whose settings the slime mould algorithm chooses.",
            "read",
        ),
        Fact("The slime mould's equations: in a public implementation, which is not the authors'.", "read"),
        Fact("Warwick-QU: 165 images, 74 benign and 91 malignant.", "remembered"),
        Fact("The filter is a median of 3 x 3 pixels; the features are EfficientNet-B0's own.", "proposed"),
        Fact(
            "Bits are cut at quantiles, patterns are the signs of clusters' means; the mould searches bits a "
            "feature, patterns a class and the rule of storage, on a quarter of the training patients.",
            "proposed",
        ),
        Fact(
            "The network from random weights has the same search of rate and batch size; as published, none.",
            "proposed",
        ),
    ),
    caveats=(
        "The review's table dates it 2024: it is of 2023. Its Hopfield network is a discrete one.",
        "Which filter, what is dense in Dense-EfficientNet and the figures could not be read.",
        "The mould's moves shrink towards the middle of the space: an optimum there is found too easily.",
        "The method's mould searches on frozen features; an arm with fine-tuned features has the learner's "
        "usual settings.",
        "24 settings are two rounds of twelve moulds, few for a search: the control trains a network for "
        "each.",
    ),
    leaks=("supposed: images are dealt at random, although several are of one patient",),
)
def ragab2023crc(run: Run) -> None:
    """Does a tuned Hopfield network on deep features beat a network from random weights on glands?"""
    if run.data.has(TILES):
        cohort = leaks.grouped_copies(reclassed(run.cohort(TILES), TISSUES, SIDES))
    else:
        cohort = run.cohort(GLANDS, features=())
    cohort = cleaned(cohort, "median:size=3", run.out / "filtered")
    if not run.honest:
        cohort = leaks.ungrouped(cohort)
    name, epochs = run.called(run.study.networks[0]), run.pick(12, 3)
    search = f"tuned:search=slime-mould,budget={run.pick(24, 6)},inner_folds=1"
    space = "levels=int(1,5),patterns=int(1,6),storage=choice(pseudo-inverse,hebb)"
    own = f"linear-probe:source={name}+hopfield:{space}+{search}"
    scratch = f"scratch:source={name},epochs={epochs}"
    run.trial(
        "Benign or malignant",
        cohort,
        [
            control(run, f"{scratch},lr=log(1e-5,1e-2),batch_size=logint(8,64)+{search}", scratch),
            own,
            f"linear-probe:source={name}+hopfield",
            f"finetuned-features:source={name},epochs={epochs}+hopfield",
            f"linear-probe:source={name}",
            f"finetune:source={name},epochs={epochs}",
            scratch,
        ],
        method=own,
        source=run.sources(),
        folds=run.pick(5, 2),
        metric="accuracy",
    )
