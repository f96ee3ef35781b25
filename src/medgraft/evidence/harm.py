"""Negative transfer: is an arm worse than the best one without a source, for whom, and what goes with it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from medgraft.base import MedgraftError
from medgraft.evidence.compare import FEWEST as FEWEST_DIFFERING
from medgraft.evidence.compare import Comparison, Verdict, compare, judge
from medgraft.evidence.fairness.cells import FEWEST, cells
from medgraft.evidence.fairness.mover import p_value
from medgraft.evidence.interval import Interval, jsonable
from medgraft.evidence.metrics.base import Metric, as_metric
from medgraft.evidence.paired.difference import patients
from medgraft.evidence.paired.holm import holm
from medgraft.evidence.shift import Shift
from medgraft.evidence.verdict import sentence


@dataclass(frozen=True)
class TransferGap:
    """An arm that uses a source minus the best of its controls that use none, on the same patients.

    Attributes
    ----------
    difference : float
        In the units of the metric.
    lo, hi : float
        Its interval.
    verdict : {"helps", "harms", "inconclusive"}
    control : str
        The best control on these rows.
    comparisons : dict of str to Comparison
        With every control.
    n_patients : int
    p_adjusted : float
        Among the subgroups of one attribute, Holm's p-value; nan for a gap on its own.
    level, margin : float
    """

    difference: float
    lo: float
    hi: float
    verdict: Verdict
    control: str
    comparisons: dict[str, Comparison]
    n_patients: int
    p_adjusted: float = math.nan
    level: float = 0.95
    margin: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON knows it: nan becomes None."""
        return {
            "difference": jsonable(self.difference),
            "ci": [jsonable(self.lo), jsonable(self.hi)],
            "verdict": self.verdict,
            "control": self.control,
            "comparisons": {k: v.to_dict() for k, v in self.comparisons.items()},
            "n_patients": self.n_patients,
            "p_adjusted": jsonable(self.p_adjusted),
            "level": self.level,
            "margin": self.margin,
        }


def transfer_gap(
    metric: Metric | str,
    y: ArrayLike,
    p_arm: ArrayLike,
    controls: Mapping[str, ArrayLike],
    *,
    group: ArrayLike | None = None,
    repeat: ArrayLike | None = None,
    fold: ArrayLike | None = None,
    margin: float = 0.0,
    n_boot: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> TransferGap:
    r"""Say whether an arm that uses a source is worse than the best control that uses none.

    Use it with all controls that someone might have used instead (target-only by several learners, scratch),
    fixed beforehand. Not with controls that saw the source (pooled, source-only).

    With the gain over control c, :math:`g_c = \pm(\theta_{arm} - \theta_c)` in the better direction, the gap
    is :math:`g = \min_c g_c`. The best of C controls on these rows is flattered by chance, so that the
    observed gap leans towards harm; the interval allows for it. Its lower end is the lowest of the lower ends
    of the :math:`g_c` (to miss g it must miss one of them), its upper end the lowest of their upper ends at
    level :math:`1 - \alpha / C`, since any of C may be too low. So "helps" means better than every control,
    and "harms" worse than one of them, after paying for having looked at C.

    Parameters
    ----------
    metric, y, p_arm, group, repeat, fold, margin, n_boot, seed, level
        As in `compare`.
    controls : mapping of name to array
        Predictions of the controls, row by row the same patients.

    Returns
    -------
    TransferGap

    Raises
    ------
    MedgraftError
        There is no control; and as `compare`.

    Notes
    -----
    Cost: that of two `compare` for each control, of one where there is one control.

    References
    ----------
    Wang et al. 2019, arXiv:1811.09751 (the negative transfer gap). Berger 1982, Technometrics 24, 295-300
    (intersection-union).

    Examples
    --------
    >>> import numpy as np
    >>> y = np.zeros(40)
    >>> wave = 0.1 * (np.arange(40) % 3)
    >>> got = transfer_gap("mae", y, 2 + wave, {"ridge": 1 + wave, "forest": 3 + wave}, n_boot=200)
    >>> got.verdict, got.control, round(got.difference, 3)
    ('harms', 'ridge', 1.0)
    """
    chosen = as_metric(metric)
    if not controls:
        raise MedgraftError("The gap needs a control without a source: give at least one.")
    how: dict[str, Any] = {
        "group": group,
        "repeat": repeat,
        "fold": fold,
        "margin": margin,
        "n_boot": n_boot,
        "seed": seed,
    }
    strict = 1 - (1 - level) / len(controls)
    told = {k: compare(chosen, y, p_arm, p, level=level, **how) for k, p in controls.items()}
    wide = told
    if len(controls) > 1:
        wide = {k: compare(chosen, y, p_arm, p, level=strict, **how) for k, p in controls.items()}
    # In the better direction: an interval of a loss is that of a gain, mirrored.
    low, high = ("lo", "hi") if chosen.sign > 0 else ("hi", "lo")
    best = min(told, key=lambda k: _or(chosen.sign * told[k].difference, math.inf))
    bottom = min(chosen.sign * getattr(c, low) for c in told.values())
    top = min(chosen.sign * getattr(c, high) for c in wide.values())
    lo, hi = sorted((chosen.sign * bottom, chosen.sign * top))
    c = told[best]
    if c.n_differ < FEWEST_DIFFERING or not math.isfinite(lo + hi):
        verdict: Verdict = "inconclusive"
    else:
        verdict = judge(chosen, lo, hi, margin)
    return TransferGap(c.difference, lo, hi, verdict, best, told, c.n_groups, math.nan, level, margin)


def transfer_gaps(
    metric: Metric | str,
    y: ArrayLike,
    p_arm: ArrayLike,
    controls: Mapping[str, ArrayLike],
    by: Mapping[str, ArrayLike],
    *,
    group: ArrayLike | None = None,
    repeat: ArrayLike | None = None,
    fewest: int = FEWEST,
    margin: float = 0.0,
    n_boot: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> dict[str, TransferGap]:
    """Tell the gap by site, subgroup or label budget, with verdicts adjusted for being several.

    Use it to find whom transfer harms where it helps on average. Not to find a subgroup in which it helps.

    Parameters
    ----------
    metric, y, p_arm, controls, group, repeat, margin, n_boot, seed, level
        As in `transfer_gap`. Folds are joined.
    by : mapping of name to (n,) array
        Attributes, such as site, sex, labels per class. They are not crossed.
    fewest : int
        Levels of fewer patients are left out; see `medgraft.evidence.fairness.cells`.

    Returns
    -------
    dict of str to TransferGap
        By level, such as "site=va". A verdict that Holm's p-value over the levels of its attribute does not
        uphold is "inconclusive".

    Raises
    ------
    MedgraftError
        As `transfer_gap` and `cells`.

    Notes
    -----
    Cost: that of `transfer_gap` for each level.

    References
    ----------
    Holm 1979, Scandinavian Journal of Statistics 6, 65-70.

    Examples
    --------
    >>> import numpy as np
    >>> y, site = np.zeros(60), np.repeat(["va", "mayo"], 30)
    >>> wave = 0.1 * (np.arange(60) % 3)
    >>> arm = wave + np.where(site == "va", 1.5, 0.5)
    >>> got = transfer_gaps("mae", y, arm, {"alone": 1 + wave}, {"site": site}, n_boot=200)
    >>> {k: v.verdict for k, v in got.items()}
    {'site=mayo': 'helps', 'site=va': 'harms'}
    """
    arrays = {k: np.asarray(p) for k, p in controls.items()}
    truth, arm = np.asarray(y), np.asarray(p_arm)
    who = patients(group, len(truth))
    found = [c for c in cells(by, group=group, fewest=fewest, order=1) if c.of]
    if len(found[0].rows) != len(truth):
        raise MedgraftError(f"'by' has {len(found[0].rows)} rows, labels {len(truth)}: give one per row.")
    out: dict[str, TransferGap] = {}
    for of in dict.fromkeys(c.of for c in found):
        mine = {}
        for c in found:
            if c.of != of or not c.shown:
                continue
            mine[c.name] = transfer_gap(
                metric,
                truth[c.rows],
                arm[c.rows],
                {k: p[c.rows] for k, p in arrays.items()},
                group=who[c.rows],
                repeat=None if repeat is None else np.asarray(repeat)[c.rows],
                margin=margin,
                n_boot=n_boot,
                seed=seed,
                level=level,
            )
        adjusted = holm([_p(g) for g in mine.values()]).tolist() if mine else []
        for (name, g), p in zip(mine.items(), adjusted, strict=True):
            upheld = g.verdict if p < 1 - level else "inconclusive"
            out[name] = replace(g, p_adjusted=p, verdict=upheld)
    return out


def _p(g: TransferGap) -> float:
    """Return the p-value of "no more than the margin" that fits the interval; 1 without a verdict."""
    if g.verdict == "inconclusive":
        return 1.0
    side = g.margin if g.difference > 0 else -g.margin
    return p_value(Interval(g.difference - side, g.lo - side, g.hi - side, g.level))


def _or(x: float, otherwise: float) -> float:
    return x if math.isfinite(x) else otherwise


def harm_sentences(arm: str, gap: TransferGap, metric: Metric | str, shift: Shift | None = None) -> list[str]:
    """Say the gap, and where it is harm what goes with it, in plain sentences that claim no cause.

    Parameters
    ----------
    arm : str
        Its name.
    gap : TransferGap
    metric : Metric or str
        The metric of the gap.
    shift : Shift, optional
        Source against target, from `medgraft.evidence.shift`.

    Examples
    --------
    >>> import numpy as np
    >>> y, wave = np.zeros(40), 0.1 * (np.arange(40) % 3)
    >>> g = transfer_gap("mae", y, 2 + wave, {"ridge": 1 + wave}, n_boot=200)
    >>> harm_sentences("coral", g, "mae")[0][:42]
    'coral harms: MAE is 1.00 higher than ridge'
    """
    told = Comparison(
        gap.difference, gap.lo, gap.hi, gap.verdict, gap.n_patients, level=gap.level, margin=gap.margin
    )
    out = [sentence(arm, told, metric, control=gap.control)]
    if gap.verdict == "harms" and shift is not None:
        out += [*shift.sentences(), "These figures go with the harm; none of them shows that it caused it."]
    return out
