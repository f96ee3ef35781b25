"""Every metric by subgroup, and how far the subgroups lie apart."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from medgraft.base import MedgraftError
from medgraft.evidence.decision.rates import rate
from medgraft.evidence.fairness.cells import FEWEST, Cell, cells
from medgraft.evidence.fairness.gap import Gap, gap
from medgraft.evidence.interval import Interval, interval
from medgraft.evidence.metrics.base import REGRESSION, Floats, Ints, Metric, as_metric, weighted_mean
from medgraft.evidence.metrics.classification import one_hot
from medgraft.evidence.paired.difference import patients, yes_no

HIDDEN = "Fewer than {} patients, or hidden beside such a subgroup."
Measure = Callable[[NDArray[np.bool_], float], Interval]


def _mean(y: Floats, p: Floats, w: Floats, block: Ints) -> Floats:
    return weighted_mean(y - p, w)


# What happened minus what was predicted, on average: calibration in the large.
IN_THE_LARGE = Metric(
    "calibration_in_the_large",
    REGRESSION,
    "lower",
    "Observed minus predicted",
    _mean,
    lambda y, p, block: p[:, None],
)


@dataclass(frozen=True)
class SubgroupReport:
    """Figures by subgroup, and their gaps.

    Attributes
    ----------
    cells : list of Cell
        All of them, hidden ones without a count.
    figures : dict of str to dict of str to Interval
        By measure and shown cell.
    gaps : dict of str to dict of str to Gap
        By measure and crossing, such as "sex" or "sex & site".
    fewest : int
        Cells of fewer patients are hidden.
    """

    cells: list[Cell]
    figures: dict[str, dict[str, Interval]]
    gaps: dict[str, dict[str, Gap]]
    fewest: int = FEWEST

    def table(self) -> pd.DataFrame:
        """Return one row a subgroup and measure: subgroup, patients, measure, value, lo, hi, note."""
        rows = []
        for measure, figures in self.figures.items():
            for cell in self.cells:
                x = figures.get(cell.name)
                told = (math.nan, math.nan, math.nan, HIDDEN.format(self.fewest))
                shown = (x.value, x.lo, x.hi, x.note) if x else told
                rows.append((cell.name, cell.n_patients, measure, *shown))
        frame = pd.DataFrame(rows, columns=["subgroup", "patients", "measure", "value", "lo", "hi", "note"])
        return frame.astype({"patients": "Int64"})

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON knows it; hidden cells have a name and no figure."""
        return {
            "fewest": self.fewest,
            "cells": [{"name": c.name, "patients": c.n_patients} for c in self.cells],
            "figures": {m: {k: v.to_dict() for k, v in of.items()} for m, of in self.figures.items()},
            "gaps": {m: {k: v.to_dict() for k, v in of.items()} for m, of in self.gaps.items()},
        }


def subgroup_report(
    y: ArrayLike,
    p: ArrayLike,
    attributes: Mapping[str, ArrayLike],
    *,
    metrics: Sequence[Metric | str] = ("auroc", "ece"),
    covered: ArrayLike | None = None,
    group: ArrayLike | None = None,
    repeat: ArrayLike | None = None,
    reference: Mapping[str, str] | None = None,
    fewest: int = FEWEST,
    n_boot: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> SubgroupReport:
    r"""Judge predictions by protected attribute, site and their intersections, and tell the gaps.

    Use it on test rows, for attributes fixed beforehand. Not to search: of many attributes and metrics some
    gap is beyond its interval by chance. And a gap says that subgroups are served unequally, not why: they
    may differ in how hard their cases are.

    Each figure is that of the metric on the rows of the subgroup, with `interval` over its patients; folds
    are joined, since within one a subgroup is too small to be scored alone. Beside the metrics, for two
    classes: "calibration_in_the_large", what happened minus what was predicted, on average; with `covered`:
    "coverage", the share of rows whose prediction set holds the truth. The gaps are those of `gap`: their
    intervals allow for the upward bias of a largest difference. Small cells are hidden as in `cells`.

    Parameters
    ----------
    y : (n,) array
        Class codes 0..K-1, or values.
    p : (n, K) or (n,) array
        Class probabilities, or predicted values.
    attributes : mapping of name to (n,) array
        Protected attributes, site.
    metrics : sequence of Metric or str
        What to compute. "ece" is above zero even for a calibrated model, the more so the smaller the
        subgroup: a gap of it between a large and a small one is no finding.
    covered : (n,) bool array, optional
        Whether the prediction set or interval of a row holds the truth.
    group, repeat : (n,) array, optional
        Patients; repeats of the cross-validation.
    reference : mapping of attribute (or crossing, "sex & site") to level, optional
        With whom the others are compared; the largest subgroup by default.
    fewest : int
        Subgroups of fewer patients are hidden.
    n_boot, seed, level
        As in `interval`.

    Returns
    -------
    SubgroupReport

    Raises
    ------
    MedgraftError
        The arrays do not fit each other or a metric; a reference does not exist or is hidden.

    Notes
    -----
    Cost: that of two `interval` for each metric and cell.

    Examples
    --------
    >>> import numpy as np
    >>> y, sex = np.arange(80) % 2, np.repeat(["f", "m"], 40)
    >>> right = (sex == "m") | (np.arange(80) % 4 < 3)
    >>> p = np.eye(2)[np.where(right, y, 1 - y)]
    >>> report = subgroup_report(y, p, {"sex": sex}, metrics=["accuracy"], n_boot=200)
    >>> report.gaps["accuracy"]["sex"].value, report.gaps["accuracy"]["sex"].lowest
    (0.25, 'sex=f')
    """
    truth, guess = np.asarray(y), np.asarray(p, dtype=float)
    n = len(truth)
    who = patients(group, n)
    found = cells(attributes, group=group, fewest=fewest)
    if len(found[0].rows) != n:
        raise MedgraftError(f"Attributes have {len(found[0].rows)} rows, labels {n}: give one per row.")
    draws: dict[str, Any] = {"n_boot": n_boot, "seed": seed}

    def of(metric: Metric, t: Any, g: Any) -> Measure:
        def measure(rows: NDArray[np.bool_], level: float) -> Interval:
            again = None if repeat is None else np.asarray(repeat)[rows]
            return interval(metric, t[rows], g[rows], group=who[rows], repeat=again, level=level, **draws)

        return measure

    measures: dict[str, Measure] = {}
    for m in map(as_metric, metrics):
        measures[m.name] = of(m, truth, guess)
    if guess.ndim == 2 and guess.shape[1] == 2:
        measures[IN_THE_LARGE.name] = of(IN_THE_LARGE, one_hot(truth, 2)[:, 1], guess[:, 1])
    if covered is not None:
        inside = yes_no("covered", covered, n) == 1
        measures["coverage"] = lambda rows, level: rate(inside, rows, who, level)
    figures = {m: {c.name: f(c.rows, level) for c in found if c.shown} for m, f in measures.items()}
    gaps = {m: gaps_of(f, found, reference or {}, level) for m, f in measures.items()}
    return SubgroupReport(found, figures, gaps, fewest)


def gaps_of(
    measure: Measure, found: list[Cell], reference: Mapping[str, str], level: float
) -> dict[str, Gap]:
    """Return the gap among the shown cells of each attribute, and of each crossing, that has two or more."""
    out = {}
    for of in dict.fromkeys(c.of for c in found if c.of):
        rows = {c.name: c.rows for c in found if c.of == of and c.shown}
        sizes = {c.name: c.n_patients or 0 for c in found if c.name in rows}
        key = " & ".join(of)
        named = reference.get(key)
        if named is not None and f"{key}={named}" not in rows and named not in rows:
            raise MedgraftError(
                f"The reference '{named}' of '{key}' is not among the subgroups shown: {', '.join(rows)}."
            )
        if len(rows) < 2:
            continue
        chosen = max(sizes, key=lambda k: sizes[k]) if named is None else named
        chosen = chosen if chosen in rows else f"{key}={named}"
        memo: dict[tuple[str, float], Interval] = {}

        def figure(name: str, level: float, rows: Any = rows, memo: Any = memo) -> Interval:
            if (name, level) not in memo:
                memo[name, level] = measure(rows[name], level)
            return memo[name, level]

        out[key] = gap(figure, sizes, chosen, level)
    return out
