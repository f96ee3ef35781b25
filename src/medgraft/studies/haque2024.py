"""[32] Blood cells: fine-tuned networks, trunks of detectors among them, and deep features to learners."""

from dataclasses import replace
from pathlib import Path

from medgraft.cohort import Cohort, generate, read
from medgraft.sources import Pretrained
from medgraft.studies.kit import Fact, Run, leaks, study
from medgraft.studies.kit.made import images_of

CELLS, SMEARS = "c_nmc", "bccd"


def small(folder: Path, seed: int) -> dict[str, Cohort]:
    """Return generated cells of two classes, four of each subject, and smears with boxes of three kinds."""
    usual = {"sites": ("a",), "noise": 0.15, "seed": seed}
    cells = images_of(folder / CELLS, 20, classes=("hem", "all"), rows_per_patient=4, **usual)
    generate.voc(folder / SMEARS, 14, classes=("Platelets", "RBC", "WBC"), size=96, **usual)
    return {CELLS: cells, SMEARS: read(folder / SMEARS)}


@study(
    ref=32,
    title="Advancing Early Leukemia Diagnostics: A Comprehensive Study Incorporating Image Processing and "
    "Transfer Learning",
    authors="Haque et al.",
    venue="BioMedInformatics 4(2), 966-991",
    year=2024,
    doi="10.3390/biomedinformatics4020054",
    modality="blood-smear images",
    task="leukaemic or healthy cells; kinds of cells",
    method="fine-tuned networks, trunks of detectors among them, and deep features to classical learners",
    transfer=("fine-tuning", "feature"),
    access="both sets on Kaggle",
    data=(CELLS,),
    stand_ins={SMEARS: "red, white cells and platelets in healthy smears: no label of leukaemia."},
    generated=small,
    networks=(
        "torchvision:alexnet",
        "torchvision:retinanet_resnet50_fpn",
        "timm:legacy_xception",
        "timm:inception_resnet_v2",
        "medgraft:centernet_resnet18",
    ),
    facts=(
        Fact("Two sets of leukaemic cells, one of two classes and one of several.", "read"),
        Fact("They are, by the review's row, C-NMC and Leukemia Dataset 0.2, both on Kaggle.", "read"),
        Fact("C-NMC has 10,661 training images with labels, and 1,867 of a preliminary test.", "read"),
        Fact("Images are processed and augmented first; how was not read.", "read"),
        Fact("Features of a deep CNN go to machine-learning models.", "read"),
        Fact("AlexNet, RetinaNet, Xception, Inception-ResNet and CenterNet as classifiers.", "read"),
        Fact("C-NMC has several cells of each subject, whose number is in the file's name.", "remembered"),
        Fact("Leukemia Dataset 0.2 has about five classes.", "remembered"),
        Fact("RetinaNet and CenterNet: trunk and pyramid, averaged, under a new head.", "proposed"),
        Fact("12 epochs, the upper half trains; the features are those of the frozen networks.", "proposed"),
        Fact("The learners on features: logistic regression, support vectors, random forest.", "proposed"),
        Fact("The verdict is about the first of the networks, AlexNet: no winner was read.", "proposed"),
    ),
    caveats=(
        "No figure of the paper could be read: only its outline was.",
        "The paper's processing of images is not repeated.",
        "CenterNet's weights are in no library: without a file for it (--backbone) it is left out.",
        "Leukemia Dataset 0.2 is not among the public sets that are read here.",
    ),
    leaks=("supposed: cells are dealt at random, although many are of one subject or from one smear",),
)
def haque2024(run: Run) -> None:
    """Do fine-tuned networks, detectors' trunks among them, beat one from random weights on blood cells?"""
    if run.data.has(CELLS):
        _compare(run, "Leukaemic or healthy", CELLS)
    if run.data.has(SMEARS):
        _compare(run, "Kinds of cells", SMEARS)


def _compare(run: Run, title: str, name: str) -> None:
    cohort = replace(run.cohort(name), domain=None)  # C-NMC's folds are no sites
    if not run.honest:
        cohort = leaks.ungrouped(cohort)
    usable = [n for n in run.study.networks if all(s.trained for s in run.sources(n))]
    usable = usable or list(run.study.networks)  # the trial says what is lacking
    if len(usable) < len(run.study.networks):
        run.note("A network without weights was left out: give a file of them with --backbone.")
    sources, epochs = run.sources(*usable), run.pick(12, 3)
    plain = Pretrained("medgraft:plain_cnn", size=sources[0].facts.input_size)
    tuned = run.each(f"finetune:source={{}},epochs={epochs}", *usable)
    probes = run.each("linear-probe:source={}", *usable)
    run.trial(
        title,
        cohort,
        [
            *tuned,
            f"scratch:source={run.called(usable[0])},epochs={epochs}",
            f"scratch:source=plain_cnn,epochs={epochs}",
            *probes,
            f"{probes[0]}+svm",
            f"{probes[0]}+random-forest",
        ],
        method=tuned[0],
        source=[*sources, plain],
        folds=run.pick(5, 2),
        metric="balanced_accuracy",
    )
