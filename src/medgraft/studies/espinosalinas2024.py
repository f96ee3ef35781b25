"""[52] What a network says of a driver's face, beside selected driving signals, to a 1-D network."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medgraft.cohort import Cohort, generate, read
from medgraft.studies.kit import Fact, Published, Run, leaks, study
from medgraft.studies.kit.beside import against

EMOTIONS = ("agitation", "anger", "joy", "sadness")
SIGNALS = ("steering", "throttle", "brake", "speed", "gear", "lane", "horn", "yaw")
TELLING = 4  # of the generated signals; the others are noise


def small(folder: Path, seed: int) -> Cohort:
    """Return generated faces and signals of eight drivers, in all emotions; neither kind tells all alone."""
    settings: dict[str, Any] = {
        "size": 32,
        "colour": True,
        "sites": ("a",),
        "classes": EMOTIONS,
        "mixed_labels": True,
    }
    made = generate.images(folder, 8, rows_per_patient=20, noise=0.3, seed=seed, **settings)
    frame = pd.read_csv(made.path / "manifest.csv")
    rng = np.random.default_rng([seed, 52])
    felt = frame["label"].map(EMOTIONS.index).to_numpy()
    driver = pd.factorize(frame["patient"])[0]
    values = rng.normal(size=(len(frame), len(SIGNALS))) + 0.3 * rng.normal(size=(8, len(SIGNALS)))[driver]
    values[:, :TELLING] += 1.5 * np.eye(len(EMOTIONS))[felt]
    frame = frame.drop(columns=["sex", "age"]).join(pd.DataFrame(values, columns=list(SIGNALS)))
    frame["file"] = [str(made.path / cell) for cell in frame["file"]]
    return read(frame, image="file", label="label", group="patient", features=SIGNALS)


@study(
    ref=52,
    title="Multimodal driver emotion recognition using motor activity and facial expressions",
    authors="Espino-Salinas et al.",
    venue="Frontiers in Artificial Intelligence 7",
    year=2024,
    doi="10.3389/frai.2024.1467051",
    modality="photographs of faces, driving signals",
    task="four emotions of drivers",
    method="class probabilities of a pretrained network beside selected signals, to a 1-D network",
    transfer=("feature",),
    access="closed, as far as could be seen: recorded in a driving simulator",
    stand_ins={
        "fer2013": "faces alone, of seven emotions and of persons who are not told apart: only the study's "
        "first stage can be run on it.",
    },
    generated=small,
    networks=("torchvision:vgg16", "timm:inception_v3", "timm:efficientnet_b0"),
    facts=(
        Fact(
            "Anger, sadness, agitation and joy; faces were taken while emotions were induced, in simulated "
            "driving (CARLA).",
            "read",
        ),
        Fact(
            "The most relevant driving signals are selected; a pretrained CNN gives four probabilities for a "
            "face.",
            "read",
        ),
        Fact("Probabilities and signals are joined and go to a one-dimensional CNN.", "read"),
        Fact("The networks for faces: VGG16, InceptionV3, EfficientNet.", "read"),
        Fact("They stay frozen, under a linear head; the first one's probabilities are joined.", "proposed"),
        Fact("Probabilities that teach come from folds of drivers whose faces did not teach.", "proposed"),
        Fact(
            "The selection comes after joining: of signals and probabilities together six are kept, those "
            "that tell most and are least alike, so that a probability may fall out as well.",
            "proposed",
        ),
    ),
    published=(Published("faces and signals", "accuracy", 0.96, "abstract"),),
    caveats=(
        "How rows were split, and which EfficientNet it was, is not known; here each driver in turn is left "
        "out.",
        "The order of signals and probabilities along the 1-D network is arbitrary.",
        "The review's table writes Salinas.",
    ),
)
def espinosalinas2024(run: Run) -> None:
    """Do a pretrained network's probabilities of a face beside signals beat a network from random weights?"""
    cohort = run.cohort()
    epochs = run.pick(12, 2)
    name, *others = run.each("{}")
    scratch = f"scratch:source={name},epochs={epochs}"
    faces, *rest = (f"linear-probe:source={net}" for net in (name, *others))
    settings: dict[str, Any] = {"source": run.sources(), "metric": "accuracy"}
    if not cohort.features:
        run.note("There are no signals: what is compared is the study's first stage, faces alone.")
        run.trial("Faces", leaks.grouped_copies(cohort), [faces, *rest, scratch], method=faces, **settings)
        return
    drivers = min(len(np.unique(cohort.groups[cohort.y == k])) for k in range(len(cohort.classes or ())))
    keep = min(6, len(cohort.features))
    joined = f"cascade:first={run.sources()[0].facts.architecture}"
    cascade = f"{joined}+mrmr:features={keep}+cnn1d"
    signals = "fusion:parts=clinical+cnn1d"
    arms = [cascade, joined, faces, *rest, signals, scratch]
    result = run.trial(
        "Emotions",
        cohort,
        arms,
        method=cascade,
        folds=drivers,
        **settings,
    )
    # The network's share: faces with a pretrained one or not. What joining adds is no transfer.
    against(run, "Faces alone: the pretrained network", result, faces, scratch, first=True)
    against(run, "Faces beside signals, or faces alone", result, cascade, faces)
    against(run, "Faces beside signals, or signals alone", result, cascade, signals)
