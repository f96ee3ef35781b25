"""[31] Forecasts of COVID-19 handed on from variant to variant, and a ranking of countries."""

from pathlib import Path

import numpy as np
import pandas as pd

from medgraft.cohort import Cohort, read
from medgraft.evidence.decision.ranking import Method, rank_models, ranking_agreement
from medgraft.evidence.decision.weights import Better, critic_weights, shap_weights
from medgraft.methods.model.sequential import Sequential
from medgraft.studies.kit import Fact, Run, study

NEXT = "cases next week"
SINCE = {"original": "2019-12-01", "alpha": "2020-12-18", "delta": "2021-05-11", "omicron": "2021-11-26"}
WEEKLY: dict[str, Better] = {  # and which way is better
    "new_cases_per_million": "lower",
    "new_deaths_per_million": "lower",
    "stringency_index": "lower",
    "icu_patients_per_million": "lower",
    "weekly_hosp_admissions_per_million": "lower",
    "people_vaccinated_per_hundred": "higher",
}
STANDING = ("median_age", "gdp_per_capita", "hospital_beds_per_thousand", "diabetes_prevalence")


def small(folder: Path, seed: int) -> Cohort:
    """Return 12 generated countries over 45 weeks; what measures are worth changes from period to period."""
    rng = np.random.default_rng([seed, 31])
    rows = []
    for c in range(12):
        level, age = rng.normal(3, 0.5), rng.uniform(25, 45)
        for week in range(45):
            stringency = rng.uniform(0, 100)
            for day in range(7):
                date = pd.Timestamp("2020-01-06") + pd.Timedelta(days=7 * week + day)
                rows.append((f"land{c}", date, np.expm1(max(level, 0.0)), stringency, age))
            effect = 0.2 + 0.02 * week  # the later, the more does it help to be strict
            level = 3 + 0.7 * (level - 3) - effect * (stringency - 50) / 50 + 0.1 * rng.normal()
    names = ["location", "date", "new_cases_per_million", "stringency_index", "median_age"]
    return _panel(pd.DataFrame(rows, columns=names))


def _panel(days: pd.DataFrame) -> Cohort:
    """Return one row for each country and week: means of this week and the last, and next week's cases."""
    if "continent" in days:  # rows such as World sum up countries
        days = days[days["continent"].notna()]
    day = pd.to_datetime(days["date"])
    weekly = [c for c in WEEKLY if c in days]
    week = day.dt.to_period("W").dt.start_time.rename("week")
    by = days.assign(week=week).groupby(["location", "week"])
    table = by[weekly].mean()
    table["new_cases_per_million"] = np.log1p(table["new_cases_per_million"].clip(lower=0))
    for c in weekly:
        table[f"{c}, change"] = table.groupby("location")[c].diff()
    table = table.join(by[[c for c in STANDING if c in days]].first()).reset_index()
    # Weeks without reports are no neighbours: the next row must be the next week.
    after = table.groupby("location")["week"].shift(-1) - table["week"] == pd.Timedelta(days=7)
    table[NEXT] = table.groupby("location")["new_cases_per_million"].shift(-1).where(after)
    table = table.dropna(subset=[NEXT])
    table["period"] = _periods(table["week"])
    features = [str(c) for c in table if c not in ("location", "week", "period", NEXT)]
    return read(table, label=NEXT, group="location", domain="period", features=features, task="regression")


def _periods(week: pd.Series) -> pd.Series:
    """Return each week's period: by the variants' dates, or a third of the time where it ends before."""
    starts = pd.to_datetime(pd.Series(SINCE))
    if week.max() > starts["alpha"]:
        return pd.Series(starts.index[np.searchsorted(starts, week, side="right") - 1], index=week.index)
    third = (week.max() - week.min()) / 3
    return "period " + (((week - week.min()) / third).clip(upper=2.99).astype(int) + 1).astype(str)


def _order(cohort: Cohort) -> list[str]:
    return [str(p) for p in cohort.table.groupby("period")["week"].min().sort_values().index]


def _ranking(cohort: Cohort, order: list[str]) -> str:
    """Say how countries stand in the last period: levels, and changes since the period before, ranked."""
    chain = Sequential(task="regression", order=order[:-1])
    chain.fit(cohort.X, cohort.y, domain=cohort.domains, target=order[-1], groups=cohort.groups)
    t = cohort.table
    now = t["period"] == order[-1]
    Z = chain.encoder_.transform(cohort.X[now])
    shap = pd.DataFrame((Z - Z.mean(axis=0)) * chain.path_[-1][0, :-1], columns=chain.encoder_.names_)
    worth = pd.Series(shap_weights(shap.to_numpy()), shap.columns)
    weekly = [c for c in WEEKLY if c in t]
    each = [worth[[w for w in worth.index if str(w).startswith(c)]].sum() for c in weekly]
    level = t.groupby(["location", "period"])[weekly].mean().unstack("period").dropna()
    A = np.column_stack([level[c][order[-1]] for c in weekly])
    B = A - np.column_stack([level[c][order[-2]] for c in weekly])
    table = np.hstack([A, B])
    better = [WEEKLY[c] for c in (*weekly, *weekly)]
    methods: tuple[Method, ...] = ("topsis", "promethee")
    ranks = {how: rank_models(table, better, how, [*each, *each]).rank for how in methods}
    critic = rank_models(table, better, "topsis", critic_weights(table, better)).rank
    said = level.index[np.argsort(ranks["topsis"])]
    same = ranking_agreement(ranks["topsis"], ranks["promethee"])["kendall"]
    other = ranking_agreement(ranks["topsis"], critic)["kendall"]
    return (
        f"Ranking of {len(said)} countries in '{order[-1]}' by TOPSIS, weighted by SHAP values of the chain: "
        f"{', '.join(said[:3])} first, {', '.join(said[-3:])} last. Kendall's tau with PROMETHEE "
        f"{same:.2f}, with weights by CRITIC {other:.2f}: the order has no interval and proves nothing."
    )


@study(
    ref=31,
    title="A variant-informed decision support system for tackling COVID-19: a transfer learning and "
    "multi-attribute decision-making approach",
    authors="Amiri et al.",
    venue="PeerJ Computer Science 10:e2321",
    year=2024,
    doi="10.7717/peerj-cs.2321",
    modality="weekly series of countries",
    task="cases of the next week under the latest variant; then a ranking of countries",
    method="models handed on from variant to variant; SHAP weights; several criteria at once",
    transfer=("model", "sequential"),
    access="open, Our World in Data; the variants by GISAID",
    data=("owid_covid",),
    generated=small,
    facts=(
        Fact("One model for each variant; those of earlier variants are transferred to later ones.", "read"),
        Fact("K-fold cross-validation; SHAP values for each variant.", "read"),
        Fact(
            "Networks gain significantly by transfer; what counts most, variant after variant, is the rate "
            "of vaccination, patients in intensive care and weekly admissions to hospital.",
            "read",
        ),
        Fact("A country is scored against its own past and against other countries, by hybrid MADM.", "read"),
        Fact("The sets, by the review's row: Our World in Data, ECDC and GISAID.", "read"),
        Fact("The variants are alpha, beta, gamma, delta and omicron.", "remembered"),
        Fact("Periods by the date of a variant's designation, beta and gamma within alpha's.", "proposed"),
        Fact("Log cases of the next week; folds by country; TOPSIS with SHAP weights.", "proposed"),
        Fact("Less of each column counts as better, strictness too, and more vaccinated people.", "proposed"),
        Fact(
            "The chain is of linear models, each pulled towards the last, where the paper has networks.",
            "proposed",
        ),
    ),
    caveats=(
        "No figure of the paper could be read.",
        "The task is a forecast and a ranking, no diagnosis.",
        "Data that end before alpha are cut into three periods of equal length, which are no variants.",
        "Folds are by country: other countries' later weeks teach, so it is no forecast of the whole world.",
        "Countries are the units: there are few, and neighbours are not independent.",
        "Ranked are only the countries that report every column; few report hospitals.",
    ),
)
def amiri2024(run: Run) -> None:
    """Does a model of earlier variants help to forecast under the latest one?"""
    cohort = run.cohort() if run.generated else _panel(run.cohort(label="new_cases_per_million").table)
    order = _order(cohort)
    method = f'sequential:order="{"|".join(order[:-1])}"'
    forest = f"random-forest:trees={run.pick(100, 20)}"
    run.trial(
        "Cases of the next week",
        cohort,
        ["target-only", f"target-only+{forest}", "target-only+mlp", "source-only", "pooled", "l2sp", method],
        method=method,
        target=order[-1],
        labels_per_class=run.pick((), 30),
        folds=run.pick(10, 4),
    )
    run.note(_ranking(cohort, order))
