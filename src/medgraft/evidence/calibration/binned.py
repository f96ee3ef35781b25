"""Calibration errors over bins: adaptive, worst bin, overconfidence."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from medgraft.evidence.calibration.events import check_bins, columns
from medgraft.evidence.metrics.base import CLASSES, Floats, Ints, Metric, metrics, share
from medgraft.evidence.metrics.calibration import bin_sums, calibration_error, confidence, top_class
from medgraft.evidence.metrics.classification import probabilities
from medgraft.evidence.scores import Scores

BinnedFn: TypeAlias = Callable[[Floats, Floats, Floats, int], Floats]


def _ace(y: Floats, p: Floats, w: Floats, bins: int) -> Floats:
    by_class = [calibration_error(p[:, k], (y == k).astype(float), w, bins) for k in range(p.shape[1])]
    return np.asarray(np.mean(by_class, axis=0))


def _mce(y: Floats, p: Floats, w: Floats, bins: int) -> Floats:
    predicted, happened = confidence(y, p)
    mass, gap = bin_sums(predicted, [happened - predicted], w, bins)
    worst = np.nan_to_num(np.abs(share(gap, mass)), nan=-1.0).max(axis=0)
    return np.where(worst < 0, np.nan, worst)


def _overconfidence(y: Floats, p: Floats, w: Floats, bins: int) -> Floats:
    predicted, happened = top_class(y, p)
    mass, gap, sure = bin_sums(predicted, [predicted - happened, predicted], w, bins)
    cost = np.nan_to_num(share(sure, mass)) * np.maximum(gap, 0.0)
    return share(cost.sum(axis=0), mass.sum(axis=0))


def _of_ten_bins(name: str, label: str, of: BinnedFn) -> Metric:
    def fn(y: Floats, p: Floats, w: Floats, block: Ints) -> Floats:
        return of(y, p, w, 10)

    return Metric(name, CLASSES, "lower", label, fn, probabilities)


ACE = _of_ten_bins("ace", "Adaptive calibration error", _ace)
MCE = _of_ten_bins("mce", "Maximum calibration error", _mce)
OVERCONFIDENCE = _of_ten_bins("overconfidence", "Overconfidence error", _overconfidence)


def _value(of: BinnedFn, y: ArrayLike, p: ArrayLike, bins: int) -> float:
    check_bins(bins)
    guess = columns(p)
    scores = Scores.of(metrics["ece"], y, guess)
    return float(of(scores.y, guess, np.ones((1, len(guess))), bins)[0])


def ace(y: ArrayLike, p: ArrayLike, bins: int = 10) -> float:
    r"""Return the adaptive calibration error: of every class, not of the most probable one alone.

    Use it where each class's probability is read, as in a differential diagnosis. With two classes it equals
    `ece`. Like it, it is positive for a calibrated model; see `debiased_ece`.

    .. math:: \frac1K \sum_k \sum_b \Bigl|\sum_{i \in b_k} ([y_i = k] - p_{ik})\Bigr| / n

    over equal-mass bins b of each class k. ``interval(ACE, y, p, group=...)`` resamples it over patients,
    with ten bins.

    Parameters
    ----------
    y : (n,) array
        Class codes 0..K-1.
    p : (n,) or (n, K) array
        Probability of class 1, or of each class.
    bins : int
        How many.

    Notes
    -----
    Cost O(K n log n). Nixon et al. 2019, arXiv:1904.01685.

    Examples
    --------
    >>> ace([0, 1, 2, 0], [[0.5, 0.3, 0.2]] * 4, bins=1).__round__(3)
    0.033
    """
    return _value(_ace, y, p, bins)


def mce(y: ArrayLike, p: ArrayLike, bins: int = 10) -> float:
    r"""Return the maximum calibration error: the gap of the worst bin.

    Use it where a single badly calibrated range of probabilities would do harm. Not with few patients: the
    worst of ten noisy gaps is large whatever the model.

    .. math:: \max_b \Bigl|\sum_{i \in b} (o_i - c_i)\Bigr| / n_b

    with o and c as in `ece`. ``interval(MCE, y, p, group=...)`` resamples it over patients.

    Parameters
    ----------
    y, p, bins
        As in `ace`.

    Notes
    -----
    Cost O(n log n). Naeini, Cooper and Hauskrecht 2015, doi:10.1609/aaai.v29i1.9602.

    Examples
    --------
    >>> mce([0, 1, 1, 1], [0.1, 0.2, 0.7, 0.9], bins=2).__round__(3)
    0.35
    """
    return _value(_mce, y, p, bins)


def overconfidence(y: ArrayLike, p: ArrayLike, bins: int = 10) -> float:
    r"""Return the overconfidence error: bins that are surer than right, the sure ones counting more.

    Use it where a confident mistake costs most. It says nothing of a model that is too hesitant.

    .. math:: \sum_b \frac{n_b}{n} \, \bar c_b \, (\bar c_b - \bar o_b)_+

    with c the probability of the most probable class, of two as of more, and o whether it was right.
    ``interval(OVERCONFIDENCE, y, p, group=...)`` resamples it over patients.

    Parameters
    ----------
    y, p, bins
        As in `ace`.

    Notes
    -----
    Cost O(n log n). Thulasidasan et al. 2019, arXiv:1905.11001.

    Examples
    --------
    >>> overconfidence([0, 1, 1, 0], [0.9] * 4, bins=1).__round__(2)  # 0.9 sure, half right
    0.36
    """
    return _value(_overconfidence, y, p, bins)
