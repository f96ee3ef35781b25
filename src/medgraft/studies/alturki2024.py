"""[48] Imputed, balanced laboratory values to three tree ensembles that vote, for chronic kidney disease."""

from pathlib import Path

from medgraft.cohort import Cohort, generate, read
from medgraft.studies.kit import Fact, Run, leaks, study


def small(folder: Path, seed: int) -> Cohort:
    """Return a generated table with gaps."""
    frame = generate.table(120, 8, sites=("a",), missing=0.1, seed=seed)
    return read(frame, label="label", group="patient", features=[c for c in frame if c.startswith("x")])


@study(
    ref=48,
    title="Improving Prediction of Chronic Kidney Disease Using KNN Imputed SMOTE Features and TrioNet Model",
    authors="Alturki et al.",
    venue="CMES 139(3), 3513-3534",
    year=2024,
    doi="10.32604/cmes.2023.045868",
    modality="clinical table",
    task="chronic kidney disease or not",
    method="kNN imputation, SMOTE, and a vote of XGBoost, random forest and extra trees",
    transfer=("none",),
    access="open, UCI",
    data=("ckd",),
    generated=small,
    facts=(
        Fact("kNN imputer, SMOTE, vote of XGBoost, random forest and extra trees.", "read"),
        Fact("Five neighbours for both; 300 trees each; equal votes.", "proposed"),
    ),
    caveats=("There is no transfer in it, although the review lists it.",),
    leaks=("gaps are filled and SMOTE adds rows before the split, so that made rows carry test rows",),
)
def alturki2024(run: Run) -> None:
    """Do imputation, SMOTE and a vote of tree ensembles beat logistic regression?"""
    cohort = run.cohort()
    run.note("No transfer is tested here: the control is logistic regression on the same patients.")
    steps = "+knn-impute+smote" if run.honest else ""
    if not run.honest:
        cohort = leaks.balanced_before(cohort, seed=run.seed)
    arms = [f"target-only{steps}+random-forest"]
    run.trial(
        "Kidney disease",
        cohort,
        ["target-only", *arms],
        method=arms[0],
        folds=run.pick(10, 3),
        metric="accuracy",
    )
