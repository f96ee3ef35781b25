"""How many test patients would settle a comparison that is inconclusive?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from scipy.special import ndtri

from medgraft.base import MedgraftError
from medgraft.evidence.interval import check_level, jsonable
from medgraft.evidence.paired.difference import Difference


@dataclass(frozen=True)
class Needed:
    """Test patients that a new test needs, in all.

    Attributes
    ----------
    patients : float
        For the difference as it was seen; inf where none was.
    lo, hi : float
        The same for the largest and the smallest difference that are as likely as not; `hi` is inf where the
        smallest is none, or on the other side.
    tested : int
        Patients there were.
    power : float
        Chance that the new interval settles it, were the difference as assumed.
    level : float
        Nominal coverage of the new interval.
    note : str
        What the reader must know.
    """

    patients: float
    lo: float
    hi: float
    tested: int
    power: float
    level: float
    note: str

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON knows it: inf and nan become None."""
        return {
            "patients": jsonable(self.patients),
            "range": [jsonable(self.lo), jsonable(self.hi)],
            "tested": self.tested,
            "power": self.power,
            "level": self.level,
            "note": self.note,
        }


SAME = "It holds for testing these same models on new patients like those tested: refitted models may differ."
SETTLED = "The interval already excludes it."
UNSURE = "The difference may be too small, or on the other side: no number of patients is sure to be enough."
NOTHING = "The test gave no standard error to reckon from."


def patients_needed(effect: float, power: float, level: float) -> float:
    r"""Return the number of patients for a standardised difference d: mean by standard deviation of patients.

    .. math:: n = \left\lceil \frac{(z_{1-\alpha/2} + z_{power})^2}{d^2} + \frac{z_{1-\alpha/2}^2}{2}
              \right\rceil

    The second term pays for the standard deviation that must be estimated, too (Guenther 1981).
    """
    z = -float(ndtri((1 - level) / 2))
    if effect == 0:
        return math.inf
    return float(math.ceil((z + float(ndtri(power))) ** 2 / effect**2 + z**2 / 2))


def sample_size(
    difference: Difference,
    *,
    against: float = 0.0,
    power: float = 0.8,
    level: float = 0.95,
    range_level: float = 0.5,
) -> Needed:
    r"""Say how many test patients would settle a comparison, and how unsure that number is.

    Use it after an inconclusive test, to plan the next. Not to say what the last test could have found (that
    is in its interval), and not for how many *training* patients would help: the number holds for the same
    two models on new patients like those tested. Patients that were tested already may be counted among them
    only if the plan was made before looking; else test the new ones on their own. Not for `corrected_t`,
    whose splits are no patients.

    The test gave :math:`D \pm s` on n patients, so that one patient's part has the standard deviation
    :math:`s \sqrt n`, whatever the measure: a mean (`paired_t`), proportions (`mcnemar`) or an AUROC
    (`delong_test`, for the same share of patients with the event). The interval of N patients excludes the
    value :math:`D_0` with the given power when

    .. math:: N \ge \frac{(z_{1-\alpha/2} + z_{power})^2}{d^2} + \frac{z_{1-\alpha/2}^2}{2}, \qquad
              d = \frac{D - D_0}{s \sqrt n}

    D itself is unsure, and N goes with its inverse square. The range takes for d the ends of its interval of
    level `range_level`, with the standard error :math:`\sqrt{(1 + T^2 / 2\nu) / n}` where
    :math:`T = (D - D_0)/s` has :math:`\nu` degrees of freedom; at one half, the true number is as likely
    inside as outside. For a comparison that is far from settled the range has no upper end, which is the
    honest answer.

    Parameters
    ----------
    difference : Difference
        Of `delong_test`, `mcnemar` or `paired_t`.
    against : float
        :math:`D_0`: 0 to show a difference; -M to show non-inferiority with the margin M, where a higher
        metric is better (M where a lower one is).
    power : float
        Chance to settle it.
    level : float
        Of the interval that is to settle it.
    range_level : float
        Of the range.

    Returns
    -------
    Needed

    Raises
    ------
    MedgraftError
        The power, or a level, is not between 0 and 1.

    Notes
    -----
    Cost O(1).

    References
    ----------
    Guenther 1981, The American Statistician 35, 243-244. The error of d: Hedges and Olkin 1985,
    Statistical Methods for Meta-Analysis, ch. 5.

    Examples
    --------
    >>> from medgraft.evidence.paired import paired_t
    >>> arm, control = [0.0, 1.0, 0.5, 0.2, 0.9, 0.4], [0.1, 1.2, 0.4, 0.5, 0.9, 0.5]
    >>> got = sample_size(paired_t(arm, control))
    >>> got.tested, got.patients, got.lo, got.hi
    (6, 18.0, 10.0, 53.0)
    """
    check_level(level)
    check_level(range_level)
    if not 0 < power < 1:
        raise MedgraftError(f"The power is a chance between 0 and 1, not {power}: use 0.8.")
    n, se = difference.n_groups, difference.se
    if not se > 0 or math.isnan(difference.value):
        return Needed(math.nan, math.nan, math.nan, n, power, level, NOTHING)
    t = (difference.value - against) / se
    half = -float(ndtri((1 - range_level) / 2)) * math.sqrt(1 + t**2 / (2 * difference.freedom))
    ends = t - half, t + half
    near, far = sorted(ends, key=abs)
    crossed = ends[0] * ends[1] <= 0
    point, lo, hi = (patients_needed(nc / math.sqrt(n), power, level) for nc in (t, far, near))
    hi = math.inf if crossed else hi
    notes = [SAME]
    if not difference.lo <= against <= difference.hi:
        notes.append(SETTLED)
    if crossed:
        notes.append(UNSURE)
    return Needed(point, lo, hi, n, power, level, " ".join(notes))
