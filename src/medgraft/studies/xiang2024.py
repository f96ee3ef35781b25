"""[67] Forests that other sites send once, weighed for each case by the target's own forest."""

from dataclasses import replace
from pathlib import Path

from medgraft.cohort import Cohort, generate, read
from medgraft.studies.kit import Fact, Published, Run, study

# What is tried on each set: title, target, labels of the target (of each class for classes), metric.
SETS = {
    "wine_quality": ("Quality of red wine, from white", "winequality-red", 100, "rmse"),
    "pm25_beijing": ("Fine dust in 2014, from four years before", "2014", 100, "rmse"),
    "heart": ("Heart disease in one hospital of four", "processed.va", 25, "auroc"),
}
WINE = (
    "fixed acidity",
    "volatile acidity",
    "citric acid",
    "residual sugar",
    "chlorides",
    "free sulfur dioxide",
    "total sulfur dioxide",
    "density",
    "pH",
    "sulphates",
    "alcohol",
    "quality",
)
FALL = "relative fall of prediction error"
KEPT = 10  # of the days of fine dust, one in so many: neighbours are nearly alike


def small(folder: Path, seed: int) -> dict[str, Cohort]:
    """Return generated sites, the second of which is nearer to the target than the first."""
    made = {}
    for name, task in (("wine_quality", "regression"), ("heart", "binary")):
        target = SETS[name][1]
        frame = generate.table(400, 5, sites=("far", "near", target), task=task, concept=1.2, seed=seed)
        features = [str(c) for c in frame if str(c).startswith("x")]
        made[name] = read(frame, label="label", group="patient", domain="site", features=features)
    return made


def _wine(run: Run) -> Cohort:
    cohort = run.cohort("wine_quality", columns=WINE)
    same = cohort.table.groupby([*cohort.features, "file"]).ngroup()  # many wines stand there twice
    return replace(cohort, table=cohort.table.assign(wine=[f"w{i}" for i in same]), group="wine")


def _dust(run: Run) -> Cohort:
    cohort = run.cohort("pm25_beijing")
    t = cohort.table
    day = (t["No"].astype(int) - 1) // 24
    named = t.assign(year=t["year"].astype(int).astype(str), day_no=[f"d{d}" for d in day])
    features = tuple(f for f in cohort.features if f != "No")
    whole = replace(cohort, table=named, features=features, group="day_no")
    return whole.select((day % KEPT == 0).to_numpy().nonzero()[0])


def _heart(run: Run) -> Cohort:
    return run.cohort("heart")


READ = {"wine_quality": _wine, "pm25_beijing": _dust, "heart": _heart}


@study(
    ref=67,
    title="Transfer learning via random forests: A one-shot federated approach",
    authors="Xiang et al.",
    venue="Computational Statistics & Data Analysis 197, 107975",
    year=2024,
    doi="10.1016/j.csda.2024.107975",
    modality="tables of several sites",
    task="values and classes at one site",
    method="forests sent once, and weights that depend on the case (FTRF)",
    transfer=("federated", "model", "ensemble"),
    access="wine quality and fine dust open at UCI; eICU by credential at PhysioNet; IHS and HUA not found",
    data=("wine_quality", "pm25_beijing"),
    stand_ins={"heart": "in place of eICU: four hospitals of patients, but of heart disease, and small."},
    generated=small,
    facts=(
        Fact("Sites send fitted forests, once; five real data sets.", "read"),
        Fact(
            "Weights use the other sites' predictions and the variables, so that they depend on the case.",
            "read",
        ),
        Fact("The sets are PM2.5, IHS, HUA, wine and eICU.", "read"),
        Fact("Red wine is the target, white the other site; fine dust in five cities.", "remembered"),
        Fact("One city is at hand: its years are the sites, and one day in ten is kept.", "proposed"),
        Fact("The weights are local least squares by the leaves of the target's forest.", "proposed"),
        Fact("100 labels of the target for values, 25 of each class.", "proposed"),
    ),
    caveats=(
        "The paper's theory promises no loss against the target alone; in finite samples it can lose.",
        "Whether its splits keep copies of a wine, or hours of a day, apart was not read: ours do.",
        "Wine is no patient: the study is about the method.",
    ),
    published=tuple(
        Published(
            f"{which} of five data sets, against methods that use no other site", FALL, value, "abstract"
        )
        for which, value in (("least", 0.02), ("most", 0.4))
    ),
)
def xiang2024(run: Run) -> None:
    """Do forests of other sites, weighed for each case, beat the target's own forest?"""
    trees = run.pick(100, 25)
    forest = f"random-forest:trees={trees},leaf=5"  # the leaves of the forests that are sent
    alone, others = f"target-only+{forest}", f"source-only+{forest}"
    arms = [
        alone,
        others,
        f"pooled+{forest}",
        f"federated-forest:trees={trees}",
        f'stacking:members="{alone}|{others}"',
        f"ftrf:trees={trees}",
    ]
    for name in filter(run.data.has, SETS):
        title, target, labels, metric = SETS[name]
        run.trial(
            title,
            run.cohort(name) if run.generated else READ[name](run),
            arms,
            method=arms[-1],
            target=target,
            labels_per_class=run.pick(labels, min(labels, 60)),
            metric=metric,
            folds=run.pick(5, 3),
        )
