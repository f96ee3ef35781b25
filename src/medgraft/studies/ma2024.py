"""[36] Factors of autism alone and factors that all share, by a contrastive autoencoder, to a forest."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medgraft.cohort import Cohort, read
from medgraft.studies.kit import Fact, Run, study
from medgraft.studies.kit.hippocampus import TOLD, large_or_small
from medgraft.studies.kit.thin import thin
from medgraft.studies.kit.voxels import voxels

CLASSES = ("control", "autism")
SIDE, SHARED, SALIENT = 8, 3, 2  # of the generated volumes


def small(folder: Path, seed: int) -> Cohort:
    """Return generated volumes of two hospitals: both groups vary in three patterns, the ill in two more."""
    import nibabel

    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng([seed, 36])
    patterns = np.linalg.qr(rng.normal(size=(SIDE**3, SHARED + SALIENT)))[0].T
    rows = []
    for i in range(160):
        ill = i % 2
        codes = np.r_[4.0 * rng.normal(size=SHARED), 6.0 * ill * rng.normal(size=SALIENT)]
        values = codes @ patterns + 0.1 * rng.normal(size=SIDE**3) + 10.0
        path = folder / f"{i:03d}.nii.gz"
        nibabel.save(
            nibabel.Nifti1Image(values.reshape(SIDE, SIDE, SIDE).astype(np.float32), np.eye(4)), path
        )
        rows.append((str(path), CLASSES[ill], "abide" if i < 110 else "hospital", f"p{i}"))
    frame = pd.DataFrame(rows, columns=["volume", "label", "site", "patient"])
    roles: dict[str, Any] = {"label": "label", "domain": "site", "group": "patient", "positive": "autism"}
    return read(frame, volume="volume", features=(), **roles)


@study(
    ref=36,
    title="Autism Spectrum Disorder Classification with Interpretability in Children Based on Structural MRI "
    "Features Extracted Using Contrastive Variational Autoencoder",
    authors="Ma et al.",
    venue="Big Data Mining and Analytics 7(3), 781-793",
    year=2024,
    doi="10.26599/BDMA.2024.9020004",
    modality="structural brain MRI, volumes",
    task="autism or control",
    method="a contrastive variational autoencoder, then a random forest",
    transfer=("feature", "self-supervised"),
    access="78 children of a hospital, closed; the source, ABIDE-I, is public (NITRC)",
    stand_ins={
        "hippocampus": "crops of the hippocampus in place of whole heads, and a class made of its size in "
        "place of a diagnosis; one half of the volumes is the source of the other, so that nothing shifts.",
    },
    generated=small,
    facts=(
        Fact("Two channels, of autism and common to all, whose factors go to a random forest.", "read"),
        Fact("78 scans of children of 0.92 to 4.83 years (Shenzhen Children's Hospital).", "read"),
        Fact("An autoencoder of ABIDE-I is transferred for the case of extremely few scans.", "read"),
        Fact(
            "Factors are compared with the surface area of cortical regions (representational similarity): "
            "supramarginal and inferior temporal regions stand out.",
            "read",
        ),
        Fact(
            "An ancestor's code, of other authors: two encoders of 16 factors, controls rebuilt from the "
            "common ones alone, gamma 100.",
            "code",
        ),
        Fact("Dense layers on a small grid of voxels in place of 3-D convolutions on 64 a side.", "proposed"),
        Fact("8 and 8 factors, gamma 1; the frozen encoders of the source read the target.", "proposed"),
    ),
    caveats=(
        "The headline compares two encoders, the one of autism for patients and the common one for controls: "
        "which of them reads a scan is chosen by its label, which tells the classes whatever the scans are.",
        "Its first version tells an accuracy above 0.97: of this comparison, so no figure of new children.",
        "Its later abstract calls transfer a potential solution, without a figure.",
        "The control is logistic; the forest on the target's own rows stands beside it.",
        "The comparison with surface areas is not repeated.",
    ),
    leaks=(
        "the encoder that reads a scan is chosen by the scan's label",
        "the encoders learn from all scans, test scans among them",
    ),
)
def ma2024(run: Run) -> None:
    """Do factors of a contrastive autoencoder of another cohort beat learning from the scans alone?"""
    if run.generated:
        cohort, target = run.cohort(), "hospital"
    else:
        cohort, target = halved(large_or_small(run.data.folders["hippocampus"]), run), "target"
        run.note(TOLD)
    cohort = voxels(cohort, run.pick(12, SIDE))
    settings = f"epochs={run.pick(100, 40)}"
    folds = run.pick(5, 3)
    if not run.honest:
        method, control = "target-only+random-forest", "target-only"
        leaking = by_label(cohort.select(np.flatnonzero(cohort.domains == target)), run.seed)
        run.trial("Classes", leaking, [control, method], method=method, folds=folds)
        return
    method = f"frozen-contrastive:{settings}+random-forest"
    arms = ["target-only", "target-only+random-forest", f"target-only+contrastive-vae:{settings}", method]
    run.trial("Classes", cohort, [*arms, "pooled+random-forest"], method=method, target=target, folds=folds)


def halved(cohort: Cohort, run: Run) -> Cohort:
    """Return a cohort whose persons are dealt to a source and a target, half to each."""
    cohort = thin(cohort, run.limit, run.seed)
    who = np.unique(cohort.groups)
    first = np.random.default_rng([run.seed, 36]).permutation(who)[: len(who) // 2]
    site = np.where(np.isin(cohort.groups, first), "source", "target")
    return replace(cohort, table=cohort.table.assign(site=site), domain="site")


def by_label(cohort: Cohort, seed: int) -> Cohort:
    """Return factors of each row by the encoder that its label chooses: the study's leak.

    Parameters
    ----------
    cohort : Cohort
        A table of two classes without gaps.
    seed : int
    """
    from medgraft.methods.learners.contrastive_vae import ContrastiveVAELearner

    X = cohort.X.to_numpy(dtype=float)
    made = ContrastiveVAELearner(trees=1, random_state=seed).fit(X, cohort.y)
    shared, salient = made.factors(X)
    ill = cohort.y == list(cohort.classes or ()).index(str(cohort.positive))
    frame = pd.DataFrame(np.where(ill[:, None], salient, shared), columns=[f"f{k}" for k in range(8)])
    table = pd.concat([cohort.table.drop(columns=list(cohort.features)), frame], axis=1)
    return replace(cohort, table=table, features=tuple(frame.columns), domain=None)
