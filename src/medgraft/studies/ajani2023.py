"""[62] Two small networks that may abstain, and a router between X-rays and CT, for COVID-19."""

from dataclasses import replace
from pathlib import Path

from medgraft.cohort import Cohort
from medgraft.studies.kit import Fact, Run, leaks, study
from medgraft.studies.kit.made import images_of
from medgraft.studies.kit.merged import confounds, given, merged
from medgraft.studies.kit.size_of import size_of
from medgraft.studies.kit.sureness import answered

LEVELS = ("other", "covid")
WORDS = {"covid-19": "covid", "covid-19, ards": "covid", "covid": "covid", "ct_covid": "covid", "*": "other"}
SETS = {
    "X-ray": ("covid_radiography", "covid_chestxray", "chest_xray_pneumonia"),
    "CT": ("covid_ct", "sars_cov2_ct"),
}


def small(folder: Path, seed: int) -> dict[str, Cohort]:
    """Return generated images of two kinds: shapes for X-rays, textures for CT."""
    usual = {"classes": LEVELS, "sites": ("a",), "noise": 0.15, "rows_per_patient": 2}
    return {
        "covid_radiography": images_of(folder / "xray", 24, seed=seed, **usual),
        "covid_ct": images_of(folder / "ct", 24, content="texture", colour=False, seed=seed + 1, **usual),
    }


@study(
    ref=62,
    title="Robotic Assistance in Radiology: A Covid-19 Scenario",
    authors="Ajani et al.",
    venue="IEEE Access 11, 49785-49793",
    year=2023,
    doi="10.1109/ACCESS.2023.3277526",
    modality="chest X-ray and CT",
    task="COVID-19 or not, for each kind of image",
    method="fine-tuned GoogLeNet and SqueezeNet; a router of kinds and abstention are ours",
    transfer=("fine-tuning",),
    access="public X-ray and CT sets whose names could not be read",
    stand_ins={
        "covid_radiography": "X-rays of several sources, each class from its own.",
        "covid_chestxray": "X-rays of one collection with few other findings.",
        "chest_xray_pneumonia": "X-rays of children without COVID-19, from one hospital.",
        "covid_ct": "CT slices out of papers.",
        "sars_cov2_ct": "CT slices of one country.",
    },
    generated=small,
    networks=("torchvision:googlenet", "torchvision:squeezenet1_1"),
    facts=(
        Fact("X-ray and CT sets for COVID-19; GoogLeNet and SqueezeNet with fine-tuning.", "read"),
        Fact("One model for each kind of image, and a router before them.", "proposed"),
        Fact("Unsure answers are left to a human: judged over all shares that are answered.", "proposed"),
        Fact("8 epochs, the upper half trains, three folds.", "proposed"),
    ),
    caveats=(
        "The paper could not be read: sets, split and figures are unknown, and the recipe is our reading.",
        "Published in 2023, and not in 2024 as in the review's table.",
        "The CT sets do not tell patients apart: near copies are kept together, which is the least.",
        "Where each class has its own source, the source can be learnt in place of the disease.",
    ),
    leaks=(
        "supposed: images are split at random, although the sets hold several images, or slices, of "
        "a patient",
    ),
)
def ajani2023(run: Run) -> None:
    """Do small fine-tuned networks beat scratch, for each kind of image, and know when to keep silent?"""
    kinds = {
        kind: merged(found) for kind, names in SETS.items() if (found := given(run, WORDS, LEVELS, *names))
    }
    epochs, nets = run.pick(8, 2), run.each("{}")
    arms = [f"finetune:source={name},epochs={epochs}" for name in nets]
    usual = {"source": run.sources(), "folds": run.pick(3, 2)}
    scratch = f"scratch:source={nets[0]},epochs={epochs}"
    for kind, whole in kinds.items():
        for sentence in confounds(whole):
            run.note(f"The sets of {kind}s are a confound here. {sentence}")
        cohort = replace(whole, domain=None) if run.honest else leaks.ungrouped(replace(whole, domain=None))
        controls = [scratch, *(f"linear-probe:source={name}" for name in nets)]
        result = run.trial(f"COVID-19 in {kind}", cohort, [*arms, *controls], method=arms[0], **usual)
        answered(run, f"Answers by sureness, {kind}", result.predictions, arms[0], scratch)
    if len(kinds) > 1:
        both = routed(kinds)
        router = f"linear-probe:source={nets[-1]}"
        run.trial("Router of kinds", both, [router, scratch], method=router, metric="accuracy", **usual)
    for source in run.sources():
        run.note(size_of(source))


def routed(kinds: dict[str, Cohort]) -> Cohort:
    """Return all images, with their kind as the class."""
    first, second = kinds
    parts = []
    for kind, c in kinds.items():
        told = c.table.assign(**{str(c.label): kind})
        parts.append(replace(c, table=told, levels=(first, second), positive=second, name=kind))
    return replace(merged(parts), domain=None)
