"""[66] Two fine-tuned networks and a small CNN on photographs of skin merged from several web sources."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from medgraft.cohort import Cohort
from medgraft.sources import Pretrained
from medgraft.studies.kit import Fact, Run, leaks, study
from medgraft.studies.kit.made import images_of

SITES = ("dermnet", "google", "atlas")


def small(folder: Path, seed: int) -> Cohort:
    """Return generated photographs from three sources without patients; a third is in two of them."""
    made = images_of(
        folder, 54, classes=("eczema", "naevus", "wart"), sites=SITES, shift=0.3, noise=0.15, seed=seed
    )
    again = made.table.iloc[::3]
    place = np.array(SITES)
    moved = place[[(SITES.index(str(site)) + 1) % len(SITES) for site in again["site"]]]
    table = pd.concat([made.table, again.assign(site=moved)], ignore_index=True)
    return replace(made, table=table, group=None)


@study(
    ref=66,
    title="Transfer Learning Empowered Skin Diseases Detection in Children",
    authors="Alnuaimi et al.",
    venue="CMES 141(3), 2609-2623",
    year=2024,
    doi="10.32604/cmes.2024.055303",
    modality="skin photographs",
    task="skin diseases of children",
    method="fine-tuned MobileNet and DenseNet121 beside a CNN",
    transfer=("fine-tuning",),
    access="gathered by the authors from DermNet, Google Images and an atlas; DermNet is on Kaggle",
    data=("dermnet",),
    stand_ins={"ham10000": "photographs of pigmented lesions by dermatoscope, of adults, from one source."},
    generated=small,
    networks=("timm:mobilenetv1_100", "timm:densenet121"),
    facts=(
        Fact("The most common skin diseases of children in Saudi Arabia.", "read"),
        Fact("Pictures from Kaggle DermNet, Google Images and Atlas Dermatology, merged.", "read"),
        Fact("MobileNet, DenseNet121, a CNN; fine-tuning.", "read"),
        Fact("DermNet: 23 groups of diseases, about 19,500 pictures.", "remembered"),
        Fact(
            "The CNN: five stages of two convolutions (medgraft:plain_cnn), from random weights.", "proposed"
        ),
        Fact(
            "8 epochs, the upper half trains, classes weigh the same; copies are joined; three folds.",
            "proposed",
        ),
    ),
    caveats=(
        "The CNN from scratch sees at most 64 pixels a side, the others what --size says.",
        "Which diseases they are could not be read: all classes of the set are taken. Nor could any figure.",
        "DermNet does not tell children from adults.",
        "Web sources copy one another: the same picture may come from two of them.",
        "Nobody is named, so two pictures of one person may stay apart.",
    ),
    leaks=("supposed: pictures are split one by one, although sources share pictures",),
)
def alnuaimi2024(run: Run) -> None:
    """Do two pretrained networks beat random weights on skin photographs, also of a source never seen?"""
    cohort = run.cohort()
    joined = leaks.grouped_copies(cohort) if run.honest else leaks.ungrouped(cohort)
    settings = f"epochs={run.pick(8, 3)},class_weight=balanced"
    arms = run.each(f"finetune:source={{}},{settings}")
    first = run.called(run.study.networks[0])
    sources = run.sources()
    plain = Pretrained("medgraft:plain_cnn", size=min(64, sources[0].facts.input_size))
    scratch = f"scratch:source={first},{settings}"
    run.trial(
        "Kinds of skin disease",
        replace(joined, domain=None),
        [*arms, scratch, f"scratch:source=plain_cnn,{settings}", *run.each("linear-probe:source={}")],
        method=arms[0],
        source=[*sources, plain],
        folds=run.pick(3, 2),
        metric="balanced_accuracy",
    )
    if joined.domains is None:
        run.note("The pictures do not say which source they are from: no source could be held out.")
        return
    learnt, unseen = held_out_source(joined, apart=run.honest)
    run.trial(
        "A source never seen",
        learnt,
        [arms[0], scratch, f"linear-probe:source={first}"],
        method=arms[0],
        source=sources,
        test=unseen,
        metric="balanced_accuracy",
    )


def held_out_source(cohort: Cohort, *, apart: bool) -> tuple[Cohort, Cohort]:
    """Return the other sources, and the smallest one as a test set.

    Parameters
    ----------
    cohort : Cohort
        Whose domain is the source.
    apart : bool
        Leave what has a copy in the test set out of what teaches.
    """
    names, counts = np.unique(np.asarray(cohort.domains), return_counts=True)
    test = np.asarray(cohort.domains) == names[counts.argmin()]
    teaches = ~test & ~np.isin(cohort.groups, cohort.groups[test]) if apart else ~test
    alone = replace(cohort, domain=None)
    return alone.select(np.flatnonzero(teaches)), replace(
        alone.select(np.flatnonzero(test)), name=f"the source {names[counts.argmin()]}"
    )
