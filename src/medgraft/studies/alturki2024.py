"""[48] Imputed, balanced laboratory values to three tree ensembles that vote, for chronic kidney disease."""

from pathlib import Path

from medgraft.cohort import Cohort, generate, read
from medgraft.studies.kit import Fact, Run, leaks, study


def small(folder: Path, seed: int) -> Cohort:
    """Return a generated table with gaps, one class of three in eight patients, as in the study."""
    frame = generate.table(160, 8, sites=("a",), missing=0.15, prevalence=0.375, seed=seed)
    return read(
        frame, label="label", group="patient", features=[str(c) for c in frame if str(c).startswith("x")]
    )


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
        Fact("UCI's kidney data; gaps filled by nearest neighbours, classes balanced by SMOTE.", "read"),
        Fact("The ensemble, TrioNet, is of XGBoost, random forest and extra trees.", "read"),
        Fact("400 patients, 250 of them ill; 24 columns, 13 of them words.", "remembered"),
        Fact(
            "Five neighbours for both; 300 trees each; a soft vote of equal weights; ten folds.", "proposed"
        ),
        Fact("XGBoost's place is taken by gradient boosting with Newton's steps in the leaves.", "proposed"),
        Fact("Columns of words become 0/1 columns before SMOTE, so made rows lie between words.", "proposed"),
    ),
    caveats=(
        "There is no transfer in it, although the review lists it.",
        "No figure of the paper could be read.",
        "The classes of this set are nearly apart: all arms do well.",
    ),
    leaks=(
        "supposed: gaps are filled and SMOTE adds rows before the split, so that made rows carry test rows "
        "into training, and are tested themselves",
    ),
)
def alturki2024(run: Run) -> None:
    """Do imputation, SMOTE and a vote of tree ensembles beat logistic regression?"""
    run.note("No transfer is tested here: the control is logistic regression on the same patients.")
    cohort, steps = run.cohort(), "+knn-impute+smote"
    if not run.honest:
        cohort, steps = leaks.balanced_before(cohort, seed=run.seed), ""
    trees = run.pick(300, 50)
    members = [
        f"target-only{steps}+{learner}"
        for learner in (
            f"gradient-boosting:rounds={trees}",
            f"random-forest:trees={trees}",
            f"extra-trees:trees={trees}",
        )
    ]
    vote = 'soft-voting:members="*boosting*|*forest*|*extra-trees*"'
    run.trial(
        "Kidney disease",
        cohort,
        ["target-only", f"target-only{steps}", *members, vote],
        method=vote,
        folds=run.pick(10, 4),
        metric="accuracy",
    )
