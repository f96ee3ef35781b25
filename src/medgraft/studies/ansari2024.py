"""[47] Six networks with and without transfer, tuned, and how much each overfits, on chest CT."""

from medgraft.sources import Pretrained
from medgraft.studies.kit import Fact, Published, Run, leaks, study
from medgraft.studies.kit.beside import best_on_test
from medgraft.studies.kit.fair import control
from medgraft.studies.kit.gap import overfitting
from medgraft.studies.kit.made import pictures

TITLE = "Kinds of lung cancer"
CLASSES = ("adenocarcinoma", "large cell", "normal", "squamous cell")
RATES = ("1e-4", "5e-4", "2e-3")


@study(
    ref=47,
    title="Evaluating CNN Architectures and Hyperparameter Tuning for Enhanced Lung Cancer Detection Using "
    "Transfer Learning",
    authors="Ansari et al.",
    venue="Journal of Electrical and Computer Engineering 2024",
    year=2024,
    doi="10.1155/2024/3790617",
    modality="chest CT",
    task="three kinds of lung cancer, or none",
    method="six networks with and without transfer, and tuned",
    transfer=("fine-tuning",),
    access="said to be LIDC-IDRI; in all likelihood a set on Kaggle",
    data=("chest_ct",),
    generated=pictures(CLASSES, n_patients=36),
    networks=(
        "torchvision:densenet201",
        "timm:efficientnet_b4",
        "timm:resnet50",
        "timm:resnet101",
        "torchvision:vgg16",
        "torchvision:vgg19",
    ),
    facts=(
        Fact("Six networks, each from random weights and with transfer, and a CNN of their own.", "read"),
        Fact("Tuning of settings; figures on the training and on the validation part.", "read"),
        Fact("Their own CNN overfits; networks with transfer do better on the validation part.", "read"),
        Fact("Four classes: three kinds of cancer and normal; 460 x 460 pixels.", "read"),
        Fact("The set is the one on Kaggle, by its classes and size of images.", "proposed"),
        Fact("The Kaggle set has 613 training, 72 validation and 315 test images.", "remembered"),
        Fact("The upper half is fine-tuned, 12 epochs; a plain CNN stands for their own.", "proposed"),
        Fact("Tuned are the learning rate and the share of blocks that train.", "proposed"),
        Fact(
            "The control, from random weights, has the same search of its learning rate; as published, none.",
            "proposed",
        ),
    ),
    published=(
        Published("DenseNet-201 with transfer, validation", "accuracy", 0.9688, "abstract"),
        Published("EfficientNet-B4 with transfer, validation", "accuracy", 0.9653, "abstract"),
        Published("custom CNN, training rows", "accuracy", 0.9947, "abstract"),
        Published("custom CNN, training rows", "precision", 0.995, "abstract"),
        Published("custom CNN, training rows", "recall", 0.9837, "abstract"),
        Published("custom CNN, training rows", "AUC", 0.9998, "abstract"),
        Published("custom CNN, training rows", "F1", 0.9898, "abstract"),
    ),
    caveats=(
        "LIDC-IDRI, which the study names, has no labels of these four classes: they, and the format, are "
        "those of a set on Kaggle, which is read here.",
        "The set names no patients: slices of one that look different may stay apart. Its training folder "
        "alone is read, as the names of classes differ between its folders.",
        "The best network by validation is reported by the same validation.",
    ),
    leaks=(
        "supposed: slices are dealt at random, with near copies on both sides",
        "supposed: the learning rate is the one that does best on the rows that are reported",
    ),
)
def ansari2024(run: Run) -> None:
    """Do six networks do better, and overfit less, with transfer than from random weights?"""
    cohort = leaks.grouped_copies(run.cohort())
    if not run.honest:
        cohort = leaks.ungrouped(cohort)
    epochs, sources = run.pick(12, 3), run.sources()
    plain = Pretrained("medgraft:plain_cnn", size=sources[0].facts.input_size)
    settings = {"source": [*sources, plain], "folds": run.pick(5, 2), "metric": "accuracy"}
    first = run.called(run.study.networks[0])
    base = run.each(f"scratch:source={{}},epochs={epochs}")
    tuned = f"finetune:source={first},epochs={epochs}"
    arms = [
        *base,
        f"scratch:source=plain_cnn,epochs={epochs}",
        *run.each(f"finetune:source={{}},epochs={epochs}"),
        *run.each("linear-probe:source={}"),
    ]
    search = f"tuned:budget={run.pick(8, 2)}"
    alone = control(run, f"{base[0]},lr=log(1e-4,1e-2)+{search}", base[0])
    if run.honest:
        own = f"{tuned},lr=log(1e-4,2e-3),unfreeze=float(0.2,1)+{search}"
        run.trial(TITLE, cohort, [alone, own, *arms], method=own, **settings)
    else:
        swept = [f"{tuned},lr={rate}" for rate in RATES]
        result = run.trial(TITLE, cohort, [*swept, *arms], method=swept[0], **settings)
        best_on_test(run, result, swept)
    overfitting(run, "Overfitting", cohort, [tuned, base[0]], sources)
    run.note("Overfitting is measured on one split, without tuning.")
