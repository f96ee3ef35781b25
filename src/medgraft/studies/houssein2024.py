"""[34] A deep CNN of the study's own beside five fine-tuned networks, on skin lesions."""

from pathlib import Path

from medgraft.cohort import Cohort
from medgraft.sources import Pretrained
from medgraft.studies.kit import Fact, Published, Run, leaks, study
from medgraft.studies.kit.beside import against
from medgraft.studies.kit.made import images_of


def small(folder: Path, seed: int) -> dict[str, Cohort]:
    """Return generated photographs of lesions, two of each."""
    made = images_of(
        folder, 36, classes=("bkl", "mel", "nv"), sites=("a",), noise=0.15, rows_per_patient=2, seed=seed
    )
    return {"ham10000": made}


@study(
    ref=34,
    title="An effective multiclass skin cancer classification approach based on deep convolutional neural "
    "network",
    authors="Houssein et al.",
    venue="Cluster Computing 27(9), 12799-12819",
    year=2024,
    doi="10.1007/s10586-024-04540-1",
    modality="dermoscopy",
    task="seven (HAM10000) or eight (ISIC 2019) diagnoses",
    method="a deep CNN of its own; VGG16/19, DenseNet121/201 and MobileNetV2 as baselines",
    transfer=("fine-tuning",),
    access="open, Harvard Dataverse and the ISIC archive",
    data=("ham10000", "isic_2019"),
    generated=small,
    networks=(
        "torchvision:vgg16",
        "torchvision:vgg19",
        "torchvision:densenet121",
        "torchvision:densenet201",
        "timm:mobilenetv2_100",
    ),
    facts=(
        Fact("A new deep CNN beside VGG16, VGG19, DenseNet121, DenseNet201 and MobileNetV2.", "read"),
        Fact("HAM10000 (10,015 images) and ISIC 2019, both unbalanced.", "read"),
        Fact("ISIC 2019 has 25,331 images, of HAM10000's seven classes and an eighth.", "remembered"),
        Fact("Judged by accuracy, recall, precision, F1, specificity and AUC.", "read"),
        Fact("HAM10000 has several photographs of some lesions.", "remembered"),
        Fact("The CNN: five stages of two convolutions (medgraft:plain_cnn), at 64 pixels.", "proposed"),
        Fact(
            "The upper half trains for 8 epochs, classes weigh the same in the loss, three folds.", "proposed"
        ),
    ),
    published=(
        Published("the study's own CNN, HAM10000", "accuracy", 0.985, "abstract"),
        Published("the study's own CNN, ISIC 2019", "accuracy", 0.971, "abstract"),
    ),
    caveats=(
        "The pretrained networks are the study's baselines, and lose to its CNN, which learns from scratch; "
        "their figures could not be read.",
        "Our verdict is about transfer: its best-known baseline, VGG16, against VGG16 from random weights.",
    ),
    leaks=("supposed: photographs of one lesion stand on both sides of the split",),
)
def houssein2024(run: Run) -> None:
    """Do pretrained networks beat random weights, and a CNN of the study's own beat them, on skin lesions?"""
    settings = f"epochs={run.pick(8, 3)},class_weight=balanced"
    arms = run.each(f"finetune:source={{}},{settings}")
    first = run.called(run.study.networks[0])
    own = f"scratch:source=plain_cnn,{settings}"
    sources = run.sources()
    plain = Pretrained("medgraft:plain_cnn", size=min(64, sources[0].facts.input_size))
    run.note("Marked as the study's is its best-known baseline, VGG16, for the verdict is about transfer.")
    run.note("The study's own network is 'plain_cnn', our reading of it; its weights start at random.")
    for name, title in (("ham10000", "HAM10000"), ("isic_2019", "ISIC 2019")):
        if not run.data.has(name):
            continue
        cohort = run.cohort(name)
        result = run.trial(
            title,
            cohort if run.honest else leaks.ungrouped(cohort),
            [*arms, f"scratch:source={first},{settings}", own, *run.each("linear-probe:source={}")],
            method=arms[0],
            source=[*sources, plain],
            folds=run.pick(3, 2),
            metric="balanced_accuracy",
        )
        against(run, f"{title}: the study's own CNN against its baseline", result, own, arms[0])
