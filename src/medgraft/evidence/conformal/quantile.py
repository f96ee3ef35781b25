"""The one quantile that conformal prediction stands on, and what follows from it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaincinv

from medgraft.base import MedgraftError
from medgraft.evidence.interval import check_level
from medgraft.evidence.metrics.base import Floats

SLACK = 1e-12  # so that a sum of thirds reaches a whole


def check_alpha(alpha: float) -> None:
    """Refuse an error rate outside (0, 1)."""
    if not 0 < alpha < 1:
        raise MedgraftError(f"'alpha', the share that may miss, lies between 0 and 1, not {alpha}: use 0.1.")


def rank(n: int, alpha: float) -> int:
    r"""Return which of n ordered scores is the threshold, :math:`\lceil (n + 1)(1 - \alpha) \rceil`.

    Above n: there is none.

    Examples
    --------
    >>> rank(9, 0.1), rank(8, 0.1), rank(100, 0.1)
    (9, 9, 91)
    """
    return math.ceil((n + 1) * (1 - alpha) * (1 - SLACK))


def patients_needed(alpha: float) -> int:
    r"""Return the fewest calibration patients of use, :math:`\lceil (1 - \alpha) / \alpha \rceil`.

    Examples
    --------
    >>> patients_needed(0.1), patients_needed(0.05)
    (9, 19)
    """
    check_alpha(alpha)
    return math.ceil((1 - alpha) / alpha * (1 - SLACK))


def coverage_range(n: int, alpha: float, level: float = 0.95) -> tuple[float, float]:
    r"""Return where the true coverage lies once n patients have calibrated.

    Use it to see how many calibration patients are enough: nominal coverage holds on average over
    calibrations, and a single one of 50 patients may well be at 0.82 for 0.9.

    With r = `rank`, and scores without ties, the coverage of new patients is a draw from
    :math:`\mathrm{Beta}(r, n + 1 - r)`; the range holds `level` of it. (1, 1) if n is too few for a
    threshold.

    Parameters
    ----------
    n : int
        Calibration patients, one row each.
    alpha : float
        Share that may miss.
    level : float

    Notes
    -----
    Vovk 2012, Proc. ACML 25:475-490, arXiv:1209.2673.

    Examples
    --------
    >>> [round(end, 2) for end in coverage_range(50, 0.1)]
    [0.81, 0.97]
    """
    check_alpha(alpha)
    check_level(level)
    r = rank(n, alpha)
    if r > n:
        return 1.0, 1.0
    low, high = betaincinv(r, n + 1 - r, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


@dataclass(frozen=True)
class Scores:
    """Calibration scores in order, with the weights up to each."""

    ordered: Floats
    mass: Floats

    @classmethod
    def of(cls, scores: Floats, weight: Floats) -> Scores:
        """Sort the scores (n,), each with its weight."""
        order = np.argsort(scores, kind="stable")
        return cls(scores[order], np.cumsum(weight[order]))

    @classmethod
    def fixed(cls, threshold: float) -> Scores:
        """Return one score of infinite weight: it is the threshold of every new row, whatever `alpha`."""
        return cls(np.array([threshold]), np.array([np.inf]))

    def threshold(self, alpha: float, own: Floats) -> Floats:
        r"""Return the threshold for new rows of weight `own`, of any shape.

        The smallest score with :math:`\sum_{i: s_i \le q} w_i \ge (1 - \alpha)(\sum_i w_i + w_{new})`;
        infinite if there is none. With weights of 1 it is the score of `rank`.
        """
        wanted = (1 - alpha) * (self.mass[-1] + own) * (1 - SLACK)
        return np.append(self.ordered, np.inf)[np.searchsorted(self.mass, wanted, side="left")]


def patient_weights(n: int, group: ArrayLike | None) -> Floats:
    """Return one over the number of rows of each row's patient, (n,): a patient weighs 1.

    Raises
    ------
    MedgraftError
        There is not one group per row.

    Examples
    --------
    >>> patient_weights(3, ["a", "b", "a"]).tolist()
    [0.5, 1.0, 0.5]
    """
    if group is None:
        return np.ones(n)
    who = np.asarray(group)
    if who.shape != (n,):
        raise MedgraftError(f"'group' has shape {who.shape}, but there are {n} rows: give one per row.")
    unit, rows = np.unique(who, return_inverse=True, return_counts=True)[1:]
    return np.asarray(1 / rows[unit])


def positive(name: str, values: ArrayLike | None, n: int) -> Floats:
    """Return weights (n,), ones by default.

    Raises
    ------
    MedgraftError
        They are not n numbers of 0 or more.
    """
    if values is None:
        return np.ones(n)
    w = np.asarray(values, dtype=float)
    if w.shape != (n,) or not np.isfinite(w).all() or (w < 0).any():
        raise MedgraftError(f"'{name}' must be {n} finite numbers of 0 or more, one each.")
    return w
