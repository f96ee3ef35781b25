"""[53] Embeddings of clinical codes at a children's hospital, with those of a general hospital (MUGS)."""

from pathlib import Path

import numpy as np
import pandas as pd

from medgraft.cohort import Cohort, read
from medgraft.cohort.generate.codes import Codes, codes
from medgraft.methods.records import MUGS, pair_auc
from medgraft.methods.records.baselines import averaged_embedding, pooled_embedding
from medgraft.studies.kit import Fact, Run, study
from medgraft.studies.kit.units import mean_gain

HERE = "children"
LENGTH = 6
SEEDS = 10


def hospitals(seed: int) -> Codes:
    """Return two generated hospitals; the second has noisier matrices and codes that it rarely writes."""
    return codes(100, 15, LENGTH, sites=("general", HERE), noise=(0.3, 1.0), seed=seed)


def small(folder: Path, seed: int) -> Cohort:
    """Return the codes of the first two hospitals, each with its group; the recipe draws the matrices."""
    made = hospitals(seed)
    often = {f"association at {site}": pd.Series(np.diag(S), S.index) for site, S in made.matrices.items()}
    return read(pd.DataFrame({"group": made.groups, **often}), label="group")


def embeddings(made: Codes) -> dict[str, pd.DataFrame]:
    """Return the target's embedding by the method, its twin without transfer, and the baselines."""
    both = made.matrices
    here = {HERE: both[HERE]}
    fits = {
        "MUGS, target alone": MUGS(LENGTH).fit(here, made.groups, target=HERE),
        "MUGS": MUGS(LENGTH).fit(both, made.groups, target=HERE),
    }
    return {
        **{name: m.embeddings_[HERE] for name, m in fits.items()},
        "SVD, target alone": pooled_embedding(here, LENGTH),
        "SVD, pooled": pooled_embedding(both, LENGTH),
        "SVD, aligned mean": averaged_embedding(both, LENGTH, HERE),
    }


def auc_of_related(made: Codes, E: pd.DataFrame, seed: int) -> float:
    """AUC of pairs across groups: those within a group are given away by the groups."""
    known = made.pairs(HERE)
    related = known[known["type"] == "related"]
    E = E.loc[made.embeddings[HERE].index]
    return pair_auc(E, related, made.random_pairs(HERE, 2000, seed=seed), n_boot=2)["all"].value


@study(
    ref=53,
    title="Multisource representation learning for pediatric knowledge extraction from electronic health "
    "records",
    authors="Li et al.",
    venue="npj Digital Medicine 7",
    year=2024,
    doi="10.1038/s41746-024-01320-4",
    modality="health records, as co-occurrence of clinical codes",
    task="embeddings of codes at a children's hospital, judged by pairs known to belong together",
    method="group, code and code-site effects of two hospitals' codes (MUGS)",
    transfer=("model",),
    access="records of two hospitals, which may not be shared",
    generated=small,
    facts=(
        Fact(
            "From Mass General Brigham to Boston Children's Hospital; codes are PheCode, LOINC and RxNorm.",
            "read",
        ),
        Fact(
            "It is said to beat other methods in several applications, and to resist negative transfer.",
            "read",
        ),
        Fact(
            "An embedding is the sum of the effect of its group, of the code, and of the code at the site.",
            "code",
        ),
        Fact("Penalties: a ridge on code effects, and one on the length of each site effect.", "code"),
        Fact(
            "Inner products are judged by the AUC of known related pairs against as many random ones; other "
            "known pairs choose the penalties.",
            "code",
        ),
        Fact(
            "Here cosines are judged, against up to 2,000 random pairs, and of known pairs only those across "
            "groups.",
            "proposed",
        ),
        Fact(
            "Penalties are chosen by hidden entries of the target's matrix, not by known pairs.", "proposed"
        ),
        Fact(
            "The two sides of the factorisation are tied to each other: without a tie group effects are free "
            "to hold everything.",
            "proposed",
        ),
        Fact("Ten generated pairs of hospitals.", "proposed"),
    ),
    caveats=(
        "It predicts nothing about a patient: what is judged is which codes belong together.",
        "Its figures could not be read, and its records are closed: only generated hospitals can be run.",
        "As we read the authors' function, its default tolerance stops it almost at once; ours runs until "
        "the loss rests.",
    ),
)
def li2024(run: Run) -> None:
    """Do a general hospital's records help to learn what a children's hospital's codes mean?"""
    scores: dict[str, list[float]] = {}
    for seed in range(run.seed, run.seed + SEEDS):
        made = hospitals(seed)
        for name, E in embeddings(made).items():
            scores.setdefault(name, []).append(auc_of_related(made, E, seed))
    run.note("Both arms of the headline know the groups of the codes; transfer is the other hospital alone.")
    run.record(
        "Related codes of different groups",
        "AUC of pairs",
        {name: mean_gain(values, np.zeros(len(values))) for name, values in scores.items()},
        method="MUGS",
        control="MUGS, target alone",
        difference=mean_gain(scores["MUGS"], scores["MUGS, target alone"]),
        n=SEEDS,
        unit="pairs of hospitals",
    )
