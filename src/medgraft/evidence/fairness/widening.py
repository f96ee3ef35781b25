"""Whether the gap between subgroups widens or narrows with transfer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from medgraft.base import MedgraftError
from medgraft.evidence.bootstrap import replicate
from medgraft.evidence.fairness.cells import FEWEST
from medgraft.evidence.fairness.gap import Gap
from medgraft.evidence.fairness.mover import mover
from medgraft.evidence.fairness.report import subgroup_report
from medgraft.evidence.interval import Interval, jsonable
from medgraft.evidence.metrics.base import Metric, as_metric
from medgraft.evidence.paired.difference import patients
from medgraft.evidence.scores import Scores


@dataclass(frozen=True)
class GapChange:
    """The gap of an arm minus that of its control, on the same patients.

    Attributes
    ----------
    change : Interval
        Below 0 the gap is narrower with the arm.
    arm, control : Gap
    correlation : float
        Of the two gaps, over resampled patients.
    """

    change: Interval
    arm: Gap
    control: Gap
    correlation: float

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON knows it."""
        return {
            "change": self.change.to_dict(),
            "arm": self.arm.to_dict(),
            "control": self.control.to_dict(),
            "correlation": jsonable(self.correlation),
        }


def gap_change(
    metric: Metric | str,
    y: ArrayLike,
    p_arm: ArrayLike,
    p_control: ArrayLike,
    attribute: ArrayLike,
    *,
    group: ArrayLike | None = None,
    repeat: ArrayLike | None = None,
    fewest: int = FEWEST,
    n_boot: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> GapChange:
    r"""Say whether the gap between subgroups is wider or narrower with transfer than without.

    Use it beside `gains_by_subgroup`: a gap also narrows when those served best lose.

    The change is :math:`(\max_a \theta_a - \min_a \theta_a)_{arm} - (\cdot)_{control}`. Both gaps are too
    large on average, the smaller one more so, so that a change is rather under- than overstated. The
    interval is made of those of the two gaps (see `medgraft.evidence.fairness.gap`), which allow for that,
    and of their correlation r over resampled patients, by MOVER. Where the arm's gap may be 0 the lower end
    reaches down to minus the control's upper end, and likewise on the other side. So it covers more often
    than it says, for the reasons given there of either gap: one that leaves out 0 is strong evidence, and one
    that does not is little.

    Parameters
    ----------
    metric, y, p_arm, p_control, group, repeat, n_boot, seed, level
        As in `compare`.
    attribute : (n,) array
        Whose levels are compared.
    fewest : int
        Levels of fewer patients are left out.

    Returns
    -------
    GapChange

    Raises
    ------
    MedgraftError
        Fewer than two levels have enough patients; and as `compare`.

    Notes
    -----
    Cost: that of six `interval` for each level.

    References
    ----------
    Zou 2007, doi:10.1037/1082-989X.12.4.399.

    Examples
    --------
    >>> import numpy as np
    >>> y, sex = np.zeros(60), np.repeat(["f", "m"], 30)
    >>> wave = 0.1 * (np.arange(60) % 3)
    >>> arm, control = 1 + wave, 1 + wave + (sex == "f")
    >>> round(gap_change("mae", y, arm, control, sex, n_boot=200).change.value, 3)
    -1.0
    """
    chosen = as_metric(metric)
    truth, arms = np.asarray(y), [np.asarray(p, dtype=float) for p in (p_arm, p_control)]
    who = patients(group, len(truth))
    kept: dict[str, Any] = {"repeat": repeat, "fewest": fewest}
    gaps = []
    for p in arms:
        report = subgroup_report(
            truth,
            p,
            {"attribute": attribute},
            metrics=[chosen],
            group=who,
            n_boot=n_boot,
            seed=seed,
            level=level,
            **kept,
        )
        if not report.gaps[chosen.name]:
            raise MedgraftError(
                f"Fewer than two levels may be shown, each of at least {fewest} patients: no gap can be told."
            )
        gaps.append(report.gaps[chosen.name]["attribute"])
    draws = []
    for i, cell in enumerate(c for c in report.cells if c.shown and c.of):
        again = None if repeat is None else np.asarray(repeat)[cell.rows]
        both = [
            Scores.of(chosen, truth[cell.rows], p[cell.rows], group=who[cell.rows], repeat=again)
            for p in arms
        ]
        # Levels are of different patients: their draws must not be the same.
        made = replicate(chosen, both[0], [s.p for s in both], n_boot=n_boot, seed=seed + i)
        draws.append(made.draws)
    spread = np.ptp(np.stack(draws), axis=0)
    spread = spread[:, np.isfinite(spread).all(axis=0)]
    r = 0.0
    if spread.shape[1] > 1 and spread.std(axis=1).min() > 0:
        r = float(np.corrcoef(spread)[0, 1])
    sides = [Interval(g.value, g.lo, g.hi, level) for g in gaps]
    if any(math.isnan(s.value) for s in sides):
        nothing = Interval(math.nan, math.nan, math.nan, level, gaps[0].note)
        return GapChange(nothing, gaps[0], gaps[1], r)
    if np.array_equal(arms[0], arms[1]):
        same = Interval(0.0, 0.0, 0.0, level, "The arm and its control predict the same.")
        return GapChange(same, gaps[0], gaps[1], r)
    change = mover(sides[0], sides[1], r)
    arm, control = sides
    # Without a shown gap on one side its estimate is mostly bias, and its lower end, 0, is all that counts.
    lo = change.lo if arm.lo > 0 else min(change.lo, arm.lo - control.hi)
    hi = change.hi if control.lo > 0 else max(change.hi, arm.hi - control.lo)
    return GapChange(Interval(change.value, lo, hi, level), gaps[0], gaps[1], r)
