"""[44] A variational autoencoder that learnt cancers is frozen and given other diseases to tell apart."""

from pathlib import Path

import numpy as np
import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort import Cohort, read
from medgraft.studies.kit import Fact, Published, Run, study

CANCERS = ("breast", "colon", "lung", "normal")  # of the generated source, in place of 33
DISEASES = ("arthritis", "asthma", "normal", "schizophrenia")
FACTORS, SITES = 6, 300
OWN = ("gse38608_betas.csv.gz", "gse38608_samples.csv", "progress_betas.csv")  # of the R package methylclock


def small(folder: Path, seed: int) -> Cohort:
    """Return generated methylation: what tells cancers and what tells diseases are the same few factors."""
    rng = np.random.default_rng([seed, 44])
    load = rng.normal(size=(FACTORS, SITES)) / np.sqrt(FACTORS)
    shift = 0.3 * rng.normal(size=SITES)  # blood is not the cancers' tissue
    columns, parts = [f"cg{j:08d}" for j in range(SITES)], []
    for site, names, n in (("tcga", CANCERS, 240), ("blood", DISEASES, 48)):
        label = np.array(names, dtype=object)[np.arange(n) % len(names)]
        centre = 1.4 * rng.normal(size=(len(names), FACTORS))
        z = centre[np.arange(n) % len(names)] + rng.normal(size=(n, FACTORS))
        m = z @ load + 2.5 * rng.normal(size=(n, SITES)) + (shift if site == "blood" else 0.0)
        betas = pd.DataFrame((2**m / (2**m + 1)).round(4), columns=columns)
        who = [f"{site}{i}" for i in range(n)]
        parts.append(
            betas.assign(label=label, site=site, patient=who, series=[f"s{i % 3}" for i in range(n)])
        )
    frame = pd.concat(parts, ignore_index=True)
    return read(frame, label="label", domain="site", group="patient", features=columns)


@study(
    ref=44,
    title="DiseaseNet: a transfer learning approach to noncommunicable disease classification",
    authors="Gore et al.",
    venue="BMC Bioinformatics 25",
    year=2024,
    doi="10.1186/s12859-024-05734-5",
    modality="DNA methylation",
    task="arthritis, asthma, schizophrenia or none",
    method="a variational autoencoder of cancers, frozen, under a new softmax",
    transfer=("model", "feature"),
    access="GEO series whose numbers could not be read; the source network (CancerNet) was not found",
    stand_ins={
        "methylclock": "16 brains of autism and controls, and as source 150 cord bloods without a diagnosis, "
        "at the sites that both have (148 at most): other tissues, another disease, far fewer of all. In the "
        "layout of the R package methylclock, whose files hold both.",
    },
    generated=small,
    facts=(
        Fact(
            "Three diseases from blood; a network of 33 cancers and normal tissue (CancerNet, of TCGA) is "
            "the source.",
            "read",
        ),
        Fact("TCGA: 13,325 samples, normal tissue among them; of the sister study below.", "read"),
        Fact("TCAV asks how much it matters where samples come from.", "read"),
        Fact(
            "Of a sister study of the group, RareNet, not of this one: 24,565 columns; encoder and decoder "
            "frozen, a new softmax trained first; an F1 of some 96 %, compared with random forest, "
            "neighbours, a tree and support vectors.",
            "read",
        ),
        Fact("Hidden layers, width of the code and rates.", "proposed"),
        Fact("The new head is logistic regression with a chosen penalty, on the code's mean.", "proposed"),
        Fact("Beside it, told=0: the same autoencoder without the source's labels.", "proposed"),
        Fact("TCAV on the code, with the series as the concept, where the data name series.", "proposed"),
    ),
    published=(Published("all classes", "F-measure", 0.945, "abstract"),),
    caveats=(
        "If each disease comes from series of its own, a network may learn the series; which series they are "
        "could not be read.",
        "Cancers and diseases share the class normal alone, and are told by other tissues.",
    ),
)
def gore2024(run: Run) -> None:
    """Does a frozen autoencoder that learnt other diseases beat learning from the target alone?"""
    cohort = run.cohort() if run.generated else methylclock(run.data.folders["methylclock"])
    target = "blood" if run.generated else "brain"
    sizes = f"hidden={run.pick(256, 64)},latent={run.pick(32, 8)},epochs={run.pick(100, 30)}"
    method = f"frozen-generative:{sizes}"
    run.note("The source's labels shape the code; no row of the source teaches the new head.")
    run.trial(
        "Diseases",
        cohort,
        [
            method,
            f"{method},told=0",
            "target-only",
            "majority",
            f"target-only+vae:{sizes}",
            "target-only+random-forest",
            "target-only+svm",
        ],
        method=method,
        target=target,
        folds=run.pick(4, 3),
        metric="accuracy",
    )
    if "series" in cohort.table:
        run.note(series_told(run, cohort, target, "asthma"))


def series_told(run: Run, cohort: Cohort, target: str, disease: str) -> str:
    """Return whether a series moves a disease, by concept activation vectors, as a sentence."""
    from medgraft.methods.omics.concepts import code_concept
    from medgraft.methods.omics.frozen_generative import FrozenGenerative

    names = np.array(cohort.classes, dtype=object)[cohort.y]
    model = FrozenGenerative(hidden=64, latent=8, epochs=30, random_state=run.seed)
    model.fit(cohort.X, names, domain=cohort.domains, target=target, groups=cohort.groups)
    series, own = cohort.table["series"].to_numpy(), cohort.domains == target
    first = str(np.unique(series[own])[0])
    concept, others = own & (series == first) & (names != disease), own & (series != first)
    X, seen = cohort.X, others & (names == disease)
    found = code_concept(model, X[concept], X[others & ~seen], X[seen], target=disease, sets=4, seed=run.seed)
    return (
        f"TCAV on the code of a model of all patients: the series {first} moves {disease} up in "
        f"{100 * found.score:.0f} % of its patients from other series, random concepts in "
        f"{100 * found.random.mean():.0f} % (p = {found.p:.2f})."
    )


def methylclock(folder: Path) -> Cohort:
    """Return brains with and without autism, and cord bloods as source, at the sites that both have.

    Parameters
    ----------
    folder : path
        With the files of the R package methylclock as CSV.

    Raises
    ------
    MedgraftError
        A file is not there.
    """
    absent = [name for name in OWN if not (folder / name).is_file()]
    if absent:
        raise MedgraftError(
            f"'{folder}' has no {absent[0]}: this study's stand-in is read from {', '.join(OWN)}."
        )
    brain = pd.read_csv(folder / OWN[0], index_col=0).T
    told = pd.read_csv(folder / OWN[1]).set_index("geo_accession").loc[brain.index]
    blood = pd.read_csv(folder / OWN[2], index_col=0)
    sites = [site for site in blood.columns if site in brain.columns]
    ill = np.where(told["diseaseStatus"] == 1, "autism", "control")
    parts = [
        brain[sites].assign(label=ill, site="brain", patient=[f"brain {i}" for i in told["individual"]]),
        blood[sites].copy().assign(label="newborn", site="cord", patient=[f"cord {i}" for i in blood.index]),
    ]
    frame = pd.concat(parts, ignore_index=True)
    return read(frame, label="label", domain="site", group="patient", features=sites)
