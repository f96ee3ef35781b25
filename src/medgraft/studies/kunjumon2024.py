"""[61] Two phases of fine-tuning on endoscopies of the oesophagus, without black frames."""

from dataclasses import replace
from pathlib import Path

from medgraft.cohort import Cohort
from medgraft.studies.kit import Fact, Run, leaks, study
from medgraft.studies.kit.cleaned import cleaned
from medgraft.studies.kit.made import images_of

STEPS = "crop_border,remove_highlights"


def small(folder: Path, seed: int) -> Cohort:
    """Return generated images from two endoscopes; that of most cancers leaves a black frame."""
    made = images_of(
        folder,
        30,
        classes=("healthy", "cancer"),
        sites=("a", "b"),
        shift=2.0,
        prevalence=(0.3, 0.7),
        noise=0.15,
        rows_per_patient=2,
        seed=seed,
    )
    return replace(made, domain=None)


@study(
    ref=61,
    title="Revolutionizing Esophageal Cancer Diagnosis: A Deep Learning-Based Method in Endoscopic Images",
    authors="Kunjumon et al.",
    venue="International Journal of Advanced Computer Science and Applications 15(7)",
    year=2024,
    doi="10.14569/ijacsa.2024.0150728",
    modality="endoscopy",
    task="oesophageal cancer or none",
    method="fine-tuned Inception-ResNet-v2",
    transfer=("fine-tuning",),
    access="a set on Kaggle that is not named in what could be read",
    generated=small,
    networks=("timm:inception_resnet_v2",),
    facts=(
        Fact("Inception-ResNet-v2, fine-tuned, on endoscopic images of Kaggle.", "read"),
        Fact("Two classes, cancer or none.", "proposed"),
        Fact("Phase 1: the head on the frozen trunk, solved and not run for a number of epochs.", "proposed"),
        Fact(
            "Phase 2: the upper 40 % of the blocks, all at once, by Adam, 20 epochs; the last block at 1e-5, "
            "those below it slower, the head at 1e-3.",
            "proposed",
        ),
        Fact("Black frames are cut off and the lamp's reflections painted over.", "proposed"),
    ),
    caveats=(
        "The paper was not read: no figure of it is shown, and its data are not known.",
        "A frame that one endoscope leaves can tell its patients' diagnosis: both readings are shown.",
    ),
)
def kunjumon2024(run: Run) -> None:
    """Does fine-tuning in two phases beat training from scratch on endoscopies?"""
    cohort = leaks.grouped_copies(run.cohort())
    _compare(run, "Cancer or none", cleaned(cohort, STEPS, run.out / "cleaned"))
    _compare(run, "Cancer or none, frames left on", cohort)


def _compare(run: Run, title: str, cohort: Cohort) -> None:
    name, epochs = run.called(run.study.networks[0]), run.pick(20, 3)
    rate = run.pick("1e-5", "1e-3")
    own = f"finetune:source={name},epochs={epochs},unfreeze=0.4,gradual=0,lr={rate},optimizer=adam"
    run.trial(
        title,
        cohort,
        [
            own,
            f"finetune:source={name},epochs={epochs},unfreeze=1,gradual=0,optimizer=adam",
            f"linear-probe:source={name}",  # phase 1 alone
            f"scratch:source={name},epochs={epochs}",
        ],
        method=own,
        source=run.sources(),
        folds=run.pick(5, 2),
        metric="accuracy",
    )
