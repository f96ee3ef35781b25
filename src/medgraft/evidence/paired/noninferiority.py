"""Is an arm not worse than its control, but for a margin fixed beforehand?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

from medgraft.base import MedgraftError
from medgraft.evidence.compare import FEWEST, Comparison
from medgraft.evidence.interval import jsonable
from medgraft.evidence.metrics.base import Metric, as_metric

Standing: TypeAlias = Literal["superior", "non-inferior", "inferior", "inconclusive"]


class Bounded(Protocol):
    """What has an interval: a `Comparison`, a `Difference`, a `Posterior`."""

    @property
    def lo(self) -> float:
        """Lower end."""
        ...

    @property
    def hi(self) -> float:
        """Upper end."""
        ...

    @property
    def level(self) -> float:
        """Nominal coverage."""
        ...


@dataclass(frozen=True)
class NonInferiority:
    """How an arm stands to its control, given the margin.

    Attributes
    ----------
    verdict : {"superior", "non-inferior", "inferior", "inconclusive"}
    worst, best : float
        Ends of the interval of the arm's gain over its control: above zero is better, whatever the metric.
    margin : float
        The loss that would still be borne.
    one_sided : float
        Level of each end on its own.
    note : str
        What the reader should know, or "".
    """

    verdict: Standing
    worst: float
    best: float
    margin: float
    one_sided: float = 0.975
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON knows it: nan becomes None."""
        return {
            "verdict": self.verdict,
            "gain_ci": [jsonable(self.worst), jsonable(self.best)],
            "margin": self.margin,
            "one_sided": self.one_sided,
            "note": self.note,
        }


def noninferiority(difference: Bounded, metric: Metric | str, margin: float) -> NonInferiority:
    r"""Say whether an arm is superior, non-inferior, inferior, or neither can be shown.

    Use it where an arm has other merits (cheaper, no patient data leaves the hospital) and need only not be
    worse by much. Not with a margin chosen after the result was seen: any arm is non-inferior for some
    margin.

    With the two-sided 95 % interval (L, U) of the gain, the difference in the direction in which the metric
    is better, each end is a one-sided 97.5 % bound. For the margin M:

    .. math::
        L > 0 &: \text{superior} \\
        -M < L \le 0 &: \text{non-inferior} \\
        U < -M &: \text{inferior} \\
        \text{else} &: \text{inconclusive}

    A comparison on fewer than six patients that differ is never superior or inferior, as in `compare`.
    Superiority after non-inferiority costs no correction: the two are tested in a fixed order.

    Parameters
    ----------
    difference : Comparison or Difference
        Arm minus control, with an interval.
    metric : Metric or str
        For its direction.
    margin : float
        M, above zero, in the units of the metric.

    Returns
    -------
    NonInferiority

    Raises
    ------
    MedgraftError
        The margin is not above zero.

    Notes
    -----
    Cost O(1).

    References
    ----------
    Piaggio et al. 2012 (CONSORT), doi:10.1001/jama.2012.87802.

    Examples
    --------
    >>> from medgraft.evidence.compare import Comparison
    >>> seen = Comparison(-0.01, -0.03, 0.01, "inconclusive", 200, n_differ=150)
    >>> noninferiority(seen, "auroc", 0.05).verdict, noninferiority(seen, "mae", 0.005).verdict
    ('non-inferior', 'inconclusive')
    """
    chosen = as_metric(metric)
    if not 0 < margin < math.inf:
        raise MedgraftError(
            f"A margin of non-inferiority is a loss that would be borne, so above 0, not {margin}."
        )
    lo, hi = difference.lo, difference.hi
    worst, best = (lo, hi) if chosen.better == "higher" else (0.0 - hi, 0.0 - lo)
    one_sided = (1 + difference.level) / 2
    # On so few differing patients `compare` says neither that an arm is better nor that it is worse.
    few = isinstance(difference, Comparison) and difference.n_differ < FEWEST
    verdict: Standing = "inconclusive"
    note = ""
    if math.isnan(worst) or math.isnan(best):
        note = "There is no interval, so nothing can be shown."
    elif worst > 0 and not few:
        verdict = "superior"
    elif worst > -margin:
        verdict = "non-inferior"
        if best < 0:
            note = f"{chosen.label} is worse than that of the control, but by less than the margin."
    elif best < -margin and not few:
        verdict = "inferior"
    return NonInferiority(verdict, worst, best, margin, one_sided, note)
