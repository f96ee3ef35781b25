"""[37] AlexNet and VGG19, fine-tuned, whose answers are stacked, on three kinds of brain tumour."""

from medgraft.studies.kit import Fact, Published, Run, leaks, study
from medgraft.studies.kit.classes import reclassed
from medgraft.studies.kit.made import pictures

TUMOURS = ("glioma", "meningioma", "pituitary")
WORDS = {kind: kind for kind in TUMOURS} | {f"{kind}_tumor": kind for kind in TUMOURS}


@study(
    ref=37,
    title="Automated Brain Tumor Identification in Biomedical Radiology Images: A Multi-Model Ensemble Deep "
    "Learning Approach",
    authors="Natha et al.",
    venue="Applied Sciences 14(5), 2210",
    year=2024,
    doi="10.3390/app14052210",
    modality="brain MRI",
    task="glioma, meningioma or pituitary tumour",
    method="AlexNet and VGG19, fine-tuned and stacked",
    transfer=("fine-tuning", "ensemble"),
    access="a public set on Kaggle, which one could not be read",
    stand_ins={
        "brain_tumour_cheng": "likely the study's own set, or what that was made of, which could not be "
        "read; its slices name their patients.",
        "brain_tumour_mri": "it has a fourth class, no tumour, which is left out, and names no patients.",
    },
    generated=pictures((*TUMOURS, "notumor"), n_patients=48),
    networks=("torchvision:alexnet", "torchvision:vgg19"),
    facts=(
        Fact("AlexNet and VGG19, augmentation, and a stack of their outputs (SETL_BMRI).", "read"),
        Fact("The stack does better than each of its networks.", "read"),
        Fact("The set is Cheng's 3,064 slices of 233 patients, or made of them.", "remembered"),
        Fact("The upper half of each network trains, 8 epochs; three folds, three inside.", "proposed"),
        Fact("The stack is a penalised softmax regression on out-of-fold probabilities.", "proposed"),
    ),
    published=(
        Published("stack", "accuracy", 0.987, "abstract, in a library catalogue"),
        Published("stack", "precision, average", 0.9875, "abstract, in a library catalogue"),
        Published("stack", "recall", 0.986, "abstract, in a library catalogue"),
    ),
    caveats=(
        "How the set was split could not be read; that slices were dealt at random is our suspicion.",
        "The stack joins two networks and the control is one: some of the difference may be the joining.",
        "Where a set names no patients (brain_tumour_mri), slices of one that look different may stay apart.",
    ),
    leaks=(
        "supposed: slices are dealt at random, so that copies and slices of one patient teach and are tested",
    ),
)
def natha2024(run: Run) -> None:
    """Does a stack of two fine-tuned networks beat training from scratch, its members and their mean?"""
    cohort = leaks.grouped_copies(reclassed(run.cohort(), WORDS, TUMOURS))
    if not run.honest:
        cohort = leaks.ungrouped(cohort)
    epochs = run.pick(8, 2)
    members = run.each(f"finetune:source={{}},epochs={epochs}")
    stack = f"stacking:members=finetune*,inner_folds={run.pick(3, 2)}"
    run.trial(
        "Kinds of tumour",
        cohort,
        [
            stack,
            "soft-voting:members=finetune*",
            *members,
            *run.each(f"scratch:source={{}},epochs={epochs}"),
            *run.each("linear-probe:source={}"),
        ],
        method=stack,
        source=run.sources(),
        folds=run.pick(3, 2),
        metric="accuracy",
    )
