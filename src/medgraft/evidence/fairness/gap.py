"""How far subgroups lie apart, with an interval that knows that a maximum of noise is not a difference."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri
from scipy.stats import studentized_range

from medgraft.evidence.fairness.mover import mover, p_value
from medgraft.evidence.interval import Interval, jsonable
from medgraft.evidence.paired.holm import holm

Figure = Callable[[str, float], Interval]


@dataclass(frozen=True)
class Gap:
    """The largest difference between two subgroups, and each one's difference from a reference.

    Attributes
    ----------
    value : float
        Largest minus smallest; larger than the true gap on average.
    lo, hi : float
        Interval of the true gap. It is above 0 only where the subgroups are shown to differ.
    by_chance : float
        The gap to be expected of these subgroups if all were truly equal: compare `value` with it.
    lowest, highest : str
        The two subgroups.
    figures : dict of str to Interval
        Each subgroup's own.
    reference : str
    differences : dict of str to Interval
        Each other subgroup minus the reference; one at a time, not simultaneous.
    p_adjusted : dict of str to float
        Holm's p-values of these differences.
    level : float
    note : str
        What the reader should know, or "".
    """

    value: float
    lo: float
    hi: float
    by_chance: float
    lowest: str
    highest: str
    figures: dict[str, Interval]
    reference: str
    differences: dict[str, Interval]
    p_adjusted: dict[str, float] = field(default_factory=dict)
    level: float = 0.95
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON knows it: nan becomes None."""
        return {
            "value": jsonable(self.value),
            "ci": [jsonable(self.lo), jsonable(self.hi)],
            "by_chance": jsonable(self.by_chance),
            "lowest": self.lowest,
            "highest": self.highest,
            "figures": {k: v.to_dict() for k, v in self.figures.items()},
            "reference": self.reference,
            "differences": {
                k: {**v.to_dict(), "p_adjusted": jsonable(self.p_adjusted[k])}
                for k, v in self.differences.items()
            },
            "level": self.level,
            "note": self.note,
        }


def gap(figure: Figure, sizes: Mapping[str, int], reference: str, level: float) -> Gap:
    r"""Return the gap of subgroups of different patients, from a function that gives each one's interval.

    With :math:`[l_{ab}, u_{ab}]` the interval of :math:`\theta_a - \theta_b` (by `mover`), the true gap
    :math:`\Delta = \max_{ab} (\theta_a - \theta_b)` is held between

    .. math:: \max\bigl(0, \max_{ab} l'_{ab}\bigr) \le \Delta \le \max_{ab} u_{ab}

    The lower end takes l' from intervals widened for L subgroups, by Tukey's studentised range
    (:math:`z' = q_{1-\alpha, L} / \sqrt 2`), since the largest of many differences is looked at: when all
    are equal it exceeds 0 in a share :math:`\alpha` of cohorts. The upper end needs no widening: to miss
    :math:`\Delta` it must miss the one difference that makes it. So the interval covers although the
    observed gap is biased upwards.

    It covers more often than it says while :math:`\Delta` is small beside the interval's width: of two
    subgroups by up to half of :math:`\alpha`, since the upper end, which allows for either sign, cannot then
    lie below the truth; of several up to always, since all pairs would have to miss together. A largest
    difference has a corner where pairs are tied, and there is neither an unbiased estimate (Hirano and Porter
    2012) nor a plain bootstrap that is right (Fang and Santos 2019). The lower end, which says whether there
    is a gap at all, pays nothing for it with two subgroups. For two, tests of each :math:`\Delta` by the size
    of the observed gap would have the exact level, but they would call a gap of nearly 0 proof that there is
    none, however few the patients: that price is not paid. Small subgroups add to the width, since their own
    intervals of AUROC are too wide (of 20 patients, a third with the event, 98 % of 1,000 simulations for a
    nominal 95). Where one difference was in question beforehand, `differences` has its interval.

    Parameters
    ----------
    figure : callable
        ``figure(name, level) -> Interval``.
    sizes : mapping of name to int
        The subgroups, with their numbers of patients.
    reference : str
        One of them.
    level : float
        Nominal coverage.

    Notes
    -----
    Subgroups that share patients (a patient seen at two sites) are mostly correlated positively, and the
    intervals are then too wide rather than too short.

    References
    ----------
    Hirano and Porter 2012, Econometrica 80, 1769-1790. Fang and Santos 2019, arXiv:1404.3763.
    """
    figures = {name: figure(name, level) for name in sizes}
    known = [k for k, f in figures.items() if math.isfinite(f.lo) and math.isfinite(f.hi)]
    lost = [k for k in sizes if k not in known]
    note = f"No interval of {', '.join(lost)}: left out of the gap." if lost else ""
    differences = {k: mover(figures[k], figures[reference]) for k in sizes if k != reference}
    adjusted = holm([p_value(d) for d in differences.values()]).tolist() if differences else []
    p_adjusted = dict(zip(differences, adjusted, strict=True))
    if len(known) < 2:
        note = " ".join(filter(None, (note, "A gap needs two subgroups.")))
        nothing = (math.nan,) * 4
        return Gap(*nothing, "", "", figures, reference, differences, p_adjusted, level, note)
    wide = {k: figure(k, simultaneous(len(known), level)) for k in known}
    pairs = [(a, b) for a in known for b in known if a != b]
    lo = max(0.0, *(mover(wide[a], wide[b]).lo for a, b in pairs))
    hi = max(mover(figures[a], figures[b]).hi for a, b in pairs)
    lowest, highest = (pick(known, key=lambda k: figures[k].value) for pick in (min, max))
    value = figures[highest].value - figures[lowest].value
    chance = expected_range([figures[k] for k in known])
    return Gap(
        value, lo, hi, chance, lowest, highest, figures, reference, differences, p_adjusted, level, note
    )


@lru_cache(maxsize=256)
def simultaneous(n: int, level: float) -> float:
    """Return the level of single intervals at which all differences of `n` are held at `level` together."""
    z = float(studentized_range.ppf(level, n, np.inf)) / math.sqrt(2)
    return float(2 * ndtr(z) - 1)


def expected_range(figures: list[Interval]) -> float:
    """Return the mean gap of normal estimates with these intervals' widths and one true value."""
    z = float(ndtri((1 + figures[0].level) / 2))
    se = np.array([(f.hi - f.lo) / 2 / z for f in figures])
    if not se.any():
        return 0.0
    # The mean of the largest minus that of the smallest, by their distribution functions.
    x = np.linspace(-9, 9, 1001) * se.max()
    below = ndtr(x[:, None] / np.maximum(se, 1e-12 * se.max()))
    inside = 1 - below.prod(axis=1) - (1 - below).prod(axis=1)
    return float(inside.sum() * (x[1] - x[0]))
