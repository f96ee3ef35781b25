"""[60] Records of other patients, chosen by a game, to follow one patient's Parkinson's disease."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medgraft.cohort import Cohort, read
from medgraft.studies.kit import Fact, Run, study
from medgraft.studies.kit.beside import against

SCORES = ("motor_UPDRS", "total_UPDRS")
ROLES: dict[str, Any] = {"label": SCORES[0], "group": "subject#", "time": "test_time"}


def small(folder: Path, seed: int) -> Cohort:
    """Return eight generated patients of two kinds: the same voice means a better score in one kind only.

    Each kind has its own trend, so that the trend tells who is worth learning from.
    """
    rng = np.random.default_rng([seed, 60])
    parts = []
    for k in range(8):
        sign = 1 if k < 4 else -1
        time = np.sort(rng.uniform(0, 180, 30))
        swing = 2 * np.sin(time / 3 + rng.uniform(0, 6))
        voice = sign * swing + 0.3 * rng.normal(size=30)
        score = 20 + rng.normal() + sign * 0.1 * time + swing
        frame = pd.DataFrame({"subject#": k + 1, "test_time": time, "PPE": voice, "age": 60 + k})
        parts.append(frame.assign(HNR=rng.normal(size=30), motor_UPDRS=score, total_UPDRS=1.3 * score))
    return read(pd.concat(parts, ignore_index=True), **ROLES)


@study(
    ref=60,
    title="Patient-specific game-based transfer method for Parkinson's disease severity prediction",
    authors="Xue et al.",
    venue="Artificial Intelligence in Medicine",
    year=2024,
    doi="10.1016/j.artmed.2024.102810",
    modality="voice features over time",
    task="motor and total UPDRS of each patient's later recordings",
    method="patients of a like trend, their records by Shapley value, and a random forest (PSGT)",
    transfer=("instance",),
    access="open, UCI",
    data=("parkinsons_telemonitoring",),
    generated=small,
    facts=(
        Fact("Source patients are kept whose disease trend is like the target's.", "read"),
        Fact("Shapley values of the transferred patients and of their records.", "read"),
        Fact("The share of valid records is found, and those of most value are transferred.", "read"),
        Fact("A random forest learns from them and the target's own records; each patient in turn.", "read"),
        Fact("42 patients, 5,875 recordings, 16 measures of the voice, age and sex.", "remembered"),
        Fact(
            "The first 30 % of a patient's recordings teach; ten patients of the nearest slope.", "proposed"
        ),
        Fact(
            "Records are valued by the game of five nearest neighbours, in closed form; a patient is worth "
            "the sum of the records. The forest has 100 trees.",
            "proposed",
        ),
    ),
    caveats=(
        "The paper's figures could not be read; it says that errors are smaller and steadier.",
        "Scores between visits are interpolated in these data: a line through the past is hard to beat.",
        "The control is the patient's last known score: what does not beat it has learnt nothing of use.",
        "The share of records may be 0, which transfers nothing: that is ours.",
    ),
)
def xue2024(run: Run) -> None:
    """Do records of chosen other patients help to follow a patient's disease?"""
    forest = f"random-forest:trees={run.pick(100, 20)}"
    method = f"shapley-transfer+{forest}"
    for score in run.pick(SCORES, SCORES[:1]):
        given = run.cohort(**ROLES | {"label": score})
        cohort = replace(given, features=tuple(f for f in given.features if f not in SCORES))
        found = run.trial(
            score.replace("_", " "),
            cohort,
            [
                "last-value",
                "trend",
                "target-only",
                f"target-only+{forest}",
                f"pooled+{forest}",
                f"random-transfer:proportion=0.2+{forest}",
                f"tradaboost-r2:rounds={run.pick(20, 5)}",
                method,
            ],
            method=method,
            folds="time",
        )
        title = f"{score.replace('_', ' ')}: chosen records, or the patient's own alone"
        against(run, title, found, method, f"target-only+{forest}", first=score == SCORES[0])
