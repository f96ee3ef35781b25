"""[64] Networks that first learn from unlabelled X-rays, then from implants; their features go to an SVM."""

from dataclasses import replace
from pathlib import Path

from medgraft.cohort import Cohort
from medgraft.studies.kit import Fact, Run, leaks, study
from medgraft.studies.kit.made import images_of
from medgraft.studies.kit.self_taught import self_taught

MAKERS = ("cofield", "depuy", "tornier", "zimmer")
UNLABELLED = "chest_xray_pneumonia"


def small(folder: Path, seed: int) -> dict[str, Cohort]:
    """Return generated grey pictures of four makers, and more of the same kind whose label nobody reads."""
    usual = {"content": "texture", "colour": False, "classes": MAKERS, "sites": ("a",), "noise": 0.15}
    many = images_of(folder / "unlabelled", 60, seed=seed + 1, **usual)
    few = images_of(folder / "labelled", 32, rows_per_patient=2, seed=seed, **usual)
    return {"shoulder_implants": few, UNLABELLED: many}


@study(
    ref=64,
    title="SSP: self-supervised pertaining technique for classification of shoulder implants in x-ray "
    "medical images: a broad experimental study",
    authors="Alzubaidi et al.",
    venue="Artificial Intelligence Review 57(10)",
    year=2024,
    doi="10.1007/s10462-024-10878-0",
    modality="shoulder X-ray",
    task="four makers of an implant",
    method="ImageNet weights, self-supervision on unlabelled grey X-rays, fine-tuning, features to an SVM",
    transfer=("self-supervised",),
    access="open, UCI; the unlabelled X-rays are not named in what could be read",
    data=("shoulder_implants",),
    stand_ins={UNLABELLED: "children's chests, labels unread, in place of the study's unlabelled X-rays."},
    generated=small,
    networks=(
        "timm:legacy_xception",
        "timm:inception_resnet_v2",
        "timm:mobilenetv2_100",
        "timm:efficientnet_b0",
        "medgraft:darknet19",
    ),
    facts=(
        Fact("597 images of four makers: Cofield, Depuy, Tornier, Zimmer.", "read"),
        Fact("The ImageNet models are trained on in the domain, by self-supervision (SSP).", "read"),
        Fact("That stage reads many unlabelled grey medical images; few labelled ones follow.", "remembered"),
        Fact("Xception, InceptionResNetV2, MobileNetV2, EfficientNet, DarkNet19.", "read"),
        Fact("Deep features then go to classical learners; Xception with an SVM was best.", "remembered"),
        Fact("Another paper on the set tells 89.5 % for DenseNet-201.", "read"),
        Fact("The task without labels: tell by how many quarters an image is turned.", "proposed"),
        Fact("Ten epochs without labels, eight with; the upper half of each network trains.", "proposed"),
    ),
    caveats=(
        "The study argues that ImageNet alone does not help grey X-rays: the arms without the stage test "
        "that.",
        "The abstract breaks off where it says what the stage reads, and its figures could not be read.",
        "One patient may have several images, which no file tells; near copies are kept together here.",
        "No leak is known. Which EfficientNet it was, and the task without labels, could not be read.",
        "DarkNet19 has no public weights: it stands in the card, and runs only where --backbone names it.",
    ),
)
def alzubaidi2024(run: Run) -> None:
    """Does a self-supervised stage on unlabelled X-rays help networks tell implants apart?"""
    cohort = leaks.grouped_copies(run.cohort("shoulder_implants"))
    published = run.pick(run.study.networks[:4], run.study.networks[:1])
    sources, epochs = run.sources(*published), run.pick(8, 2)
    plain = [f"finetuned-features:source={name},epochs={epochs}" for name in run.each("{}", *published)]
    if run.data.has(UNLABELLED):
        others = run.cohort(UNLABELLED)
        images = [str(cell) for cell in others.table[str(others.image)]]
        place = run.out / "self_taught"
        names = [f"ssp_{name}" for name in run.each("{}", *published)]
        taught = [
            self_taught(source, images, place / f"{name}.safetensors", epochs=run.pick(10, 4), seed=run.seed)
            for source, name in zip(sources, names, strict=True)
        ]
        staged = [f"finetuned-features:source={name},epochs={epochs}" for name in names]
    else:
        run.note(f"Without {UNLABELLED} the stage without labels reads each fold's training images.")
        taught, names = [], []
        staged = [f"{arm},pretext=rotation,pretext_epochs={run.pick(10, 2)}" for arm in plain]
    run.trial(
        "Maker of the implant",
        replace(cohort, domain=None),
        [
            f"scratch:source={run.called(published[0])},epochs={epochs}",
            *(f"{arm}+svm" for arm in [*staged, *plain]),
            *(f"linear-probe:source={name}+svm" for name in [*names, *run.each("{}", *published)]),
            *run.each("linear-probe:source={}", *published),
        ],
        method=f"{staged[0]}+svm",
        source=[*sources, *taught],
        folds=run.pick(5, 2),
        metric="balanced_accuracy",
    )
