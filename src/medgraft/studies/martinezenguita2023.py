"""[55] An autoencoder of methylation, chosen by a protein network, frozen under a model of age."""

from pathlib import Path

import numpy as np
import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort import Cohort, read
from medgraft.methods.omics.architecture import Architecture, choose_architecture
from medgraft.methods.omics.planted import PlantedNetwork, planted_network
from medgraft.studies.kit import Fact, Run, study
from medgraft.studies.kit.beside import against

OWN = ("progress_betas.csv", "progress_samples.csv")  # of the R package methylclock
NETWORK = ("probes.csv", "interactome.csv")  # probe,gene and gene,gene: wherever they are from
SOURCE = 2 / 3  # of one set of bloods, without their labels
MODULES = 4


def planted(seed: int) -> PlantedNetwork:
    """Return the generated network of genes, its modules and others."""
    return planted_network(MODULES, 12, 60, seed=seed)


def small(folder: Path, seed: int) -> Cohort:
    """Return methylation of which each module of a planted network follows a factor, two of them with age."""
    toy, rng = planted(seed), np.random.default_rng([seed, 55])
    m = toy.rows(320, noise=1.0, seed=seed)
    factors = np.column_stack([m[:, toy.module == k].mean(axis=1) for k in range(MODULES)])
    age = 50 + 10 * factors[:, 0] - 8 * factors[:, 1] + 3 * rng.normal(size=len(m))
    frame = pd.DataFrame((1 / (1 + np.exp(-m))).round(4), columns=toy.genes)
    frame = frame.assign(age=age.round(1), people=np.where(np.arange(len(m)) < 240, "compendium", "clinic"))
    return read(frame, label="age", domain="people", features=toy.genes)


def methylclock(folder: Path, seed: int) -> Cohort:
    """Return cord bloods with gestational age in weeks, two thirds of them as the source."""
    absent = [name for name in OWN if not (folder / name).is_file()]
    if absent:
        raise MedgraftError(
            f"'{folder}' has no {absent[0]}: this study's stand-in is read from {', '.join(OWN)}."
        )
    betas = pd.read_csv(folder / OWN[0], index_col="id")
    told = pd.read_csv(folder / OWN[1], index_col="id")
    order = np.random.default_rng([seed, 55]).permutation(len(betas))
    people = np.where(order < SOURCE * len(betas), "compendium", "clinic")
    frame = betas.assign(age=told.loc[betas.index, "EGA"], people=people).reset_index(drop=True)
    return read(frame, label="age", domain="people", features=list(betas.columns))


def genes_and_edges(run: Run, columns: list[str]) -> tuple[list[str], list[tuple[str, str]]] | None:
    """Return the gene of each column and the edges between genes, where the data hold them."""
    if run.generated:
        return columns, planted(run.seed).edges
    folder = run.data.folders["methylclock"]
    if not all((folder / name).is_file() for name in NETWORK):
        return None
    probes, edges = (pd.read_csv(folder / name, dtype=str) for name in NETWORK)
    of = dict(zip(probes.iloc[:, 0], probes.iloc[:, 1].fillna(""), strict=True))
    pairs = list(zip(edges.iloc[:, 0], edges.iloc[:, 1], strict=True))
    return [of.get(column, "") for column in columns], pairs


def ranked(run: Run, cohort: Cohort) -> list[Architecture]:
    """Return autoencoders of the source's rows, the most coherent first; none without a network."""
    found = genes_and_edges(run, list(cohort.features))
    if found is None:
        return []
    source = cohort.select(np.flatnonzero(cohort.domains == "compendium"))
    grid = run.pick(
        [((hidden,), latent) for hidden in (128, 256, 512) for latent in (32, 64, 128)],
        [((16,), 2), ((16,), 4), ((32,), 12)],
    )
    return choose_architecture(
        source.X.to_numpy(float),
        *found,
        grid,
        top=run.pick(1000, 12),
        draws=run.pick(1000, 200),
        epochs=run.pick(100, 30),
        lr=run.pick(1e-3, 1e-2),
        seed=run.seed,
    )


def arm(chosen: Architecture | None, fit: str) -> str:
    """Return the frozen encoder of an architecture, trained without a label."""
    hidden, latent = ((64,), 16) if chosen is None else (chosen.hidden, chosen.latent)
    return f"frozen-generative:beta=0,told=0,hidden={hidden[0]},latent={latent},{fit}"


@study(
    ref=55,
    title="NCAE: data-driven representations using a deep network-coherent DNA methylation autoencoder "
    "identify robust disease and risk factor signatures",
    authors="Martinez-Enguita et al.",
    venue="Briefings in Bioinformatics 24(5), bbad293",
    year=2023,
    doi="10.1093/bib/bbad293",
    modality="DNA methylation",
    task="age; smoking and lupus in the paper also",
    method="an autoencoder chosen by the protein interactome, frozen under a network for each task",
    transfer=("feature", "self-supervised"),
    access="EWAS Data Hub and GEO, to be joined by oneself; interactions from STRING",
    stand_ins={
        "methylclock": "150 cord bloods at 148 sites in the layout of the R package methylclock; weeks of "
        "gestation for age: 100 of them without labels in place of 75,272 samples. Without probes.csv "
        "(probe, gene) and interactome.csv (gene, gene) beside them no architecture is chosen.",
    },
    generated=small,
    facts=(
        Fact("Autoencoders over many architectures; kept is the one whose latent nodes agree best.", "read"),
        Fact("Agreement: genes that lie together in the interactome, and are central in it.", "read"),
        Fact("75,272 samples teach the autoencoder; its frozen code is the input for each task.", "read"),
        Fact("A node's genes are those that it lights up: the authors' earlier way.", "remembered"),
        Fact(
            "Closeness: the edges among a node's genes, against sets of like degree. The architecture with "
            "the largest share of close nodes is kept; centrality is worked out, but does not choose.",
            "proposed",
        ),
        Fact("Widths of one hidden layer and of the code; heads: ridge, and a perceptron.", "proposed"),
    ),
    caveats=(
        "A publication of 2023; the review's table calls its author Enguita.",
        "The paper's figures could not be read; it says that it does better than other predictors.",
        "Whether its cohorts for age, smoking and lupus are among the 75,272 samples could not be read.",
        "Ridge, alone and on the lasso's sites, stands for an elastic net on all sites.",
    ),
)
def martinezenguita2023(run: Run) -> None:
    """Does an autoencoder chosen by a protein network read age better than the sites themselves?"""
    cohort = run.cohort() if run.generated else methylclock(run.data.folders["methylclock"], run.seed)
    found = ranked(run, cohort)
    fit = run.pick("epochs=100,lr=0.001", "epochs=30,lr=0.01")
    if found:
        best, least = found[0], min(found, key=lambda a: a.loss)
        run.note(
            f"Of {len(found)} architectures the one with a code of {best.latent} was chosen: "
            f"{best.coherence.share:.0%} of its nodes are coherent. The one of least loss has a code of "
            f"{least.latent}, of which {least.coherence.share:.0%} are coherent."
        )
        arms = [arm(best, fit), arm(least, fit)]
    else:
        run.note("No genes and no protein network were given, so that no architecture was chosen.")
        arms = [arm(None, fit)]
    result = run.trial(
        "Age",
        cohort,
        [
            *arms,
            f"{arms[0]}+mlp",
            "target-only",
            "target-only+mlp",
            "target-only+lasso-select",
            "target-only+pca",
        ],
        method=f"{arms[0]}+mlp",
        target="clinic",
        folds=run.pick(5, 3),
    )
    against(
        run,
        "Age: the code, or the sites, under one head",
        result,
        f"{arms[0]}+mlp",
        "target-only+mlp",
        first=True,
    )
