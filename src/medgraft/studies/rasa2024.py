"""[38] Six fine-tuned networks, two optimisers, with and without cross-validation, on brain MRI."""

from medgraft.studies.kit import Fact, Published, Run, leaks, study
from medgraft.studies.kit.made import pictures


@study(
    ref=38,
    title="Brain tumor classification using fine-tuned transfer learning models on magnetic resonance "
    "imaging (MRI) images",
    authors="Rasa et al.",
    venue="Digital Health 10",
    year=2024,
    doi="10.1177/20552076241286140",
    modality="brain MRI",
    task="tumour or none, and kinds of tumour",
    method="six fine-tuned networks, each with Adam and AdaMax",
    transfer=("fine-tuning",),
    access="BRATS 2015 by registration, the other set on Kaggle",
    data=("brain_tumour_sartaj",),
    stand_ins={"brain_tumour_mri": "another Kaggle set of the same four classes, which holds this one."},
    generated=pictures(("glioma", "meningioma", "none", "pituitary")),
    networks=(
        "torchvision:vgg16",
        "timm:resnet50",
        "timm:mobilenetv2_100",
        "torchvision:densenet201",
        "timm:efficientnet_b3",
        "torchvision:inception_v3",
    ),
    facts=(
        Fact("The six networks, Adam and AdaMax, upsampling by augmentation.", "read"),
        Fact("Three experiments, on sets of two and of several classes and of different sizes.", "read"),
        Fact("Scored with and without cross-validation; the time of runs is told.", "read"),
        Fact("The sets, by the review's row: BRATS 2015 and Brain Tumor Classification (Kaggle).", "read"),
        Fact("The Kaggle set is that of Sartaj (3,264 images).", "remembered"),
        Fact("Fine-tuning from the upper half on, 12 epochs; the paper's rates are not known.", "proposed"),
        Fact("The verdict is about the first of its arms, VGG16 with Adam: no winner was read.", "proposed"),
    ),
    published=(
        Published("small sets, training, without cross-validation", "accuracy", 1.0, "abstract"),
        Published("small sets, test, without cross-validation", "accuracy", 1.0, "abstract"),
        Published("small sets, with cross-validation", "accuracy", 0.9996, "abstract"),
        Published("small sets, with cross-validation, mean of five tests", "ROC", 1.0, "abstract"),
        Published("larger set, worst network", "accuracy", 0.9634, "abstract"),
        Published("larger set, best network", "accuracy", 0.982, "abstract"),
    ),
    caveats=(
        "With and without cross-validation was compared there; here is cross-validation alone.",
        "The experiment of two classes, tumour or none, is not repeated: BRATS 2015 is not read here.",
        "100 % on test rows without cross-validation suggests copies on both sides.",
        "The public sets name no patients: slices of one patient that look different may stay apart.",
    ),
    leaks=(
        "supposed: each image is copied once, turned, before the split, so that copies of test images teach",
    ),
)
def rasa2024(run: Run) -> None:
    """Does fine-tuning beat training from scratch on brain tumours, whatever network and optimiser?"""
    cohort = leaks.grouped_copies(run.cohort())
    if not run.honest:
        cohort = leaks.ungrouped(leaks.with_copies(cohort, run.out / "copies", 1, run.seed))
    epochs = run.pick(12, 3)
    arms = [
        arm
        for optimizer in ("adam", "adamax")
        for arm in run.each(f"finetune:source={{}},optimizer={optimizer},epochs={epochs}")
    ]
    first = run.called(run.study.networks[0])
    run.trial(
        "Kinds of tumour",
        cohort,
        [*arms, f"scratch:source={first},epochs={epochs}", *run.each("linear-probe:source={}")],
        method=arms[0],
        source=run.sources(),
        folds=run.pick(5, 2),
        metric="accuracy",
    )
