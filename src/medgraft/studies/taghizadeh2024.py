"""[45] A 1-D network of one's own, fine-tuned from its middle on, for imagined movements in EEG."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort import Cohort, generate, read
from medgraft.studies.kit import Fact, Run, leaks, study
from medgraft.studies.kit.beside import against, best_on_test

REGION = ("C5|C6", "C3|C4", "C1|C2")  # left and right electrode: one of the study's six regions
HANDS, BOTH = {"T0": "rest", "T1": "left", "T2": "right"}, {"T0": "rest", "T1": "fists", "T2": "feet"}
MEANING = {r: HANDS if r in (3, 4, 7, 8, 11, 12) else BOTH for r in range(3, 15)}
MOVED = (3, 5, 7, 9, 11, 13)  # runs in which subjects really moved
LEFT_OUT = ("S038", "S088", "S089", "S092", "S100", "S104")


def small(folder: Path, seed: int) -> Cohort:
    """Return recordings of three people named as PhysioNet's, with a rhythm for each movement."""
    made = generate.edf(
        folder,
        6,
        epochs=12,
        channels=(("C1", "C3", "C5", "C2", "C4", "C6"),),
        classes=("rest", "left", "right"),
        sites=("a",),
        seed=seed,
    )
    for i, path in enumerate(sorted(made.path.glob("P*.edf"))):
        path.rename(path.with_name(f"S{i // 2 + 1:03d}R{(4, 8)[i % 2]:02d}.edf"))
    return read(folder, require_label=False)


def pairs(cohort: Cohort, folder: Path, seconds: float) -> Cohort:
    """Return one row for each pair of electrodes of a trial, from its cue on, and from 0 to 1.

    The source is everybody but the last subject, or, where there is one subject, the runs in which they
    really moved; the target is imagined.
    """
    from medgraft.cohort.formats.signal_windows import write_windows
    from medgraft.sources.signals import SignalInput

    table = cohort.table
    named = table["file"].str.extract(r"(S\d{3})R(\d\d)\.")
    if named.isna().any(axis=None):
        raise MedgraftError("The recordings must be named as PhysioNet's, S001R04.edf: rename them.")
    subject, run = named[0], named[1].astype(int)
    alone = subject.nunique() == 1
    source = run.isin(MOVED) if alone else subject != subject.max()
    used = run.isin(list(MEANING)) & ~subject.isin(LEFT_OUT) & (table["seconds"] >= seconds)
    used &= alone | ~run.isin(MOVED)
    channels = tuple("|".join(REGION).split("|"))
    windows, rows = [], []
    for i in np.flatnonzero(used):
        whole = SignalInput(channels=channels).open(str(table[cohort.signal].iloc[i]))
        values = whole.values[:, : round(seconds * whole.rate)]
        for k in range(len(REGION)):
            pair = values[2 * k : 2 * k + 2]
            low, high = pair.min(), pair.max()
            pair = ((pair - low) / ((high - low) or 1.0)).astype(np.float32)
            windows.append(replace(whole, values=pair, channels=("left", "right"), units=("", "")))
            rows.append(
                {
                    "label": MEANING[run.iloc[i]][table["label"].iloc[i]],
                    "trial": f"{table['file'].iloc[i]} {table['start'].iloc[i]:g}",
                    "part": "source" if source.iloc[i] else "target",
                }
            )
    folder.mkdir(parents=True, exist_ok=True)
    made = pd.DataFrame(rows).assign(signal=write_windows(folder / "pairs.safetensors", windows))
    return read(made, label="label", signal="signal", group="trial", domain="part")


@study(
    ref=45,
    title="EEG Motor Imagery Classification by Feature Extracted Deep 1D-CNN and Semi-Deep Fine-Tuning",
    authors="Taghizadeh et al.",
    venue="IEEE Access 12, 111265-111279",
    year=2024,
    doi="10.1109/ACCESS.2024.3430838",
    modality="EEG",
    task="five classes: rest, and imagined right, left, both fists and feet",
    method="a deep 1-D CNN of their own, pretrained and fine-tuned from the middle on",
    transfer=("fine-tuning",),
    access="open, PhysioNet",
    data=("eegmmi",),
    generated=small,
    facts=(
        Fact(
            "By the review's row: fine-tuning of a pretrained model, with data of which features were "
            "extracted.",
            "read",
        ),
        Fact("103 of PhysioNet's 109 subjects, five classes, imagined movements alone.", "code"),
        Fact("Three 1-D convolutions and four dense layers; Adam 1e-4, batches of 10, 100 epochs.", "code"),
        Fact("Pairs of electrodes as samples of 640 x 2, scaled from 0 to 1 one by one.", "code"),
        Fact("80, 10 and 10 % of the pairs teach, validate and test; SMOTE on those that teach.", "code"),
        Fact("Features of windows of a second: moments, covariances, spectra.", "code"),
        Fact("Four epochs, one at a time, until the accuracy on the test rows exceeds that before.", "code"),
        Fact(
            "Source: all but the last subject; of one subject alone the runs with real movement.", "proposed"
        ),
        Fact("The region of C1 to C6, conv3 and all above released, 20 epochs before.", "proposed"),
        Fact("Class weights in place of SMOTE on flattened windows.", "proposed"),
    ),
    caveats=(
        "No figure of the paper could be read, nor its abstract: the code was.",
        "Features of windows are not extracted here: both steps learn from the scaled pairs themselves.",
        "The code releases a pooling layer and a flattening one, which have no weights: as it stands, it "
        "goes on training all layers. Semi-deep is our reading.",
    ),
    leaks=(
        "pairs of electrodes of one trial are on both sides of the split",
        "the number of epochs is chosen by the test rows",
    ),
)
def taghizadeh2024(run: Run) -> None:
    """Does a network that learnt other people's movements, or real ones, help with imagined ones?"""
    whole = run.cohort(require_label=False)
    if whole.table["file"].str[:4].nunique() == 1:
        run.note("Of one person alone: the source is the same person's runs of real movement.")
    cohort = pairs(whole, run.out / "pairs", run.pick(4.0, 2.0))
    if not run.honest:
        cohort = leaks.ungrouped(cohort)
    net = "medgraft:cnn1d"
    before, most = run.pick(20, 6), 4
    same = f"source={net},class_weight=balanced"
    tuned = f"pretrain-finetune:{same},pretrain_epochs={before},layers=conv3-dense4,epochs="
    arms = [f"{tuned}{n}" for n in ([most] if run.honest else [1, most])]
    scratch = f"scratch:{same},rows=target,epochs={before + most}"
    probe = f"pretrain-finetune:{same},pretrain_epochs={before},epochs=0"
    settings = {
        "source": net,
        "target": "target",
        "folds": run.pick(3, 2),
        "views": ["band-power"],
    }
    every = ["target-only", scratch, probe, *arms]
    result = run.trial("Movements", cohort, every, method=arms[-1], **settings)
    own = arms[-1] if run.honest else best_on_test(run, result, arms)
    against(run, "Movements: the network with and without a source", result, own, scratch, first=True)
