"""DeLong's interval of an AUROC, and the test of two AUROCs on the same patients."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logit, stdtrit
from scipy.stats import rankdata

from medgraft.evidence.interval import Interval, check_level, exact_end
from medgraft.evidence.metrics.base import Floats, Ints
from medgraft.evidence.paired.difference import Difference, column, patients, student, yes_no

ONE_CLASS = "All rows are of one class: there is no AUROC."
ONE_PATIENT = "One patient of a class allows no interval."


def placements(event: Floats, score: Floats) -> Floats:
    r"""Return each row's share of the other class that it is on the right side of, ties half; (n,).

    With midranks R among all rows and r among the rows of its own class, a row with the event lies above
    :math:`(R - r)/n_0` of those without, and a row without lies below :math:`1 - (R - r)/n_1` of those with
    (Sun and Xu 2014). The mean of either class is the AUROC. Cost O(n log n).
    """
    yes = event == 1
    out = rankdata(score)
    out[yes] = (out[yes] - rankdata(score[yes])) / (~yes).sum()
    out[~yes] = 1 - (out[~yes] - rankdata(score[~yes])) / yes.sum()
    return np.asarray(out)


def spread(event: Floats, off: Floats, group: Ints) -> tuple[float, float]:
    r"""Return the variance of a mean placement (or of a difference of two), and its degrees of freedom.

    `off` are the placements less their mean. Summed over the rows of patient k that have the event,
    :math:`P_k = \sum off / m`, and over those that have not, :math:`Q_k = \sum off / n`:

    .. math:: V = \frac{I_1}{I_1 - 1} \sum_k P_k^2 + \frac{I_0}{I_0 - 1} \sum_k Q_k^2
                  + \frac{2 I}{I - 1} \sum_k P_k Q_k

    with :math:`I_1, I_0, I` the patients with a row of the first kind, of the second, of either (Obuchowski
    1997). With one row a patient the last sum is zero and V is DeLong's. The first two sums are known with
    :math:`I_1 - 1` and :math:`I_0 - 1` degrees of freedom; of the two together Satterthwaite's approximation.
    """
    yes = event == 1
    k = int(group.max()) + 1
    off = np.where(np.abs(off) > 1e-12, off, 0.0)  # what rounding leaves is no spread
    sums, factor, freedom = [], [], []
    for rows in (yes, ~yes):
        n = len(np.unique(group[rows]))
        sums.append(np.bincount(group[rows], weights=off[rows], minlength=k) / rows.sum())
        factor.append(n / (n - 1) if n > 1 else math.nan)
        freedom.append(n - 1)
    parts = [c * float(x @ x) for c, x in zip(factor, sums, strict=True)]
    whole = parts[0] + parts[1] + 2 * k / (k - 1) * float(sums[0] @ sums[1])
    if not sum(parts) > 0:
        return whole, math.nan
    return max(whole, 0.0), sum(parts) ** 2 / (parts[0] ** 2 / freedom[0] + parts[1] ** 2 / freedom[1])


def _fewest(event: Floats, group: Ints) -> int:
    """Return the number of patients of the rarer class; 0 where a class is missing."""
    return min(len(np.unique(group[event == k])) for k in (0.0, 1.0))


def delong_interval(
    y: ArrayLike, score: ArrayLike, *, group: ArrayLike | None = None, level: float = 0.95
) -> Interval:
    r"""Give an AUROC with its interval, in closed form.

    Use it for one score on one set of test patients. Not for folds of a cross-validation, whose scores need
    not share a scale, nor for several repeats: there use `medgraft.evidence.interval`. With about 20
    events and an AUROC above 0.95 it covers the truth less often than it says.

    The AUROC is :math:`\theta = P(S_1 > S_0) + \frac12 P(S_1 = S_0)` for a patient with the event and one
    without. Its variance V is DeLong's, over patients (see `spread`); the interval is symmetric on the logit
    scale,

    .. math:: \operatorname{expit}\left(\operatorname{logit}\theta
              \pm t_{1-\alpha/2,\,\nu} \frac{\sqrt V}{\theta (1-\theta)}\right)

    which keeps it inside 0 and 1, where the plain one fails. Where the AUROC is 0 or 1 no spread is seen, and
    the end is the exact bound over pairs of patients, as in `medgraft.evidence.interval`.

    Parameters
    ----------
    y : (n,) array
        1 with the event, 0 without.
    score : (n,) array
        Higher means that the event is likelier; any scale.
    group : (n,) array, default every row its own
        Patients. A patient may have rows of both kinds.
    level : float
        Nominal coverage.

    Returns
    -------
    Interval

    Raises
    ------
    MedgraftError
        Lengths differ, a label is not 0 or 1, or a score is not finite.

    Notes
    -----
    Cost O(n log n).

    References
    ----------
    DeLong, DeLong and Clarke-Pearson 1988, doi:10.2307/2531595. Obuchowski 1997, doi:10.2307/2533958. Sun and
    Xu 2014, doi:10.1109/LSP.2014.2337313. Logit: Qin and Hotilovac 2008, doi:10.1177/0962280207087173.

    Examples
    --------
    >>> got = delong_interval([0, 0, 0, 0, 1, 1, 1, 1], [1, 2, 3, 5, 4, 6, 7, 8])
    >>> got.value
    0.9375
    >>> round(got.lo, 2), round(got.hi, 3)
    (0.27, 0.998)
    """
    check_level(level)
    event = yes_no("y", y)
    points = column("score", score, len(event))
    who = patients(group, len(event))
    fewest = _fewest(event, who)
    if fewest == 0:
        return Interval(math.nan, math.nan, math.nan, level, ONE_CLASS)
    placed = placements(event, points)
    value = float(placed[event == 1].mean())
    if value in (0.0, 1.0):
        end = exact_end(fewest, level)
        lo, hi = (end, 1.0) if value == 1.0 else (0.0, 1 - end)
        return Interval(value, lo, hi, level, "Exact bound over patients.")
    if fewest < 2:
        return Interval(value, math.nan, math.nan, level, ONE_PATIENT)
    variance, freedom = spread(event, placed - value, who)
    if variance == 0:
        note = "The score ranks every patient alike: no spread is seen."
        return Interval(value, value, value, level, note)
    half = -float(stdtrit(freedom, (1 - level) / 2)) * math.sqrt(variance) / (value * (1 - value))
    return Interval(value, float(expit(logit(value) - half)), float(expit(logit(value) + half)), level)


def delong_test(
    y: ArrayLike,
    arm: ArrayLike,
    control: ArrayLike,
    *,
    group: ArrayLike | None = None,
    level: float = 0.95,
) -> Difference:
    r"""Test whether two scores of the same patients have different AUROCs.

    Use it for two models that never saw these patients, as an answer in closed form beside the bootstrap of
    `medgraft.evidence.compare`. Not for nested models that were fitted on the very patients they are compared
    on (Demler, Pencina and D'Agostino 2012): the difference is then not normal. Not for pooled folds of a
    cross-validation, nor for several repeats.

    With placements (see `placements`) of the two scores subtracted row by row, :math:`\theta_a - \theta_c` is
    their mean and V its variance over patients (see `spread`), so that what is common to both scores
    cancels. Tested is :math:`T = (\theta_a - \theta_c) / \sqrt V`, against Student's t with Satterthwaite's
    degrees of freedom; DeLong's own test takes the normal distribution, which rejects too often with few
    patients of a class.

    Parameters
    ----------
    y : (n,) array
        1 with the event, 0 without.
    arm, control : (n,) array
        The two scores; each on a scale of its own.
    group : (n,) array, default every row its own
        Patients. A patient may have rows of both kinds.
    level : float
        Nominal coverage of the interval.

    Returns
    -------
    Difference
        Of the AUROCs, arm minus control.

    Raises
    ------
    MedgraftError
        Lengths differ, a label is not 0 or 1, or a score is not finite.

    Notes
    -----
    Cost O(n log n).

    References
    ----------
    DeLong, DeLong and Clarke-Pearson 1988, doi:10.2307/2531595. Obuchowski 1997, doi:10.2307/2533958. Sun and
    Xu 2014, doi:10.1109/LSP.2014.2337313. Demler et al. 2012, doi:10.1002/sim.5328.

    Examples
    --------
    >>> y = [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]
    >>> got = delong_test(y, [1, 2, 3, 4, 6, 5, 7, 8, 9, 10], [1, 5, 6, 8, 9, 2, 3, 4, 7, 10])
    >>> round(got.value, 2), round(got.p_value, 3)
    (0.52, 0.033)
    """
    check_level(level)
    event = yes_no("y", y)
    n = len(event)
    scores = [column("arm", arm, n), column("control", control, n)]
    who = patients(group, n)
    k, fewest = int(who.max()) + 1, _fewest(event, who)
    nan = math.nan
    if fewest == 0:
        return Difference(nan, nan, nan, nan, nan, nan, k, level, ONE_CLASS)
    placed = [placements(event, s) for s in scores]
    means = [float(p[event == 1].mean()) for p in placed]
    value = means[0] - means[1]
    if fewest < 2:
        return Difference(value, nan, nan, nan, nan, nan, k, level, ONE_PATIENT)
    variance, freedom = spread(event, (placed[0] - means[0]) - (placed[1] - means[1]), who)
    return student(value, math.sqrt(variance), freedom, k, level)
