"""[40] ECG drawn as pictures over frequency and time, to networks for photographs, for COPD."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from medgraft.cohort import Cohort, generate, read
from medgraft.studies.kit import Fact, Run, study

NORMAL = ("1", "NORM", "healthy")  # ECG5000's, PTB-XL's and ours
RATE = 140.0  # ECG5000 has 140 samples a beat, however long that was: taken for a second


def small(folder: Path, seed: int) -> Cohort:
    """Return two short one-lead signals of each of 20 people, whose rhythm is faster if they are ill."""
    made = generate.text_signals(
        folder,
        20,
        length=256,
        classes=("healthy", "copd"),
        sites=("a",),
        rows_per_patient=2,
        noise=0.1,
        seed=seed,
    )
    table = made.table.assign(signal=[str(made.path / name) for name in made.table["file"]])
    return read(table[["signal", "label", "patient"]], label="label", signal="signal", group="patient")


def ill_or_not(cohort: Cohort, folder: Path) -> Cohort:
    """Return signals whose label is ill or healthy; rows of numbers are written as signals of one lead."""
    from medgraft.cohort.formats.signal_windows import write_windows
    from medgraft.cohort.media import Signal

    names = np.array(cohort.classes, dtype=object)[cohort.y]
    ill = np.where(np.isin(names, NORMAL), "healthy", "ill")
    if cohort.signal is None:
        beats = cohort.X.to_numpy(np.float32)
        folder.mkdir(parents=True, exist_ok=True)
        refs = write_windows(
            folder / "beats.safetensors", [Signal(row[None], RATE, ("ECG",), ("",)) for row in beats]
        )
        made = read(pd.DataFrame({"signal": refs, "ill": ill}), label="ill", positive="ill", signal="signal")
        return replace(made, name=cohort.name)
    return replace(
        cohort,
        table=cohort.table.assign(ill=ill),
        label="ill",
        positive="ill",
        task="binary",
        levels=("healthy", "ill"),
        features=(),
        domain=None,
    )


@study(
    ref=40,
    title="Deep Transfer Learning for Chronic Obstructive Pulmonary Disease Detection Utilizing "
    "Electrocardiogram Signals",
    authors="Moran et al.",
    venue="IEEE Access 11, 40629-40644",
    year=2023,
    doi="10.1109/ACCESS.2023.3269397",
    modality="ECG, one lead",
    task="chronic obstructive pulmonary disease (COPD) or healthy",
    method="wavelet and Stockwell pictures to four fine-tuned networks",
    transfer=("fine-tuning",),
    access="recorded by the authors, perhaps on request",
    stand_ins={
        "ecg5000": "beats of one patient with heart failure, normal or not: no COPD, and no second patient.",
        "ptb_xl": "ten seconds of lead II, normal or not: other diseases, thousands of patients.",
    },
    generated=small,
    networks=(
        "timm:legacy_xception",
        "torchvision:vgg19",
        "timm:inception_resnet_v2",
        "torchvision:densenet121",
    ),
    facts=(
        Fact("Single ECG signals, as pictures of wavelet and Stockwell transform.", "read"),
        Fact("Said to be the first annotated data in this field.", "read"),
        Fact("By the review's row: Xception, VGG-19, InceptionResNetV2 and DenseNet-121.", "read"),
        Fact("Morlet wavelets; pictures in decibels; a fifth or a half of the network released.", "proposed"),
        Fact("Folds by subject; a subject's probability is the mean of the windows'.", "proposed"),
        Fact("The verdict is about the first of its arms: Xception, a fifth released, wavelets.", "proposed"),
    ),
    caveats=(
        "Published in 2023, and not in 2024 as in the review's table.",
        "Neither figures nor the split could be read.",
        "Data are closed: no run of ours is about COPD.",
    ),
)
def moran2024(run: Run) -> None:
    """Do networks for photographs tell ill from healthy by pictures of one ECG lead?"""
    cohort = ill_or_not(run.cohort(), run.out / "beats")
    if cohort.group is None:
        run.note("All beats are of one patient: nothing here is known of another.")
    epochs, first = run.pick(3, 2), run.called(run.study.networks[0])
    tried = run.study.networks[: run.pick(4, 1)]
    arms = [
        arm
        for depth in run.pick((0.2, 0.5), (0.5,))
        for arm in run.each(f"finetune:source={{}},epochs={epochs},unfreeze={depth}", *tried)
    ]
    shape = run.pick("channels=II," if cohort.name == "ptb_xl" else "", "recorded=173.61,")
    for picture in ("scalogram", "stockwell"):
        run.trial(
            f"ECG as {picture}",
            cohort,
            [f"scratch:source={first},epochs={epochs}", *run.each("linear-probe:source={}", *tried), *arms],
            method=arms[0],
            source=run.sources(*tried),
            folds=run.pick(3, 2),
            reading=f"{shape}picture={picture}",
            aggregate="mean" if cohort.group is not None else None,
        )
