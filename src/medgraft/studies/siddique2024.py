"""[59] Heads on Inception-v3 trained by Adam that then meet as a particle swarm, on brain MRI."""

from medgraft.studies.kit import Fact, Published, Run, leaks, study
from medgraft.studies.kit.beside import against, best_on_test
from medgraft.studies.kit.made import pictures


@study(
    ref=59,
    title="Optimizing Tumor Classification Through Transfer Learning and Particle Swarm Optimization-Driven "
    "Feature Extraction",
    authors="Siddique et al.",
    venue="IEEE Access 12, 85929-85939",
    year=2024,
    doi="10.1109/ACCESS.2024.3412412",
    modality="brain MRI",
    task="four classes of brain MRI",
    method="Inception-v3 whose weights a particle swarm and Adam find in turn (PSO-INCEPT)",
    transfer=("feature",),
    access="on Kaggle; which set of four classes could not be read",
    stand_ins={
        "brain_tumour_mri": "one of the two sets of these four classes that it may have been.",
        "brain_tumour_sartaj": "the other one, of 3,264 slices.",
    },
    generated=pictures(("glioma", "meningioma", "notumor", "pituitary")),
    networks=("timm:inception_v3",),
    facts=(
        Fact("The weights of each Inception-v3 are a particle; Adam alone first, then the swarm.", "read"),
        Fact("The models share weights and losses, and the swarm is to improve validation accuracy.", "read"),
        Fact("The four classes are glioma, meningioma, pituitary tumour and none.", "remembered"),
        Fact("The trunk is frozen and a particle is a head of one hidden layer.", "proposed"),
        Fact(
            "Six particles (four to eight), 20 passes of Adam, 20 moves; inertia 0.7, pulls 1.5.", "proposed"
        ),
    ),
    published=(
        Published("validation", "accuracy", 0.9933, "abstract"),
        Published("training", "accuracy", 0.9995, "abstract"),
    ),
    caveats=(
        "The swarm's best place is chosen on validation rows, and the published figure is of validation: too "
        "good by what such a choice gains. Here the choice is made on patients inside the training part.",
        "With whole networks as particles it would be fine-tuning; here only the heads move.",
        "The public sets name no patients: slices of one patient that look different may stay apart.",
    ),
    leaks=(
        "supposed: slices are dealt at random, so that copies and slices of one patient teach and are tested",
        "supposed: of swarms of four, six and eight the one is told that the tested slices like best",
    ),
)
def siddique2024(run: Run) -> None:
    """Does a swarm of heads on frozen features beat training from scratch, and heads that never meet?"""
    cohort = leaks.grouped_copies(run.cohort())
    if not run.honest:
        cohort = leaks.ungrouped(cohort)
    net, epochs = run.called(run.study.networks[0]), run.pick(12, 3)
    probe = f"linear-probe:source={net}"
    method, alone = f"{probe}+pso-mlp", f"{probe}+pso-mlp:epochs=40,rounds=0"  # as many passes, no swarm
    swarms = [method] if run.honest else [method, f"{method}:particles=4", f"{method}:particles=8"]
    result = run.trial(
        "Kinds of tumour",
        cohort,
        [
            *swarms,
            alone,
            f"finetune:source={net},epochs={epochs},optimizer=adam",
            f"scratch:source={net},epochs={epochs}",
            probe,
        ],
        method=method,
        source=run.sources(),
        folds=run.pick(3, 2),
        metric="accuracy",
    )
    if not run.honest:
        method = best_on_test(run, result, swarms)
    against(run, "A swarm, or Adam alone", result, method, alone)
