"""What the leaks made of a study's method: its two runs, paired by patient where that can be done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from medgraft.evidence import Comparison, Interval, Metric, Scores
from medgraft.evidence.bootstrap import replicate
from medgraft.evidence.compare import Contrast, differing
from medgraft.evidence.fairness.mover import mover
from medgraft.evidence.metrics import metrics
from medgraft.studies.kit import account
from medgraft.studies.kit.same_rows import unlike
from medgraft.trial import Result
from medgraft.trial.assemble import scores

if TYPE_CHECKING:
    from medgraft.studies.kit.run import Run

PAIRED = "paired by patient"
ROUGH = "rough: two runs taken for independent"
N_BOOT = 2000


def optimism(honest: Run, published: Run) -> list[dict[str, Any]]:
    """Return what the leaks made of the study's method: as published less honest, so that more is rosier.

    Where both trials judged the same rows, and their cells show it (see `same_rows.unlike`), the difference
    is that of the metric on these rows, averaged over repeats, with an interval that resamples the honest
    run's patients, the same in both runs. Copies and made rows that only the leaking run judged are left out
    of it, but stay in that run's own figure. The method is each protocol's own, whatever its settings.

    Elsewhere the two intervals are combined as those of independent runs: too wide, since they share
    patients, and too narrow, since the leaking run takes rows of one patient for independent.

    Parameters
    ----------
    honest, published : Run
        After the recipe.

    Returns
    -------
    list of dict
        For each experiment that both have with one metric: ``title``, ``metric``, ``as_published`` and
        ``honest`` (value and interval of each run's own), ``value``, ``ci``, ``way`` (`PAIRED` or `ROUGH`);
        and of a pair ``n`` and ``patients``, else ``why`` it is none.
    """
    titles = {e["title"]: e for e in honest.experiments}
    found = []
    for leaking in published.experiments:
        own = titles.get(leaking["title"])
        if own is None or own["metric"] != leaking["metric"]:
            continue
        a, b = _of_method(leaking), _of_method(own)
        more: dict[str, Any]
        pair = _pair((honest, own), (published, leaking))
        if isinstance(pair, str):
            gap, more = mover(a, b), {"way": ROUGH, "why": pair}
        else:
            one, two = pair
            made = paired(metrics[own["metric"]], two, one, honest.seed)
            gap = Interval(made.difference, made.lo, made.hi)
            rows = int(np.count_nonzero(one.repeat == 0))
            more = {"way": PAIRED, "n": rows, "patients": one.n_groups}
        if not own["higher_is_better"]:
            gap = Interval(0.0 - gap.value, 0.0 - gap.hi, 0.0 - gap.lo)  # not -x, which makes a -0 of 0
        found.append(
            {
                "title": own["title"],
                "metric": own["metric"],
                "as_published": [a.value, a.lo, a.hi],
                "honest": [b.value, b.lo, b.hi],
                "value": gap.value,
                "ci": [gap.lo, gap.hi],
                **more,
            }
        )
    return found


def paired(metric: Metric, arm: Scores, control: Scores, seed: int = 0) -> Comparison:
    """Compare predictions of the same rows that were made in different folds, paired by patient.

    Where the folds are the same it is `medgraft.evidence.compare`.

    Parameters
    ----------
    metric : Metric
    arm, control : Scores
        Of the same rows and patients in the same order; folds are each one's own.
    seed : int
        The same draws of patients and repeats serve both.
    """
    one, two = (replicate(metric, s, [s.p], n_boot=N_BOOT, seed=seed) for s in (arm, control))
    value, draws, by_repeat = (x[0] - z[0] for x, z in zip(one, two, strict=True))
    differ = 0 if np.isnan(value) else differing(metric, arm, arm.p, control.p, control.fold)
    same = np.array_equal(arm.p, control.p) and not np.nan_to_num(draws).any()
    return Contrast(metric, arm, float(value), draws, by_repeat, differ, same).at(0.95)


def told_way(each: dict[str, Any]) -> str:
    """Return how a figure came about, in words; accounts that do not say are of the rough way.

    Examples
    --------
    >>> told_way({"way": PAIRED, "n": 90, "patients": 30})
    'paired by patient, on the 90 rows that both runs tested, of 30 patients'
    >>> told_way({})
    'rough: two runs taken for independent'
    """
    if each.get("way", ROUGH) == PAIRED:
        whose = f"of {each['patients']} patients" if each["patients"] < each["n"] else "each a patient"
        return f"{PAIRED}, on the {each['n']} rows that both runs tested, {whose}"
    return f"{ROUGH}, because {each['why']}" if each.get("why") else ROUGH


def _pair(
    honest: tuple[Run, dict[str, Any]], published: tuple[Run, dict[str, Any]]
) -> tuple[Scores, Scores] | str:
    """Return the predictions of both runs' methods on the rows that the honest one judged, or why not."""
    if honest[1].get("folder") is None or published[1].get("folder") is None:
        return "it is no trial"
    parts, cohorts = [], []
    for run, e in (honest, published):
        result = Result.read(run.out / e["folder"])
        if "aggregate" in result.data:
            return "rows of a patient were joined before they were judged"
        frame = result.predictions
        parts.append(frame[(frame["arm"] == e["method"]) & (frame["budget"] == result.data["budget"])])
        cohorts.append(run.judged[e["folder"]])
    rows = [np.unique(part["row"]) for part in parts]
    if why := unlike(*(cohort.select(own) for cohort, own in zip(cohorts, rows, strict=True))):
        return why
    n = len(rows[0])
    one, two = (_numbered(part, own[:n]) for part, own in zip(parts, rows, strict=True))
    where = ["repeat", "row"]
    if not np.array_equal(one[where], two[where]):
        return "the runs did not judge the same rows in every repeat"
    metric = metrics[honest[1]["metric"]]
    shared = {name: one[name].to_numpy() for name in ("group", "repeat")}
    first, second = (
        Scores.of(metric, *scores(part, metric.name), fold=part["fold"].to_numpy(), **shared)
        for part in (one, two)
    )
    return first, second


def _numbered(part: pd.DataFrame, rows: Any) -> pd.DataFrame:
    """Return the predictions of these rows, numbered from 0, in their order within each repeat."""
    kept = part[part["row"].isin(rows)]
    return kept.assign(row=np.searchsorted(rows, kept["row"])).sort_values(["repeat", "row"], kind="stable")


def _of_method(experiment: dict[str, Any]) -> Interval:
    return account.interval_of(next(a for a in experiment["arms"] if a["name"] == experiment["method"]))
