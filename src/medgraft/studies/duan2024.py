"""[35] Features of a fine-tuned network, radiomics and clinical columns in one nomogram, for meningioma."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import logit

from medgraft.cohort import Cohort, generate, read
from medgraft.evidence.decision import Nomogram
from medgraft.methods.learner import LogisticLearner
from medgraft.studies.kit import Fact, Run, study
from medgraft.studies.kit.beside import against
from medgraft.trial import Result

CLINICAL = ("sex", "age", "oedema", "size")
SURE = 1e-3  # as in stacking: no probability counts as nearer to 0 and 1


def small(folder: Path, seed: int) -> Cohort:
    """Return generated slices with outlines; two of the clinical columns tell something of the class too."""
    made = generate.images(
        folder, 64, size=32, masks=True, sites=("a",), classes=("low", "high"), noise=0.2, seed=seed
    )
    rng = np.random.default_rng([seed, 35])
    frame = pd.read_csv(made.path / "manifest.csv")
    high = (frame["label"] == "high").to_numpy(float)
    frame["oedema"] = rng.binomial(2, 0.3 + 0.3 * high)
    frame["size"] = (30 + 8 * high + 10 * rng.normal(size=len(frame))).round(1)
    frame[["file", "mask"]] = [
        [str(made.path / cell) for cell in row] for row in frame[["file", "mask"]].values
    ]
    roles: dict[str, Any] = {"label": "label", "positive": "high", "group": "patient", "features": CLINICAL}
    return read(frame, image="file", mask="mask", **roles)


@study(
    ref=35,
    title="An MRI-Based Deep Transfer Learning Radiomics Nomogram to Predict Ki-67 Proliferation Index of "
    "Meningioma",
    authors="Duan et al.",
    venue="Journal of Imaging Informatics in Medicine 37(2), 510-519",
    year=2024,
    doi="10.1007/s10278-023-00937-3",
    modality="brain MRI with outlines, clinical table",
    task="high or low Ki-67 index",
    method="features of a fine-tuned ResNet50, radiomics and clinical columns in a nomogram",
    transfer=("fine-tuning", "feature"),
    access="closed: a hospital's 318 patients",
    generated=small,
    networks=("timm:resnet50",),
    facts=(
        Fact("A radiomics nomogram with deep transfer learning, for Ki-67: the title.", "read"),
        Fact("By the review's row: ResNet50 features, radiomics and clinical columns; 318 patients.", "read"),
        Fact(
            "Of a sibling study of the group, not of this one: fine-tuned ResNet50, 2,048 features, chosen "
            "by the agreement of two readers (ICC), a Spearman filter and LASSO.",
            "read",
        ),
        Fact(
            "Of another sibling: a score of radiomics and a score of deep features, with clinical columns, "
            "make the nomogram.",
            "read",
        ),
        Fact(
            "Of the siblings' figures: AUC 0.788 of clinical columns, 0.866 of the nomogram; and that the "
            "radiomics model alone is sufficient.",
            "read",
        ),
        Fact("The index is high from 5 % on.", "remembered"),
        Fact("The network's upper half is fine-tuned, 12 epochs, inside the training part.", "proposed"),
        Fact("The clinical columns enter the nomogram as one score, learnt as the others.", "proposed"),
        Fact("Scores are joined by what they say of patients that taught none (stacking).", "proposed"),
    ),
    caveats=(
        "The abstract of this study was not read: no figure of it is shown.",
        "The agreement of two readers' outlines (ICC) selects nothing here: there is one outline.",
        "The features of training patients have seen their labels: the network's score is too sure of them.",
    ),
)
def duan2024(run: Run) -> None:
    """Does a nomogram of deep features, radiomics and clinical columns beat a network from random weights?"""
    cohort = run.cohort()
    chain = "+spearman-select+lasso-select"
    epochs = run.pick(12, 2)
    network = run.called(run.study.networks[0])
    scores = [
        f"finetuned-features:source={network},epochs={epochs}{chain}",
        f"fusion:parts=radiomics{chain}",
        "fusion:parts=clinical",
    ]
    nomogram = "stacking:members=finetuned-features*|fusion*"
    without = 'stacking:members="fusion*"'  # what radiomics and clinical columns say without a network
    result = run.trial(
        "Ki-67",
        cohort,
        [
            nomogram,
            without,
            *scores,
            f"scratch:source={network},epochs={epochs}",
            f"linear-probe:source={network}",
        ],
        method=nomogram,
        source=[*run.sources(), "radiomics:region=mask"],
        folds=run.pick(5, 2),
    )
    against(run, "Ki-67: the nomogram, with and without the network", result, nomogram, without, first=True)
    drawn = nomogram_of(result, scores)
    most = np.abs(drawn.coefficients) * (drawn.upper - drawn.lower) / drawn.unit
    names = ("network", "radiomics", "clinical columns")
    told = ", ".join(f"{name} {points:.0f}" for name, points in zip(names, most, strict=True))
    run.note(
        f"On a nomogram of what the three scores say of held-out patients they reach, in points: {told}. It "
        "draws the weights; the figures are those of the trial's arm."
    )


def nomogram_of(result: Result, scores: list[str]) -> Nomogram:
    """Return the nomogram of arms' log-odds for patients that taught none of them.

    Parameters
    ----------
    result : Result
        Of a trial of two classes.
    scores : list of str
        Arms.
    """
    table = result.predictions
    table = table[table["arm"].isin(scores) & (table["repeat"] == table["repeat"].min())]
    wide = table.pivot(index="row", columns="arm", values="p_1")[scores]
    y = table.drop_duplicates("row").set_index("row").loc[wide.index, "y_true"] == 1
    Z = logit(np.clip(wide.to_numpy(), SURE, 1 - SURE))
    fit = LogisticLearner().fit(Z, y.to_numpy())
    ends = {name: (float(z.min()), float(z.max()) or 1.0) for name, z in zip(scores, Z.T, strict=True)}
    slopes = dict(zip(scores, fit.coef_[0], strict=True))
    return Nomogram.of(slopes, ends, intercept=float(fit.intercept_[0]))
