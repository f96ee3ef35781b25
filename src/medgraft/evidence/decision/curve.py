"""Decision curves: is it better to act on a model than to treat everybody, or nobody?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from medgraft.base import MedgraftError
from medgraft.evidence.decision.band import Band, bands, worth
from medgraft.evidence.decision.rates import binary
from medgraft.evidence.metrics.base import Floats, Ints


@dataclass(frozen=True)
class DecisionCurve:
    """Net benefit of a model and of treating everybody; that of treating nobody is 0.

    Attributes
    ----------
    thresholds : (T,) array
    model, treat_all : Band
    model_minus_all : Band
        Their difference, paired.
    n_patients : int
    level : float
    """

    thresholds: Floats
    model: Band
    treat_all: Band
    model_minus_all: Band
    n_patients: int
    level: float

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON knows it."""
        return {
            "thresholds": self.thresholds.tolist(),
            "model": self.model.to_dict(),
            "treat_all": self.treat_all.to_dict(),
            "model_minus_all": self.model_minus_all.to_dict(),
            "n_patients": self.n_patients,
            "level": self.level,
        }


def decision_curve(
    y: ArrayLike,
    p: ArrayLike,
    *,
    thresholds: ArrayLike | None = None,
    group: ArrayLike | None = None,
    n_boot: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> DecisionCurve:
    r"""Weigh the events a model finds against its false alarms, over threshold probabilities.

    Use it on test rows, over the thresholds at which a reasonable clinician or patient would act: someone who
    acts at a risk of 10 % holds one event found worth nine needless treatments. Not to choose a threshold
    (the threshold follows from what harm and benefit weigh), and not where the share of events is not that of
    practice, as in a case-control sample.

    .. math:: NB(t) = \frac{1}{n} \sum_i \Bigl( y_i - (1 - y_i) \frac{t}{1-t} \Bigr) [p_i \ge t]

    Treating everybody has :math:`[\cdot] = 1`, nobody 0. The probabilities are taken at their word: a
    miscalibrated model may do worse than both.

    A row adds 1, :math:`-t/(1-t)` or 0, so that at one threshold the net benefit is a mean of known values,
    and its interval is the score interval of the three shares (`medgraft.evidence.score_interval`), which
    knows of false alarms that nobody happened to raise. With several rows a patient the counts are first
    divided by the design effect, the variance over patients by the one over rows (Rao and Scott 1992), and
    Student's t of K - 1 degrees of freedom for K patients stands in place of z. The band for all thresholds
    resamples patients with all their rows, and is kept as wide as a patient or two more would make it where
    hardly anybody is flagged.

    Parameters
    ----------
    y : (n,) array
        1 with the event, 0 without.
    p : (n,) or (n, 2) array
        Probability of the event.
    thresholds : (T,) array, default 0.01 to 0.99 in steps of 0.01
        From 0 to below 1.
    group : (n,) array, default every row its own
        Patients.
    n_boot : int
        Draws, for the band that holds at all thresholds.
    seed : int
        The same seed gives the same bands.
    level : float
        Nominal coverage.

    Returns
    -------
    DecisionCurve

    Raises
    ------
    MedgraftError
        The arrays do not fit, or a threshold is outside 0 to 1.

    Notes
    -----
    Cost O(patients n_boot T).

    References
    ----------
    Vickers and Elkin 2006, doi:10.1177/0272989X06295361. Rao and Scott 1992, doi:10.2307/2532311.

    Examples
    --------
    >>> curve = decision_curve([0, 0, 0, 1], [0.1, 0.2, 0.3, 0.9], thresholds=[0.2], n_boot=100)
    >>> curve.model.value.tolist(), curve.treat_all.value.tolist()
    ([0.125], [0.0625])
    """
    event, chance, patient = binary(y, p, group)
    at = _thresholds(thresholds)
    model, everybody = _gains(event, chance, at), _gains(event, np.ones(len(event)), at)
    harm = at / (1 - at)
    curves = [
        (model, worth(1.0, -harm, 0.0)),
        (everybody, worth(1.0, -harm)),
        (model - everybody, worth(-1.0, harm, 0.0)),
    ]
    mine, all_, gap = bands(curves, at, patient, n_boot, seed, level)
    return DecisionCurve(at, mine, all_, gap, int(patient.max()) + 1, level)


def decision_difference(
    y: ArrayLike,
    p_arm: ArrayLike,
    p_control: ArrayLike,
    *,
    thresholds: ArrayLike | None = None,
    group: ArrayLike | None = None,
    n_boot: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Band:
    r"""Return the net benefit of one model minus that of another on the same patients, over thresholds.

    Use it to ask whether transfer changes decisions for the better, and at which thresholds; read `lo_all`
    and `hi_all` when no threshold was fixed beforehand. Not to show that a model is good: see
    `decision_curve`.

    .. math:: \Delta(t) = NB_{arm}(t) - NB_{control}(t)

    A row adds 1, -1, :math:`\pm t/(1-t)` or 0; intervals are as in `decision_curve`. The inverse,
    :math:`1/\Delta(t)`, is the number of patients to whom the first model must be applied for one more event
    found, at no more false alarms.

    Parameters
    ----------
    y, thresholds, group, n_boot, seed, level
        As in `decision_curve`.
    p_arm, p_control : (n,) or (n, 2) array
        Probabilities of the event, row by row the same patients.

    Returns
    -------
    Band

    Raises
    ------
    MedgraftError
        As `decision_curve`.

    Notes
    -----
    Cost O(patients n_boot T).

    References
    ----------
    Vickers and Elkin 2006, doi:10.1177/0272989X06295361.

    Examples
    --------
    >>> arm, control = [0.1, 0.2, 0.3, 0.9], [0.1, 0.2, 0.6, 0.9]
    >>> decision_difference([0, 0, 0, 1], arm, control, thresholds=[0.5], n_boot=100).value.tolist()
    [0.25]
    """
    at = _thresholds(thresholds)
    event, arm, patient = binary(y, p_arm, group)
    _, control, _ = binary(y, p_control, group)
    harm = at / (1 - at)
    # Two arms that predict the same cannot differ on any patient, seen or not.
    values = worth(0.0 * at) if np.array_equal(arm, control) else worth(1.0, -1.0, harm, -harm, 0.0)
    gains = _gains(event, arm, at) - _gains(event, control, at)
    return bands([(gains, values)], at, patient, n_boot, seed, level)[0]


def _thresholds(thresholds: ArrayLike | None) -> Floats:
    at = np.arange(1, 100) / 100 if thresholds is None else np.asarray(thresholds, dtype=float)
    if at.ndim != 1 or len(at) == 0 or not ((at >= 0) & (at < 1)).all():
        raise MedgraftError("'thresholds' must be probabilities from 0 to below 1: give one or more.")
    return at


def _gains(event: Ints, chance: Floats, at: Floats) -> Floats:
    """Return what each row adds to n times the net benefit at each threshold, (n, T)."""
    worth = np.where(event[:, None] == 1, 1.0, -at / (1 - at))
    return np.where(chance[:, None] >= at, worth, 0.0)
