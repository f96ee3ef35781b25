"""Two arms over the splits of a cross-validation, whose training sets overlap."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr

from medgraft.base import MedgraftError
from medgraft.evidence.interval import check_level, jsonable
from medgraft.evidence.paired.difference import Difference, column, mean_of_rows, student

FREE = 5.0  # degrees of freedom of repeated rounds whose parts are few


@dataclass(frozen=True)
class Posterior:
    """How believable it is that the arm is below, practically equal to, or above its control.

    Attributes
    ----------
    left, rope, right : float
        Chances that the difference lies below the region of practical equivalence, in it, and above it.
    difference : float
        Mean of the posterior: arm minus control.
    lo, hi : float
        Its credible interval.
    level : float
        Chance of the credible interval.
    note : str
        What the reader should know, or "".
    """

    left: float
    rope: float
    right: float
    difference: float
    lo: float
    hi: float
    level: float = 0.95
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON knows it: nan becomes None."""
        return {
            "left": self.left,
            "rope": self.rope,
            "right": self.right,
            "difference": self.difference,
            "ci": [jsonable(self.lo), jsonable(self.hi)],
            "level": self.level,
            "note": self.note,
        }


def corrected_t(differences: ArrayLike, *, test_share: float, level: float = 0.95) -> Difference:
    r"""Test whether two ways to train differ, from their differences over J overlapping splits.

    Use it for a metric that was computed once per split, on the same splits for both arms: k folds, repeated
    k folds, or repeated random splits. It asks about the way to train, with other training patients from
    the same place, not about two fitted models: for those, and wherever each patient's prediction is
    known, `medgraft.evidence.compare` counts patients. Not for splits of different cohorts, which are
    independent; and splits must keep all rows of a patient on one side, or the differences mean nothing.

    Splits that share training patients are correlated, so that the usual t test rejects far too often. With
    mean :math:`\bar d` and variance :math:`s^2` of the differences, and a share :math:`\rho` of the patients
    in each test part, Nadeau and Bengio take the correlation of two splits to be :math:`\rho`. Here

    .. math:: t = \bar d \Bigm/ \sqrt{s^2 \left(\frac1{\min(J, 1/\rho)} + \frac{\rho}{1 - \rho}\right)},
              \qquad \min(J - 1,\ \max(1/\rho - 1,\ 5)) \text{ degrees of freedom}

    which is theirs for one round of folds. They have 1/J, and J - 1, for repeated rounds, too: but
    repeats are no new patients. If models did not hang on their training patients, rounds without end would
    have :math:`\operatorname{var}(\bar d) = E[s^2] \rho / (1 - \rho)` just so, which leaves nothing for the
    luck of who was there to learn from; with 50 patients and ten rounds their test then rejects in up to 20 %
    of cohorts where it may in 5 %. So repeats keep what one round has to spare, 1/k for k folds: they make
    the answer steadier, not surer. And of the degrees of freedom reuse leaves far fewer than splits
    (Bouckaert 2003): counted are those of one round, or 5 where its parts are few, as Dietterich (1998) does
    with five rounds of halves.

    No test of splits can be right for all ways to train (Bengio and Grandvalet 2004). A learner that picks
    one of 20 columns anew in each split is, over one round of five folds, called different from its like in
    some 6 % of cohorts by AUROC; over ten rounds, in 1 %.

    Parameters
    ----------
    differences : (J,) array
        Arm minus control on each split.
    test_share : float
        Share of the patients in the test part of a split: 1/k for k folds, 0.2 for random splits 80 to 20.
    level : float
        Nominal coverage of the interval.

    Returns
    -------
    Difference
        Its `n_groups` are splits.

    Raises
    ------
    MedgraftError
        There is one split only, a difference is not finite, or the share is not between 0 and 1.

    Notes
    -----
    The correlation cannot be estimated without bias from the splits alone. Cost O(J).

    References
    ----------
    Nadeau and Bengio 2003, doi:10.1023/A:1024068626366. Dietterich 1998, doi:10.1162/089976698300017197.
    Bouckaert 2003, Choosing between two learning
    algorithms based on calibrated tests, ICML 20. Bouckaert and Frank 2004, doi:10.1007/978-3-540-24775-3_3.
    Bengio and Grandvalet 2004, Journal of Machine Learning Research 5, 1089-1105.

    Examples
    --------
    >>> got = corrected_t([0.02, 0.05, 0.01, 0.04, 0.03], test_share=1 / 5)
    >>> round(got.value, 3), round(got.p_value, 3)  # the uncorrected test says 0.013
    (0.03, 0.047)
    """
    check_level(level)
    d = column("differences", differences)
    if len(d) < 2:
        raise MedgraftError("A test over splits needs 2 splits or more, not 1: repeat the split.")
    if not 0 < test_share < 1:
        raise MedgraftError(
            f"'test_share' is the share of patients in each test part, so between 0 and 1, not {test_share}."
        )
    value, se, j = mean_of_rows(d, np.arange(len(d)))  # the usual error: s^2 / J
    wider = j * (1 / min(j, 1 / test_share) + test_share / (1 - test_share))
    freedom = min(j - 1, max(1 / test_share - 1, FREE))
    return student(value, se * math.sqrt(wider), freedom, j, level)


def correlated_bayes(
    differences: ArrayLike, *, test_share: float, rope: float, level: float = 0.95
) -> Posterior:
    r"""Say how believable it is that an arm is worse, practically equal, or better, over overlapping splits.

    Use it where "no significant difference" is no answer: it can say that two arms are practically equal.
    Not where each patient's prediction is known and patients are what matters; see `corrected_t`, whose
    assumptions it shares.

    With a prior that says nothing on mean and variance, and the correlation of `corrected_t`, the difference
    :math:`\delta` given the splits is Student's t around :math:`\bar d`, with the scale and the degrees of
    freedom of `corrected_t`: those of Corani and Benavoli for one round of folds, and less sure than theirs
    for repeated rounds, whose patients are the same. Returned are :math:`P(\delta < -r),\ P(|\delta| \le r),\
    P(\delta > r)`, with r half the width of the region.

    Parameters
    ----------
    differences : (J,) array
        Arm minus control on each split.
    test_share : float
        Share of the patients in the test part of a split: 1/k for k folds.
    rope : float
        r, the largest difference that would not matter, in units of the metric; 0 or more.
    level : float
        Chance of the credible interval.

    Returns
    -------
    Posterior
        "right" is the arm's side where a higher metric is better, and the control's where lower is.

    Raises
    ------
    MedgraftError
        As `corrected_t`; the region is negative.

    Notes
    -----
    Cost O(J).

    References
    ----------
    Corani and Benavoli 2015, doi:10.1007/s10994-015-5486-z. Benavoli et al. 2017,
    https://jmlr.org/papers/v18/16-305.html.

    Examples
    --------
    >>> got = correlated_bayes([0.02, 0.05, 0.01, 0.04, 0.03], test_share=1 / 5, rope=0.01)
    >>> [round(p, 3) for p in (got.left, got.rope, got.right)]
    [0.01, 0.056, 0.934]
    """
    if not rope >= 0:
        raise MedgraftError(f"'rope' is the largest difference that would not matter, so not {rope}.")
    d = corrected_t(differences, test_share=test_share, level=level)
    if d.se == 0:  # a posterior without width: all of it lies at one value
        left, right = float(d.value < -rope), float(d.value > rope)
        note = "The difference is the same on every split, which no posterior should take for certainty."
        return Posterior(left, 1 - left - right, right, d.value, d.value, d.value, level, note)
    left = float(stdtr(d.freedom, (-rope - d.value) / d.se))
    right = float(stdtr(d.freedom, (d.value - rope) / d.se))
    return Posterior(left, max(0.0, 1 - left - right), right, d.value, d.lo, d.hi, level)
