"""Resampling patients and repeats, and the intervals of what comes out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import chdtri, expit, logit, ndtr, stdtrit

from medgraft.base import MedgraftError
from medgraft.evidence.metrics.base import Floats, Metric
from medgraft.evidence.scores import Scores

# Doubles in one array of row weights. Larger only leaves the processor's cache.
CHUNK = 2**18
ENOUGH = 5  # repeats, to tell how much a repeat matters


def counts(rng: np.random.Generator, n: int, size: int) -> Floats:
    """Return how often each of `n` things is drawn in `size` resamples with replacement, (n, size)."""
    drawn = rng.integers(0, n, size=(size, n), dtype=np.int64)
    drawn *= size
    drawn += np.arange(size)[:, None]
    return np.bincount(drawn.ravel(), minlength=n * size).reshape(n, size).astype(float)


def resamples(
    n_groups: int, n_repeats: int, n_boot: int, seed: int, chunk: int
) -> Iterator[tuple[slice, Floats, Floats]]:
    """Yield (which draws, weights of patients (G, b), weights of repeats (R, b)), `chunk` draws at a time.

    Patients and repeats are drawn independently of each other: the pigeonhole bootstrap (Owen 2007,
    doi:10.1214/07-AOAS122). A single repeat is not resampled. The draws depend on the seed alone, not on
    the chunk.
    """
    patients, repeats = np.random.default_rng([seed, 0]), np.random.default_rng([seed, 1])
    for start in range(0, n_boot, chunk):
        size = min(chunk, n_boot - start)
        picks = counts(repeats, n_repeats, size) if n_repeats > 1 else np.ones((1, size))
        yield slice(start, start + size), counts(patients, n_groups, size), picks


class Replicates(NamedTuple):
    """The metric of A arms: averaged over repeats (A,), in every resample (A, n_boot), and per repeat.

    Per repeat (A, R, 1 + n_boot): on the rows as they are, then in every resample of patients.
    """

    values: Floats
    draws: Floats
    by_repeat: Floats


def replicate(
    metric: Metric, scores: Scores, predictions: Sequence[Floats], *, n_boot: int, seed: int
) -> Replicates:
    r"""Return each arm's metric, and its values in every resample.

    With patients g drawn c_g times and repeats r drawn d_r times,

    .. math:: \theta^* = \sum_r d_r\, m_r(c) / \sum_r d_r

    where m_r(c) is the metric of repeat r with each row weighing what its patient does, times its own weight.
    Every arm sees the same draws. Repeats in which the metric is undefined are left out; nan when it is in
    all of them. With repeats their spread is too large, on the safe side; `interval` and `compare` mend it by
    `crossed`.

    Cost: O(arms x rows x n_boot), with memory of arms x repeats x n_boot whatever the number of rows.
    """
    if n_boot < 2:
        raise MedgraftError(f"A bootstrap needs at least 2 draws, not {n_boot}: use 1000 or more.")
    parts = scores.parts()
    arms = [np.asarray(p, dtype=float) for p in predictions]
    rows = [
        (scores.y[i], scores.group[i], scores.fold[i], scores.weight[i], [p[i] for p in arms]) for i in parts
    ]
    plain = np.array([[metric.fn(y, p, w[None], f)[0] for p in ps] for y, _, f, w, ps in rows])
    values = _over_repeats(plain[:, :, None], np.ones((len(parts), 1)))[:, 0]

    draws = np.empty((len(arms), n_boot))
    by_repeat = np.concatenate([plain.T[:, :, None], np.empty((len(arms), len(parts), n_boot))], axis=2)
    chunk = max(1, min(n_boot, CHUNK // max(len(i) for i in parts)))
    for where, weights, picks in resamples(scores.n_groups, len(parts), n_boot, seed, chunk):
        per_repeat = np.empty((len(parts), len(arms), weights.shape[1]))
        for r, (y, group, fold, own, ps) in enumerate(rows):
            w = weights[group].T * own
            for a, p in enumerate(ps):
                per_repeat[r, a] = metric.fn(y, p, w, fold)
        draws[:, where] = _over_repeats(per_repeat, picks)
        by_repeat[:, :, 1:][:, :, where] = per_repeat.transpose(1, 0, 2)
    return Replicates(values, draws, by_repeat)


def _over_repeats(per_repeat: Floats, picks: Floats) -> Floats:
    """Average (R, A, b) over the repeats with weights (R, b), without those that are nan."""
    known = np.isfinite(per_repeat)
    weight = picks[:, None, :] * known
    total = (np.where(known, per_repeat, 0.0) * weight).sum(axis=0)
    mass = weight.sum(axis=0)
    return np.divide(total, mass, out=np.full_like(total, np.nan), where=mass > 0)


def informative(metric: Metric, scores: Scores) -> float:
    r"""Return how many patients inform the metric: its degrees of freedom plus one.

    All patients; but where every class must be present the metric is as uncertain as its rarest class, and
    Satterthwaite's approximation, with equal variance in the classes of :math:`m_k` patients, gives

    .. math:: \frac{(\sum_k 1/m_k)^2}{\sum_k 1/(m_k^2 (m_k - 1))}

    degrees of freedom: none if a class has one patient only. Of several labels each makes two classes, those
    who have it and those who do not.
    """
    if not metric.by_class:
        return scores.n_groups
    m = scores.patients_per_class().astype(float)
    if m.min() < 2:
        return 1
    freedom = float((1 / m).sum() ** 2 / (1 / (m**2 * (m - 1))).sum())
    return min(freedom + 1, scores.n_groups) if scores.y.ndim == 2 else freedom + 1


def crossed(draws: Floats, by_repeat: Floats, n: float) -> tuple[Floats, float]:
    r"""Return the known draws with the spread they should have, and how many patients inform them.

    With one repeat, all known draws and `n`. With more, a metric of G patients and R repeats has the variance
    A + B + E: of patients, of repeats, and of what is peculiar to both, each shrinking with the numbers it is
    an average over. Draws that resample patients and repeats have A + B + 3 E on average (work it out for a
    mean of :math:`a_g + b_r + e_{gr}`), so that they are too wide where a repeat changes single patients. But
    resampled patients, all repeats kept, vary by A + E (:math:`V_p`); the repeats' own values, divided by R,
    by B + E (:math:`V_r = s_r^2 / R`); and those within a resample of patients by B + 2 E (:math:`V_w`). So

    .. math:: V = V_p + \max\bigl(0,\; V_r - \max(0,\, V_w - V_r)\bigr)

    is the sum of both ways less what they share (as in Cameron, Gelbach and Miller 2011), and never below
    that of the patients. Where it is no more than that, `n` stays. Else Satterthwaite's approximation gives

    .. math:: \frac{V^2}{V_p^2 / (n - 1) + V_r^2 / (R - 1)}

    degrees of freedom, one less than the second number returned.

    Two repeats that happen to differ would make Student's t of one degree of freedom, and an interval up to
    six times wider, of nothing. Below `ENOUGH` repeats the second term counts only where :math:`V_r` is more
    than what is peculiar to patients explains, :math:`V_w - V_r`, at 5 % of chi-squared. By simulation of a
    normal mean, 95 % are then 91 with two and 93 with three repeats where these add as much to its variance
    as patients do, and 85 and 92 where they add twenty times as much; 94 to 95 with five. `interval` and
    `compare` say to use more.

    Parameters
    ----------
    draws : (n_boot,) array
        Of patients and repeats, as from `replicate`; nan where undefined.
    by_repeat : (R, 1 + n_boot) array
        Of each repeat: on the rows as they are, then in every resample of patients.
    n : float
        Patients that inform a single repeat, as from `informative`.

    References
    ----------
    Cameron, Gelbach and Miller 2011, doi:10.1198/jbes.2010.07136. Owen 2007, doi:10.1214/07-AOAS122.

    Examples
    --------
    >>> crossed(np.array([1.0, 2.0, np.nan]), np.array([[1.5, 1.0, 2.0, np.nan]]), 30)
    (array([1., 2.]), 30)
    """
    known = draws[np.isfinite(draws)]
    repeats = by_repeat[np.isfinite(by_repeat[:, 0])]
    each = repeats[:, 1:][:, np.isfinite(repeats[:, 1:]).all(axis=0)]
    r = len(repeats)
    if r < 2 or n < 2 or each.shape[1] < 2 or known.min() == known.max():
        return known, n
    of_patients = n / (n - 1) * float(each.mean(axis=0).var())
    of_repeats = float(repeats[:, 0].var(ddof=1)) / r
    within = float(each.var(axis=0, ddof=1).mean()) / r
    cells = max(0.0, within - of_repeats)
    shown = r >= ENOUGH or of_repeats > cells * float(chdtri(r - 1, 0.05)) / (r - 1)
    own = max(0.0, of_repeats - cells) if shown else 0.0
    whole = of_patients + own
    if whole == 0:
        return known, n
    freedom = n - 1
    if own > 0:
        freedom = whole**2 / (of_patients**2 / (n - 1) + of_repeats**2 / (r - 1))
        freedom = max(freedom, min(n, r) - 1)  # the smallest that the approximation can mean
    # `tail` will widen by (freedom + 1) / freedom, which `whole` has no need of.
    narrow = math.sqrt(whole * freedom / (freedom + 1) / float(known.var()))
    return known.mean() + narrow * (known - known.mean()), freedom + 1


def tail(n: float, level: float) -> float:
    r"""Return the number of standard errors that an interval of `n` patients reaches to either side.

    The bootstrap's spread is too small by sqrt((n-1)/n), and few patients need Student's t:
    :math:`\sqrt{n/(n-1)}\; t_{1-\alpha/2,\, n-1}` (Hesterberg 2015, doi:10.1080/00031305.2015.1089789).
    """
    return float(-math.sqrt(n / (n - 1)) * stdtrit(n - 1, (1 - level) / 2))


def reaching(draws: Floats, few: float, n: float, level: float) -> Floats:
    """Return draws spread so that percentiles for `n` patients reach as far as those for `few` ought to.

    No percentile lies beyond the farthest draw, and of two repeats that differ most draws are one of three
    values: Student's t of one degree of freedom must then widen the draws themselves.
    """
    if few >= n:
        return draws
    return draws.mean() + tail(few, level) / tail(n, level) * (draws - draws.mean())


def percentiles(draws: Floats, n: float, level: float) -> tuple[float, float]:
    r"""Return the expanded percentile interval of the draws of a statistic of `n` patients.

    The percentiles are those of :math:`\Phi(\mp h)`, with h of `tail` in place of the normal quantile. nan
    below two patients or without a draw.
    """
    if n < 2 or len(draws) == 0:
        return math.nan, math.nan
    outside = float(ndtr(-tail(n, level)))
    # The upper end is the lower end of the mirrored draws: exchanging two arms mirrors the interval exactly.
    low, high = (float(np.quantile(x, outside, method="weibull")) for x in (draws, -draws))
    return low, 0.0 - high  # not -high, which makes a zero of it that is written with a sign


def logit_interval(value: float, draws: Floats, n: float, level: float) -> tuple[float, float]:
    r"""Return the interval of a metric between 0 and 1, symmetric on the logit scale.

    .. math:: \operatorname{expit}\bigl(\operatorname{logit}\theta \pm h\, s / (\theta (1 - \theta))\bigr)

    with s the standard deviation of the draws and h of `tail`. Near 0 and 1 percentiles are too short by far,
    because resampled patients are never worse than those observed; on this scale they are not (for the AUROC:
    Qin and Hotilovac 2008, doi:10.1177/0962280207087173). nan below two patients or without a draw.
    """
    if n < 2 or len(draws) == 0:
        return math.nan, math.nan
    spread = float(draws.std())
    if spread == 0:
        return value, value
    half = tail(n, level) * spread / (value * (1 - value))
    return float(expit(logit(value) - half)), float(expit(logit(value) + half))
