"""A threshold for each subgroup, so that all reach the same sensitivity; chosen here, judged elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medgraft.base import MedgraftError
from medgraft.evidence.decision.operating_point import (
    OperatingPoint,
    Rule,
    choose_threshold,
    fingerprints,
    refuse_the_same,
)
from medgraft.evidence.decision.rates import binary
from medgraft.evidence.fairness.cells import FEWEST
from medgraft.evidence.fairness.parity import Parity, parity


@dataclass(frozen=True)
class GroupThresholds:
    """Operating points by subgroup; made by `choose_group_thresholds`.

    Attributes
    ----------
    points : dict of str to OperatingPoint
        By level of the attribute.
    others : OperatingPoint
        For levels that had too few patients to choose by themselves, and for those never seen.
    """

    points: dict[str, OperatingPoint]
    others: OperatingPoint
    chosen_on: frozenset[str] = field(default=frozenset(), repr=False, compare=False)

    def decide(self, p: ArrayLike, attribute: ArrayLike) -> NDArray[np.bool_]:
        """Return which rows are flagged, (n,), each by the threshold of its subgroup."""
        of = np.asarray(attribute).astype(str)
        out = self.others.decide(p)
        if of.shape != out.shape:
            raise MedgraftError(f"The attribute has shape {of.shape}, but there are {len(out)} rows.")
        for level, point in self.points.items():
            out = np.where(of == level, point.decide(p), out)
        return out

    def report(
        self, y: ArrayLike, p: ArrayLike, attribute: ArrayLike, *, group: ArrayLike | None = None, **how: Any
    ) -> Parity:
        """Tell how unequal the decisions are on other patients than those it was chosen on.

        Parameters
        ----------
        y, p, attribute, group
            As in `choose_group_thresholds`.
        **how
            As in `parity`.

        Raises
        ------
        MedgraftError
            A patient of `group` took part in the choice, or the rows are those of the choice.
        """
        refuse_the_same(self.chosen_on, y, p, group)
        return parity(y, self.decide(p, attribute), attribute, group=group, **how)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON knows it, without any patient."""
        return {
            "points": {k: v.to_dict() for k, v in self.points.items()},
            "others": self.others.to_dict(),
        }


def choose_group_thresholds(
    y: ArrayLike,
    p: ArrayLike,
    attribute: ArrayLike,
    rule: Rule = "sensitivity",
    value: float | None = 0.9,
    *,
    group: ArrayLike | None = None,
    fewest: int = FEWEST,
) -> GroupThresholds:
    r"""Choose a threshold for each subgroup by the same rule, so that all reach the same sensitivity, say.

    Use it where a model's scores mean different things in different subgroups or sites and one threshold
    would miss more events in some. Not where a decision may not depend on the attribute (in many places the
    law says so for sex or origin), nor in place of a model that serves all; equal sensitivity is bought with
    unequal false alarms, which `report` shows.

    .. math:: t_a = \max \{t : \widehat{Se}_a(t)\, G_a / (G_a + 1) \ge v\}

    and likewise for the other rules of `choose_threshold`.

    Parameters
    ----------
    y : (n,) array
        1 with the event, 0 without.
    p : (n,) or (n, 2) array
        Probability of the event.
    attribute : (n,) array
        Subgroup of each row, a word.
    rule, value
        As in `choose_threshold`.
    group : (n,) array, default every row its own
        Patients.
    fewest : int
        A level in which fewer patients have the event, or fewer have not, takes the threshold of all.

    Returns
    -------
    GroupThresholds

    Raises
    ------
    MedgraftError
        As `choose_threshold`.

    Notes
    -----
    Cost O(n log n).

    References
    ----------
    Hardt et al. 2016, arXiv:1610.02413.

    Examples
    --------
    >>> import numpy as np
    >>> y, site = np.tile([0, 1], 40), np.repeat(["a", "b"], 40)
    >>> p = 0.3 + 0.4 * y - 0.2 * (site == "b")  # the scores of site b are lower
    >>> got = choose_group_thresholds(y, p, site)
    >>> {k: round(v.threshold, 1) for k, v in got.points.items()}
    {'a': 0.7, 'b': 0.5}
    """
    event, chance, who = binary(y, p, group)
    of = np.asarray(attribute).astype(str)
    if of.shape != event.shape:
        raise MedgraftError(f"The attribute has shape {of.shape}, but there are {len(event)} rows.")
    names = None if group is None else np.asarray(group)
    points = {}
    for level in np.unique(of):
        rows = of == level
        people = [len(np.unique(who[rows & (event == k)])) for k in (0, 1)]
        if min(people) >= fewest:
            mine = None if names is None else names[rows]
            points[str(level)] = choose_threshold(event[rows], chance[rows], rule, value, group=mine)
    others = choose_threshold(event, chance, rule, value, group=group)
    return GroupThresholds(points, others, fingerprints(event, chance, group))
