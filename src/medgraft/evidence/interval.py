"""A metric with its interval over patients."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from medgraft.base import MedgraftError
from medgraft.evidence.bootstrap import (
    ENOUGH,
    crossed,
    informative,
    logit_interval,
    percentiles,
    reaching,
    replicate,
)
from medgraft.evidence.metrics.base import Ints, Metric, as_metric
from medgraft.evidence.metrics.ranking import ranks, strata
from medgraft.evidence.scores import Scores
from medgraft.evidence.shares import mean_share


@dataclass(frozen=True)
class Interval:
    """A value and where it would lie with other patients.

    Attributes
    ----------
    value : float
        The metric, averaged over repeats.
    lo, hi : float
        Ends of the interval; nan where it cannot be given (`note` says why).
    level : float
        Its nominal coverage.
    note : str
        What the reader should know, or "".
    """

    value: float
    lo: float
    hi: float
    level: float = 0.95
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON knows it: nan becomes None."""
        return {
            "value": jsonable(self.value),
            "ci": [jsonable(self.lo), jsonable(self.hi)],
            "level": self.level,
            "note": self.note,
        }


def jsonable(x: float) -> float | None:
    """Return the number, or None where JSON has no such number."""
    return float(x) if math.isfinite(x) else None


def check_level(level: float) -> None:
    """Refuse a level outside (0, 1)."""
    if not 0 < level < 1:
        raise MedgraftError(f"The level of an interval lies between 0 and 1, not {level}: use 0.95.")


def dropped(draws: Any) -> str:
    """Return a sentence when more than 5 % of the draws are undefined, else ""."""
    lost = 1 - np.isfinite(draws).mean()
    return f"{lost:.0%} of the resamples lacked a class and were left out." if lost > 0.05 else ""


def few(by_repeat: Any) -> str:
    """Return a sentence when repeats that differ are fewer than `ENOUGH`, else ""."""
    repeats = int(np.isfinite(by_repeat).sum())
    if not 1 < repeats < ENOUGH or np.ptp(by_repeat[np.isfinite(by_repeat)]) == 0:
        return ""
    return f"{repeats} repeats are few to learn how much a repeat matters: use {ENOUGH} or more."


def exact_end(n: int, level: float) -> float:
    r"""Return the Clopper-Pearson lower end after n successes in n trials, :math:`(\alpha/2)^{1/n}`."""
    return float(((1 - level) / 2) ** (1 / n))


def degenerate(metric: Metric, scores: Scores, value: float, level: float) -> tuple[float, float]:
    """Return the exact interval of a bounded metric that is 0 or 1 on every patient: all draws agree."""
    n = scores.n_groups
    if metric.by_class:
        # m disjoint pairs, one patient of each class: a true AUROC A orders them all with a chance of at most
        # A^m; and a balanced accuracy a of K classes is right on m disjoint K-tuples with at most a^(K m).
        m = scores.patients_per_class()
        n = int(m.min()) * (len(m) if metric.name == "balanced_accuracy" else 1)
        if metric.view is ranks:
            n = min(n, _pairs(scores) or n)
    end = exact_end(n, level)
    return (end, 1.0) if value == 1.0 else (0.0, 1 - end)


def _pairs(scores: Scores) -> int:
    """Return how many disjoint pairs of patients are compared: within folds, and of the rarest class."""
    first = scores.parts()[0]
    y, group, fold = scores.y[first], scores.group[first], scores.fold[first]

    def of(rows: Ints) -> int:
        return len(np.unique(group[rows]))

    found = []
    for k in np.unique(y):
        parts = strata(y == k, fold)
        found.append(sum(min(of(r[y[r] == k]), of(r[y[r] != k])) for r in parts))
    return min(found)


def interval(
    metric: Metric | str,
    y: ArrayLike,
    p: ArrayLike,
    *,
    group: ArrayLike | None = None,
    repeat: ArrayLike | None = None,
    fold: ArrayLike | None = None,
    n_boot: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    r"""Judge an arm's predictions, with an interval over patients (and label draws, when repeated).

    Use it for one arm on its own. To say that one arm is better than another use `compare`: intervals of
    two arms may overlap although their paired difference is beyond doubt.

    The value is :math:`\frac1R \sum_r m_r`, the metric of each repeat averaged. The interval resamples
    patients with all their rows, the same in every repeat, and repeats (pigeonhole bootstrap), and is widened
    for few patients or few repeats: of the draws it takes percentiles, or for metrics between 0 and 1 the
    spread on the logit scale; see `replicate`, `crossed`, `percentiles` and `logit_interval` in
    `medgraft.evidence.bootstrap`. Where all rows are right, or all wrong, resampling shows no spread, and the
    end is the exact Clopper-Pearson bound over patients. Balanced accuracy of two classes with one row a
    patient is not resampled: it is a mean of independent shares, see `medgraft.evidence.shares.mean_share`.
    Told in several repeats it is, and with six patients of a class such an interval is some points short.

    It covers new patients from the same place, judged by these fitted models and others like them. It does
    not cover refitting on other training patients beyond what the repeats show.

    Parameters
    ----------
    metric : Metric or str
        What to compute.
    y : (n,) array
        Class codes 0..K-1, or values.
    p : (n, K) or (n,) array
        Class probabilities, or predicted values.
    group : (n,) array, default every row its own
        Patients.
    repeat, fold : (n,) array, default one
        Repeat of the cross-validation; and within it, rows scored by the same model.
    n_boot : int
        Draws.
    seed : int
        The same seed gives the same interval.
    level : float
        Nominal coverage.

    Returns
    -------
    Interval

    Raises
    ------
    MedgraftError
        The arrays do not fit each other or the metric.

    Notes
    -----
    Cost O(n n_boot): 10 repeats of 200 rows, 2000 draws, a tenth of a second.

    References
    ----------
    Owen 2007, doi:10.1214/07-AOAS122. Hesterberg 2015, doi:10.1080/00031305.2015.1089789. Zou, Huang and
    Zhang 2009, doi:10.1016/j.csda.2008.09.033.

    Examples
    --------
    >>> import numpy as np
    >>> y = np.array([0, 0, 0, 1, 1, 1])
    >>> interval("accuracy", y, np.eye(2)[y]).lo.__round__(3)  # all six right: 0.025 ** (1 / 6)
    0.541
    """
    chosen = as_metric(metric)
    check_level(level)
    scores = Scores.of(chosen, y, p, group=group, repeat=repeat, fold=fold)
    made = replicate(chosen, scores, [scores.p], n_boot=n_boot, seed=seed)
    value, draws = float(made.values[0]), made.draws[0]
    if math.isnan(value):
        return Interval(value, math.nan, math.nan, level, f"{chosen.label} is undefined on these rows.")
    if chosen.bounded and value in (0.0, 1.0):
        return Interval(value, *degenerate(chosen, scores, value, level), level, "Exact bound over patients.")
    n = informative(chosen, scores)
    if n < 2:
        return Interval(value, math.nan, math.nan, level, "One patient (of a class) allows no interval.")
    of = [scores.y == k for k in np.unique(scores.y)] if chosen.name == "balanced_accuracy" else []
    if len(of) == 2 and len(scores.y) == scores.n_groups:
        right = scores.p.argmax(axis=1) == scores.y
        ends = mean_share([right[c].sum() for c in of], [c.sum() for c in of], level)
        return Interval(value, *ends, level)
    known, fewer = crossed(draws, made.by_repeat[0], n)
    if chosen.bounded:
        lo, hi = logit_interval(value, known, fewer, level)
    else:
        lo, hi = percentiles(reaching(known, fewer, n, level), n, level)
    return Interval(
        value, lo, hi, level, " ".join(filter(None, (dropped(draws), few(made.by_repeat[0][:, 0]))))
    )
