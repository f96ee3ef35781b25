"""Calibration error without the part that chance adds."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from medgraft.evidence.calibration.events import Events, check_bins, events
from medgraft.evidence.interval import Interval, check_level
from medgraft.evidence.metrics.base import Floats
from medgraft.evidence.metrics.calibration import row_bins


def _sums(made: Events, bins: int) -> tuple[Floats, Floats, Floats]:
    """Return each patient's rows in each bin and the sum of their gaps, (G, bins); and a bin's events."""
    where = row_bins(made.predicted, bins)
    count = np.zeros((int(made.group.max()) + 1, int(where.max()) + 1))
    gap = count.copy()
    np.add.at(count, (made.group, where), 1.0)
    np.add.at(gap, (made.group, where), made.happened - made.predicted)
    return count, gap, np.bincount(where, weights=made.happened).astype(float)


def _hidden(size: Floats, happened: Floats, patients: Floats) -> Floats:
    """Return the variance of a bin's event rate that its own rows do not show, (bins,)."""
    rate = happened / size
    pulled = (rate * patients + 1) / (patients + 2)
    return np.asarray(np.maximum(pulled * (1 - pulled) - rate * (1 - rate), 0.0) / patients)


def _ends(square: float, still: float, slope: float, t: float) -> tuple[float, float, float]:
    """Return the lower end, the value and the upper end of a square whose variance grows with it."""
    bend = slope * t * t / 2

    def reach(x: float) -> float:
        return t * math.sqrt(max(still + slope * (x + bend / 2), 0.0))

    above = max(square, 0.0)  # a negative square is no reason for a short interval
    return square + bend - reach(square), square, above + bend + reach(above)


def debiased_ece(
    y: ArrayLike,
    p: ArrayLike,
    bins: int = 10,
    *,
    group: ArrayLike | None = None,
    of: int | None = None,
    level: float = 0.95,
) -> Interval:
    r"""Return the root mean square calibration error, free of the bias of small bins.

    Use it to say how badly calibrated a model is: `ece` is positive by chance alone, the more so the fewer
    the patients. Not to compare two arms on the same rows: the metrics "ece", "ici" and "brier" do that.

    Let d be what happened less what was predicted. In a bin the squared mean of d is too large by its
    variance, since every row meets itself; left with the pairs of rows of different patients it has no bias:

    .. math:: \hat\theta^2 = \sum_b \frac{n_b}{n} \,
              \frac{(\sum_i d_i)^2 - \sum_g (\sum_{i \in g} d_i)^2}{n_b^2 - \sum_g n_{bg}^2}

    With one row a patient and one prediction a bin this is the estimator of Kumar et al. The value is
    :math:`\sqrt{\max(\hat\theta^2, 0)}`: zero says that chance alone would do as much. (The root is not free
    of bias, its square is.) It is squared error, so larger than the mean absolute error that `ece` is after;
    and bins hide what goes wrong within them.

    The variance of :math:`\hat\theta^2` grows with :math:`\theta^2`, so that an interval that takes it at the
    estimate would miss on one side. Taken at each :math:`\theta^2` in question, as Wilson does for a share,
    the ends are the roots of

    .. math:: (\hat\theta^2 - \theta^2)^2 = t^2 (v_0 + k \theta^2), \qquad
              v_0 = 2 \sum_{bb'} \pi_b \pi_{b'} C_{bb'}^2

    with C the covariance over patients of the mean gaps :math:`\bar d_b` and :math:`\pi` the shares of the
    bins: :math:`v_0` is the variance where there is no error. :math:`k \sum_b \pi_b \bar d_b^2` is the
    variance over patients of the influence of their rows, :math:`2 \bar d_b d_i - \bar d_b^2 - \theta^2`
    each: of what happened, and of which predictions were drawn, which moves the bins. A small bin that saw no
    event (or nothing else) looks as if it had no variance; in its place stands that of the bin with one
    patient more of either kind.

    Parameters
    ----------
    y : (n,) array
        Class codes 0..K-1.
    p : (n,) or (n, K) array
        Probability of class 1, or of each class.
    bins : int
        How many, of equal mass. A bin of a single patient tells nothing and is left out.
    group : (n,) array, default every row its own
        Patients.
    of : int, optional
        This class against the others; by default the event, or the most probable class being right.
    level : float
        Coverage of the interval.

    Returns
    -------
    Interval

    Raises
    ------
    MedgraftError
        The arrays do not fit each other.

    Notes
    -----
    Cost O(n log n + G bins).

    References
    ----------
    Kumar, Liang and Ma 2019, arXiv:1909.10155. Wilson 1927, doi:10.1080/01621459.1927.10502953.

    Examples
    --------
    >>> debiased_ece([0, 0, 1, 1], [0.5] * 4, bins=1).value
    0.0
    >>> debiased_ece([0, 0, 0, 0], [0.5] * 4, bins=1).value
    0.5
    """
    check_bins(bins)
    check_level(level)
    count, gap, happened = _sums(events(y, p, group=group, of=of), bins)
    size, total = count.sum(axis=0), gap.sum(axis=0)
    pairs = size**2 - (count**2).sum(axis=0)
    known = pairs > 0
    if not known.any():
        return Interval(math.nan, math.nan, math.nan, level, "No bin holds two patients: use fewer bins.")
    count, gap, happened, size, total, pairs = (
        x[..., known] for x in (count, gap, happened, size, total, pairs)
    )
    part = size / size.sum()
    square = float(part @ ((total**2 - (gap**2).sum(axis=0)) / pairs))

    patients, mean = len(count), total / size
    spread = (gap - mean * count) / size
    unbiased = patients / (patients - 1)
    unseen = np.diag(_hidden(size, happened, (count > 0).sum(axis=0)))
    cov = spread.T @ spread * unbiased + unseen
    still = 2 * float(part @ cov**2 @ part)
    plain, lean = float(part @ mean**2), part * mean
    moved = (2 * gap * mean - count * (mean**2 + plain)).sum(axis=1) / size.sum()
    steep = float(moved @ moved) * unbiased + 4 * float(lean @ unseen @ lean)
    t = -float(stdtrit(patients - 1, (1 - level) / 2))
    lo, value, hi = (math.sqrt(max(x, 0.0)) for x in _ends(square, still, steep / max(plain, 1e-300), t))
    notes = []
    if square <= 0:
        notes.append("No more calibration error than chance makes.")
    if not known.all():
        notes.append(f"{int((~known).sum())} bins of a single patient were left out.")
    return Interval(value, lo, hi, level, " ".join(notes))
