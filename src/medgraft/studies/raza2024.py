"""[46] A fine-tuned MobileNet whose settings a particle swarm finds, on eyes and on brains."""

from dataclasses import replace
from pathlib import Path

from medgraft.cohort import Cohort
from medgraft.studies.kit import Fact, Published, Run, leaks, study
from medgraft.studies.kit.chosen import chosen_before
from medgraft.studies.kit.fair import control
from medgraft.studies.kit.made import images_of
from medgraft.studies.kit.merged import merged
from medgraft.studies.kit.names import PERSONS, patients_in_names

EYES, BRAINS = "eye_diseases", "brain_tumour_mri"
TITLES = {EYES: "Eye diseases", BRAINS: "Brain tumours"}
WHOLE = "lr=log(1e-5,1e-2),batch_size=logint(8,64)"
RANGES = f"{WHOLE},unfreeze=float(0.05,0.5)"


def small(folder: Path, seed: int) -> dict[str, Cohort]:
    """Return generated colour and grey images, two of each patient."""
    classes = {EYES: ("cataract", "glaucoma", "normal"), BRAINS: ("glioma", "notumor")}
    return {
        name: images_of(
            folder / name,
            9 * len(kinds),
            classes=kinds,
            sites=("a",),
            rows_per_patient=2,
            colour=name == EYES,
            noise=0.1,
            seed=seed + k,
        )
        for k, (name, kinds) in enumerate(classes.items())
    }


@study(
    ref=46,
    title="Enhancing Medical Image Classification through PSO-Optimized Dual Deterministic Approach and "
    "Robust Transfer Learning",
    authors="Raza et al.",
    venue="IEEE Access",
    year=2024,
    doi="10.1109/ACCESS.2024.3504266",
    modality="fundus, brain MRI",
    task="ten eye diseases; kinds of brain tumour",
    method="MobileNet with a particle swarm with constriction factor (MOB-CFPSO)",
    transfer=("fine-tuning",),
    access="names and sizes of the two sets could not be read",
    stand_ins={
        EYES: "four classes in place of ten.",
        BRAINS: "four classes of brain MRI, without patients.",
    },
    generated=small,
    networks=("timm:mobilenetv1_100",),
    facts=(
        Fact("MobileNet and a modified particle swarm with constriction factor.", "read"),
        Fact("Colour fundus images of 10 classes, and grey MRI of brain tumours.", "read"),
        Fact("A particle is a learning rate, a share of released blocks and a batch size.", "proposed"),
        Fact(
            "Its fitness is balanced accuracy on a quarter of the training patients; 24 settings.", "proposed"
        ),
        Fact(
            "The network from random weights has the same search of rate and batch size; as published, none.",
            "proposed",
        ),
        Fact("chi = 2 / |2 - phi - sqrt(phi^2 - 4 phi)| with phi = 4.1, for the constriction.", "proposed"),
    ),
    published=(
        Published("brain MRI, training", "accuracy", 1.0, "abstract, in a summary"),
        Published("brain MRI, validation", "accuracy", 0.9986, "abstract, in a summary"),
        Published("fundus, training", "accuracy", 0.9509, "abstract, in a summary"),
        Published("fundus, validation", "accuracy", 0.9766, "abstract, in a summary"),
    ),
    caveats=(
        "The figures are of validation, on which the swarm chose; none of a test set was read.",
        "What is dual and deterministic in the title could not be read.",
        "On fundus images validation is above training: the summary may have them in the wrong order.",
        "24 settings are two rounds of twelve particles, few for a swarm: more cost more, and "
        "for the control, whose whole network trains, most.",
    ),
    leaks=(
        "supposed: settings are searched on all rows, those among them that figures are of",
        "supposed: eyes of one person, and slices of one patient, are dealt to both sides",
    ),
)
def raza2024(run: Run) -> None:
    """Does a MobileNet tuned by a constricted swarm beat the same network from random weights?"""
    for name in TITLES:
        if run.data.has(name):
            _modality(run, name)


def _modality(run: Run, name: str) -> None:
    cohort = run.cohort(name)
    if name in PERSONS:
        cohort = patients_in_names(cohort, PERSONS[name])
    cohort = replace(merged([cohort]), domain=None)
    net, epochs = run.called(run.study.networks[0]), run.pick(3, 1)
    plain = f"finetune:source={net},epochs={epochs},views=1"
    search = f"tuned:search=pso-constriction,budget={run.pick(24, 13)}"
    best, scratch = f"{plain},{RANGES}+{search}", f"scratch:source={net},epochs={epochs}"
    if not run.honest:
        cohort = leaks.ungrouped(cohort)
        best = chosen_before(
            cohort, best, run.sources(), base=plain, metric="balanced_accuracy", seed=run.seed
        )
    run.trial(
        TITLES[name],
        cohort,
        [
            control(run, f"{scratch},{WHOLE}+{search}", scratch),
            best,
            plain,
            scratch,
            f"linear-probe:source={net}",
        ],
        method=best,
        source=run.sources(),
        folds=run.pick(3, 2),
        metric="balanced_accuracy",
    )
