"""[65] A rare outcome in a neglected group: balanced at each site, learnt together, corrected there."""

from dataclasses import replace
from pathlib import Path

from medgraft.cohort import Cohort, generate, read
from medgraft.evidence.fairness.mover import mover
from medgraft.studies.kit import Fact, Run, study
from medgraft.studies.kit.account import interval_of

GROUP = "site and group"
HERE = ("cleveland women", "cleveland men")  # the neglected group, and the other one of the same site


def small(folder: Path, seed: int) -> Cohort:
    """Return three generated sites of two groups each; the outcome is rare, rarest in the target group."""
    sites = [f"{site} {sex}" for site in ("hungarian", "va", "cleveland") for sex in ("men", "women")]
    rare = (0.25, 0.15, 0.25, 0.15, 0.25, 0.15)
    frame = generate.table(600, 8, sites=sites, prevalence=rare, effect=1.5, offset=0.5, seed=seed)
    features = [str(c) for c in frame if str(c).startswith("x")]
    return read(frame, label="label", group="patient", domain="site", features=features)


@study(
    ref=65,
    title="Trans-Balance: Reducing demographic disparity for prediction models in the presence of class "
    "imbalance",
    authors="Hong et al.",
    venue="Journal of Biomedical Informatics 149, 104532",
    year=2024,
    doi="10.1016/j.jbi.2023.104532",
    modality="cohort tables",
    task="stroke or not (rare), in a demographic group that is under-represented",
    method="ROSE at each site, a federated sparse logistic model, and a sparse correction at the target",
    transfer=("model", "federated"),
    access="FOS, ARIC, MESA and REGARDS, by application to NHLBI BioLINCC and dbGaP",
    stand_ins={
        "heart": "heart disease, which is common, at four hospitals; the group is women, and the target the "
        "women of Cleveland."
    },
    generated=small,
    facts=(
        Fact("Imbalance learning, transfer learning and federated learning in one; data stay.", "read"),
        Fact("Four NIH cohorts, FOS, ARIC, MESA and REGARDS; stroke.", "read"),
        Fact("Logistic regression, ROSE and TransLasso are its named parts.", "read"),
        Fact("It is said to do better than others, most where imbalance and disparity are severe.", "read"),
        Fact("The target are Black participants.", "remembered"),
        Fact(
            "ROSE at each site and group; sources that raise the target's held-out loss too far are left out "
            "(the rule of the R package glmtrans); the intercept is moved back to the true share of the "
            "outcome.",
            "proposed",
        ),
    ),
    caveats=(
        "The paper's whole algorithm and its figures could not be read: this is built from its named parts.",
        "The review gives these cohorts to [55]; they are this study's.",
        "The federation runs in one process here; what travels between sites is sums, and is counted.",
        "The gap of the two groups is measured within groups of a few dozen patients: its interval is wide.",
    ),
)
def hong2024(run: Run) -> None:
    """Does balanced, federated transfer help the neglected group, and does it narrow the gap?"""
    cohort = run.cohort()
    if not run.generated:
        sex = cohort.table["sex"].map({0: "women", 1: "men"})
        where = cohort.table["file"].str.removeprefix("processed.") + " " + sex
        kept = tuple(f for f in cohort.features if f != "sex")
        cohort = replace(cohort, table=cohort.table.assign(**{GROUP: where}), domain=GROUP, features=kept)
    arms = [
        "target-only",
        "target-only+rose",
        "pooled",
        "federated-lasso",
        "trans-glm",
        "trans-balance",
    ]
    told = [
        run.trial(f"AUROC of {group}", cohort, arms, method="trans-balance", target=group).arms
        for group in HERE
    ]
    few, many = ({a["name"]: interval_of(a) for a in found} for found in told)
    for name in ("target-only", "trans-balance"):
        gap = mover(many[name], few[name])
        run.note(
            f"Gap of the groups in AUROC ({HERE[1]} less {HERE[0]}) with {name}: {gap.value:+.3f} "
            f"[{gap.lo:+.3f}, {gap.hi:+.3f}]."
        )
