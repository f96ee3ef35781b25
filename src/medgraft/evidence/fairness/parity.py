"""Are decisions made at equal rates: demographic parity, equal opportunity, equalised odds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medgraft.base import MedgraftError
from medgraft.evidence.decision.rates import binary, rate
from medgraft.evidence.fairness.cells import FEWEST, cells
from medgraft.evidence.fairness.gap import Gap
from medgraft.evidence.fairness.report import Measure, gaps_of
from medgraft.evidence.interval import Interval
from medgraft.evidence.paired.difference import yes_no


@dataclass(frozen=True)
class Parity:
    """How unequally decisions fall on the subgroups of one attribute; 0 is parity.

    Attributes
    ----------
    demographic_parity : Gap
        Of the share flagged.
    equal_opportunity : Gap
        Of the share flagged among those with the event (sensitivity).
    false_alarms : Gap
        Of the share flagged among those without.
    equalised_odds : Interval
        The larger of the last two.
    """

    demographic_parity: Gap
    equal_opportunity: Gap
    false_alarms: Gap
    equalised_odds: Interval

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON knows it."""
        return {name: value.to_dict() for name, value in vars(self).items()}


def parity(
    y: ArrayLike,
    flagged: ArrayLike,
    attribute: ArrayLike,
    *,
    group: ArrayLike | None = None,
    reference: str | None = None,
    fewest: int = FEWEST,
    level: float = 0.95,
) -> Parity:
    r"""Tell how unequally yes/no decisions fall on subgroups, with intervals over patients.

    Use it for decisions on test rows, such as `OperatingPoint.decide` makes. Not as a goal by itself: where
    the event is more frequent in one subgroup, parity of flags (demographic parity) and equal error rates
    exclude each other for any useful model, and which of them is owed is no question of statistics.

    With d the decision and levels a, b of the attribute,

    .. math:: \max_{a,b} |P(d | a) - P(d | b)|, \qquad \max_{a,b} |P(d | y = 1, a) - P(d | y = 1, b)|

    and so for y = 0; equalised odds is the larger of the last two. Intervals of the gaps are those of
    `medgraft.evidence.fairness.gap`. For equalised odds the lower end is the larger of the two lower ends,
    each at half the error, and the upper end the larger of the two upper ends.

    Parameters
    ----------
    y : (n,) array
        1 with the event, 0 without.
    flagged : (n,) bool array
        The decision.
    attribute : (n,) array
        Whose levels are compared.
    group : (n,) array, default every row its own
        Patients.
    reference : str, optional
        Level with which the others are compared; the largest by default.
    fewest : int
        Levels of fewer patients are left out (and one more, if it would betray them).
    level : float
        Nominal coverage.

    Returns
    -------
    Parity

    Raises
    ------
    MedgraftError
        Fewer than two levels have enough patients, or the arrays do not fit.

    Notes
    -----
    Cost O(n levels).

    References
    ----------
    Hardt et al. 2016, arXiv:1610.02413. Newcombe 1998,
    doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I.

    Examples
    --------
    >>> import numpy as np
    >>> y, sex = np.tile([1, 1, 0, 0], 20), np.repeat(["f", "m"], 40)
    >>> flagged = np.where(sex == "f", y, np.tile([1, 0, 0, 0], 20))
    >>> got = parity(y, flagged, sex)
    >>> got.equal_opportunity.value, got.false_alarms.value, got.equalised_odds.value
    (0.5, 0.0, 0.5)
    """
    decision = yes_no("flagged", flagged)
    event, chance, who = binary(y, decision, group)
    hit = chance == 1
    found = cells({"attribute": attribute}, group=group, fewest=fewest)
    if len(found[0].rows) != len(event):
        raise MedgraftError(f"The attribute has {len(found[0].rows)} rows, labels {len(event)}.")
    named: Mapping[str, str] = {} if reference is None else {"attribute": reference}

    def among(kind: NDArray[np.bool_], at: float) -> Gap:
        measure: Measure = lambda rows, level: rate(hit, kind & rows, who, level)  # noqa: E731
        gaps = gaps_of(measure, found, named, at)
        if not gaps:
            raise MedgraftError(
                f"Fewer than two levels may be shown, each of at least {fewest} patients: no gap can be told."
            )
        return gaps["attribute"]

    hits, alarms = among(event == 1, level), among(event == 0, level)
    lo = max(among(event == k, (1 + level) / 2).lo for k in (0, 1))
    odds = Interval(max(hits.value, alarms.value), lo, max(hits.hi, alarms.hi), level)
    return Parity(among(np.ones(len(event), dtype=bool), level), hits, alarms, odds)
