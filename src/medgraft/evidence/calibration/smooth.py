"""Distance from a smooth calibration curve: ICI, E50, E90, Emax; an ICI of less bias with an interval."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from medgraft.base import MedgraftError
from medgraft.evidence.calibration.debiased import debiased_ece
from medgraft.evidence.calibration.events import Events, events
from medgraft.evidence.calibration.scaling import Platt
from medgraft.evidence.interval import Interval, interval
from medgraft.evidence.metrics import metrics
from medgraft.evidence.metrics.base import Floats, Ints
from medgraft.evidence.metrics.calibration import loess, smooth_gaps, smooth_mean


class SmoothError(NamedTuple):
    """How far predictions are from the smooth curve: mean, median, 90th percentile and worst over rows."""

    ici: float
    e50: float
    e90: float
    emax: float


def smooth_error(y: ArrayLike, p: ArrayLike, *, of: int | None = None, span: float = 0.75) -> SmoothError:
    r"""Return the integrated calibration index and the quantiles of what it averages.

    Use it for the size of miscalibration in units of probability, without bins. Not to say that a model is
    miscalibrated: all four are positive for a calibrated one too. `ici` gives an interval, to the index of
    a curve of less bias: its value differs.

    With :math:`g_i = |\hat o(c_i) - c_i|`, :math:`\hat o` the local line through what happened (`loess`
    with the window `span`, without robustness steps, kept between 0 and 1): the mean of g, its median,
    its 90th percentile and its maximum.

    Parameters
    ----------
    y : (n,) array
        Class codes 0..K-1.
    p : (n,) or (n, K) array
        Probability of class 1, or of each class.
    of : int, optional
        This class against the others; by default the event, or the most probable class being right.
    span : float
        Share of the rows in a window, above 0 and at most 1.

    Returns
    -------
    SmoothError

    Raises
    ------
    MedgraftError
        The arrays do not fit each other, or the span is not a share.

    Notes
    -----
    Cost O(n log n). Austin and Steyerberg 2019, doi:10.1002/sim.8281 (there with a local parabola, which
    follows few patients too closely). Emax is mostly what happens at the ends, where the curve is loosest.

    Examples
    --------
    >>> smooth_error([0, 0, 0, 1] * 5, [0.5] * 20)
    SmoothError(ici=0.25, e50=0.25, e90=0.25, emax=0.25)
    """
    made = events(y, p, of=of)
    gap, mass = smooth_gaps(
        made.predicted, made.happened, np.ones((1, len(made.predicted))), check_span(span)
    )
    rows = np.repeat(gap[:, 0], mass[:, 0].astype(np.int64))
    return SmoothError(float(rows.mean()), *map(float, np.quantile(rows, [0.5, 0.9, 1.0])))


def ici(
    y: ArrayLike,
    p: ArrayLike,
    *,
    group: ArrayLike | None = None,
    of: int | None = None,
    n_boot: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    r"""Return the integrated calibration index, with an interval that calibrated models may enter.

    Use it in place of ``interval("ici", ...)``, whose lower end is above 0 for every model: chance alone
    bends the curve, and resampling bends it once more. Two arms are compared by ``compare("ici", ...)``,
    where that bias is common to both.

    The index is that of `smooth_error`, of a curve with less bias: the logistic curve g of `Platt`, and the
    local line through what it leaves,

    .. math:: \hat o(c) = g(c) + \mathrm{loess}(o - g)(c), \qquad
              \text{window } \tfrac34 \min\bigl(1, (200/n)^{1/5}\bigr)

    with n patients, g counting each patient once and the line each row: a window that stays as wide for many
    patients flattens what they could show. The ends are percentiles over patients, as in `interval`, with g
    and the window kept; but the lower end is 0 unless `debiased_ece` shows calibration error beyond chance,
    at the same level: of calibrated models it is above 0 in a share of about one minus that level. A mean of
    absolute values has a corner at 0, next to which resampling alone is not right (Fang and Santos 2019).

    Parameters
    ----------
    y : (n,) array
        Class codes 0..K-1.
    p : (n,) or (n, K) array
        Probability of class 1, or of each class.
    group : (n,) array, default every row its own
        Patients.
    of : int, optional
        This class against the others; by default the event, or the most probable class being right.
    n_boot, seed : int
        Draws; the same seed gives the same interval.
    level : float
        Nominal coverage.

    Returns
    -------
    Interval

    Raises
    ------
    MedgraftError
        The arrays do not fit each other.

    Notes
    -----
    Cost O(n n_boot), some seconds for 1000 patients.

    In the scenes of ``benchmarks/conformal_shift.py``, intervals of 95 % held the truth in 93 to 97 % with 50
    and with 200 patients, and in 93 to 96 % with 1000 of three rows each. The value is too high where
    probabilities are right: a curve through few patients bends by chance.

    References
    ----------
    Austin and Steyerberg 2019, doi:10.1002/sim.8281. The curve with a first guess: Glad 1998, Parametrically
    guided non-parametric regression, Scandinavian Journal of Statistics. Fang and Santos 2019,
    arXiv:1404.3763.

    Examples
    --------
    >>> said, y = [0.25, 0.75] * 20, [0, 0, 0, 1, 0, 1, 1, 1] * 5
    >>> found = ici(y, said, n_boot=100)
    >>> found.value.__round__(6), found.lo
    (0.0, 0.0)
    """
    made = events(y, p, group=group, of=of)
    both = np.stack([1 - made.predicted, made.predicted], axis=1)
    patients = len(np.unique(made.group))
    span = 0.75 * min(1.0, (200 / patients) ** 0.2)
    guide = _guide(made)

    def index(y: Floats, p: Floats, w: Floats, block: Ints) -> Floats:
        return smooth_mean(*smooth_gaps(p[:, 1], y, w, span, guide))

    guided = replace(metrics["ici"], fn=index)
    found = interval(guided, made.happened, both, group=made.group, n_boot=n_boot, seed=seed, level=level)
    bins = int(np.clip(patients // 5, 1, 10))
    error = debiased_ece(made.happened, both, bins, group=made.group, level=level)
    if np.isnan(found.lo) or error.lo > 0:
        return found
    why = "is shown" if error.lo == 0 else "could be tested for"
    note = f"{found.note} No calibration error beyond chance {why}: the interval starts at 0.".strip()
    return replace(found, lo=0.0, note=note)


def _guide(made: Events) -> Callable[[Floats], Floats]:
    """Return the logistic curve through what happened; nothing where predictions cannot draw one."""
    try:
        return Platt().fit(made.predicted, made.happened, group=made.group).transform
    except MedgraftError:
        return np.zeros_like


def smooth_curve(
    y: ArrayLike, p: ArrayLike, at: ArrayLike, *, of: int | None = None, span: float = 0.75
) -> np.ndarray:
    """Return how often the event happens where it is predicted `at`, by a local line: the curve to plot.

    Parameters
    ----------
    y, p, of, span
        As in `smooth_error`.
    at : (m,) array
        Probabilities; outside the range of the predictions the nearest line is drawn on.

    Returns
    -------
    (m,) array

    Examples
    --------
    >>> smooth_curve([0, 0, 1, 1], [0.2, 0.4, 0.6, 0.8], [0.5]).round(6)
    array([0.5])
    """
    made = events(y, p, of=of)
    where = np.asarray(at, dtype=float)
    curve = loess(made.predicted, made.happened, np.ones((1, len(made.predicted))), where, check_span(span))
    return np.clip(curve[:, 0], 0.0, 1.0)


def check_span(span: float) -> float:
    """Refuse a window that is not a share of the rows."""
    if not 0 < span <= 1:
        raise MedgraftError(f"The span is the share of rows in a window, above 0 and at most 1, not {span}.")
    return span
