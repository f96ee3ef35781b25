"""[43] First which disease of the eye, then where it is: two networks with transferred encoders."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from medgraft.cohort import Cohort, generate, read
from medgraft.studies.kit import Fact, Published, Run, leaks, study
from medgraft.studies.kit.made import images_of
from medgraft.studies.kit.merged import merged
from medgraft.studies.kit.names import EYES, patients_in_names

HEALTHY = "normal"


def small(folder: Path, seed: int) -> Cohort:
    """Return generated photographs of four classes, both eyes of each person."""
    classes = ("cataract", "diabetic_retinopathy", "glaucoma", HEALTHY)
    return images_of(
        folder, 40, classes=classes, sites=("a",), noise=0.15, rows_per_patient=2, shift=0.3, seed=seed
    )


def outlines(folder: Path, seed: int, n_patients: int) -> Cohort:
    """Return generated photographs with masks of lesions; healthy people's are painted over and empty."""
    made = generate.images(
        folder,
        n_patients,
        size=32,
        colour=True,
        masks=True,
        classes=(HEALTHY, "ill"),
        sites=("a",),
        noise=0.0,
        rows_per_patient=2,
        seed=seed,
    )
    table = made.table.assign(
        file=[str(made.path / name) for name in made.table["file"]],
        mask=[str(made.path / name) for name in made.table["mask"]],
    )
    rng = np.random.default_rng([seed, 13])
    for _, row in table[table["label"] == HEALTHY].iterrows():
        with Image.open(row["file"]) as image, Image.open(row["mask"]) as mask:
            pixels, there = np.array(image), np.asarray(mask) > 0
        pixels[there] = rng.choice(pixels[~there], size=int(there.sum()))
        Image.fromarray(pixels).save(row["file"])
        Image.fromarray(np.zeros(there.shape, dtype=np.uint8)).save(row["mask"])
    frame = table[["file", "mask", "patient"]]
    return replace(read(frame, image="file", mask="mask", group="patient", features=()), name="outlines")


@study(
    ref=43,
    title="Detection and diagnosis of diabetic eye diseases using two phase transfer learning approach",
    authors="Madduri et al.",
    venue="PeerJ Computer Science 10, e2135",
    year=2024,
    doi="10.7717/peerj-cs.2135",
    modality="fundus photographs",
    task="five classes of eye, then the outline of what is ill",
    method="a modified ResNet50 that classifies, then a DenseUNet that outlines",
    transfer=("fine-tuning", "sequential"),
    access="several sets: DRISHTI-GS, Messidor and Messidor-2 (registration), and one on Kaggle; more of the "
    "study at doi:10.6084/m9.figshare.22760705.v2",
    data=("cataract",),
    stand_ins={
        "eye_diseases": "four classes of the five, without macular oedema and without outlines; each class "
        "has sources of its own.",
    },
    generated=small,
    networks=("timm:resnet50", "timm:densenet121"),
    facts=(
        Fact("Phase 1: a modified ResNet50, pretrained on ImageNet, classifies.", "read"),
        Fact("Phase 2: a transferred DenseUNet outlines the lesion in images that are ill.", "read"),
        Fact("Normal, diabetic macular oedema, diabetic retinopathy, glaucoma, cataract.", "read"),
        Fact(
            "By the review's row the sets are DRISHTI-GS, Messidor, Messidor-2 and a cataract set of Kaggle.",
            "read",
        ),
        Fact("Modified: squeeze and excitation behind the last block; the upper half trains.", "proposed"),
        Fact("Contrast is equalised locally (CLAHE) within the round field.", "proposed"),
        Fact("DenseUNet: a U-Net whose encoder is DenseNet121.", "proposed"),
        Fact(
            "The images of phase 1 have no outlines. So phase 2 has images of its own, and a DenseNet121 "
            "that first tells which of them are ill, in place of phase 1's ResNet50.",
            "proposed",
        ),
    ),
    published=(
        Published("phase 1, several classes, best", "accuracy", 0.9967, "abstract"),
        Published("phase 1, several classes, best", "sensitivity", 0.9954, "abstract"),
        Published("phase 1, several classes, best", "specificity", 0.9973, "abstract"),
    ),
    caveats=(
        "The classes come from several sets, so that a network may tell the set and not the disease.",
        "Outlines of lesions are generated here: no public set of this catalogue has them.",
    ),
    leaks=("supposed: both eyes of a person, and copies, stand on both sides of the split",),
)
def madduri2024(run: Run) -> None:
    """Do pretrained networks classify eyes better than random weights do, and then outline what is ill?"""
    cohort = merged([patients_in_names(run.cohort(), EYES)])
    if not run.generated:
        from medgraft.studies.kit.cleaned import cleaned

        cohort = cleaned(cohort, "crop_fundus,clahe:clip=0.02", run.out / "filtered")
    if not run.honest:
        cohort = leaks.ungrouped(cohort)
    first, second = (run.called(name) for name in run.study.networks)
    settings = f"source={first},epochs={run.pick(8, 3)}"
    modified = f"finetune:{settings},attention=se"
    run.trial(
        "Which disease",
        cohort,
        [modified, f"finetune:{settings}", f"scratch:{settings}", f"linear-probe:source={first}"],
        method=modified,
        source=run.sources("timm:resnet50"),
        folds=run.pick(3, 2),
        metric="balanced_accuracy",
    )
    if not run.honest:
        return  # nothing leaks in the second phase
    run.note("The outlines of phase 2 are generated, whatever the data of phase 1.")
    drawn = outlines(run.out.resolve() / "outlines", run.seed, 24)
    settings = f"source={second},epochs={run.pick(6, 4)},batch_size={run.pick(16, 4)}"
    run.trial(
        "Where it is",
        drawn,
        [f"two-phase:{settings}", f"unet:{settings}", f"unet-scratch:{settings}"],
        method=f"two-phase:{settings}",
        source=run.sources("timm:densenet121"),
        folds=2,
    )
