"""What the Brier score is made of."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from medgraft.evidence.calibration.events import check_bins, columns
from medgraft.evidence.metrics.base import Floats, metrics
from medgraft.evidence.metrics.calibration import row_bins
from medgraft.evidence.metrics.classification import one_hot
from medgraft.evidence.scores import Scores


class BrierParts(NamedTuple):
    """``brier = reliability - resolution + uncertainty + within``, exactly.

    Attributes
    ----------
    brier : float
        The score, as the metric "brier".
    reliability : float
        How far predictions are from what happened: 0 if calibrated.
    resolution : float
        How far apart the bins are in what happened: the more the better.
    uncertainty : float
        Of the label itself, whatever the model.
    within : float
        What the bins hide: 0 where each holds one prediction.
    """

    brier: float
    reliability: float
    resolution: float
    uncertainty: float
    within: float


def _parts(predicted: Floats, happened: Floats, bins: int | None) -> Floats:
    where = np.unique(predicted, return_inverse=True)[1] if bins is None else row_bins(predicted, bins)
    size = np.bincount(where)
    c, o = (np.bincount(where, weights=x) / size for x in (predicted, happened))
    share, base = size / len(predicted), happened.mean()
    moved = predicted - c[where] if bins is not None else np.zeros(1)
    within = (moved * (moved - 2 * (happened - o[where]))).mean()
    parts = ((predicted - happened) ** 2).mean(), share @ (c - o) ** 2, share @ (o - base) ** 2
    return np.array([*parts, base * (1 - base), within])


def brier_decomposition(y: ArrayLike, p: ArrayLike, bins: int | None = 10) -> BrierParts:
    r"""Split the Brier score into calibration, discrimination and what no model can help.

    Use it to see why one model scores better than another: is it better calibrated, or does it tell patients
    apart? Not as estimates of a population: with few patients a bin, reliability and resolution are both too
    large, by about the same (see `debiased_ece`).

    .. math:: \frac1n \sum_i (c_i - o_i)^2 =
              \underbrace{\sum_b \pi_b (\bar c_b - \bar o_b)^2}_{\text{reliability}}
              - \underbrace{\sum_b \pi_b (\bar o_b - \bar o)^2}_{\text{resolution}}
              + \underbrace{\bar o (1 - \bar o)}_{\text{uncertainty}} + \text{within}

    over bins b with shares :math:`\pi_b`. The last part is the variance of the predictions within bins less
    twice their covariance with what happened there (Stephenson et al. 2008), so that the identity is exact
    whatever the bins. Of several classes, the sum over each against the rest, as in the metric "brier".

    Parameters
    ----------
    y : (n,) array
        Class codes 0..K-1.
    p : (n,) or (n, K) array
        Probability of class 1, or of each class.
    bins : int or None
        How many, of equal mass; None for one per distinct prediction.

    Returns
    -------
    BrierParts

    Notes
    -----
    Cost O(K n log n). Rows count equally, whoever's they are. Murphy 1973,
    doi:10.1175/1520-0450(1973)012<0595:ANVPOT>2.0.CO;2.

    Examples
    --------
    >>> brier_decomposition([0, 0, 1, 1], [0.25, 0.25, 0.75, 0.75], None)
    BrierParts(brier=0.0625, reliability=0.0625, resolution=0.25, uncertainty=0.25, within=0.0)
    """
    if bins is not None:
        check_bins(bins)
    guess = columns(p)
    truth = one_hot(Scores.of(metrics["ece"], y, guess).y, guess.shape[1])
    judged = [1] if guess.shape[1] == 2 else range(guess.shape[1])
    total = np.sum([_parts(guess[:, k], truth[:, k], bins) for k in judged], axis=0)
    return BrierParts(*map(float, total))
