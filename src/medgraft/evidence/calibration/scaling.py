"""Recalibrators that stretch and shift logits: temperature, vector scaling, Platt."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq, minimize
from scipy.special import expit, log_softmax, softmax

from medgraft.base import MedgraftError
from medgraft.evidence.calibration.events import logits
from medgraft.evidence.calibration.newton import logistic_fit
from medgraft.evidence.calibration.recalibrator import Recalibrator
from medgraft.evidence.metrics.base import Floats, Ints
from medgraft.evidence.metrics.classification import one_hot

COLDEST, HOTTEST = 0.01, 100.0
PULL = 0.01


def _logs(p: Floats) -> Floats:
    return np.asarray(np.log(np.maximum(p, np.finfo(float).eps)))


class Temperature(Recalibrator):
    r"""Divide all logits by one number: neither order nor decision changes.

    Use it for a network that is too sure of itself, above all with few calibration patients: one number is
    all there is to learn. Not where one class is favoured, which it cannot mend (`VectorScaling`, `Platt`).

    .. math:: q_k \propto p_k^{1/T}, \qquad T = \arg\min -\sum_i w_i \log q_{i y_i}

    with weights that count each patient once; the loss is convex in 1/T. Between 0.01, where all are right,
    and 100, where the model knows nothing.

    Attributes
    ----------
    temperature_ : float
        T: above 1 the model was too sure.

    Notes
    -----
    A probability of 0 is read as the machine's epsilon, as in the metric "log_loss". Cost O(n K). Guo et al.
    2017, arXiv:1706.04599.

    Examples
    --------
    >>> p, y = [0.9] * 4, [1, 1, 1, 0]  # said 0.9, came true in 3 of 4
    >>> Temperature().fit(p, y).transform([0.9, 0.1]).round(6).tolist()
    [0.75, 0.25]
    """

    kind = "temperature"
    state = ("temperature_",)
    temperature_: float

    def _fit(self, p: Floats, y: Ints, w: Floats) -> None:
        z = _logs(p)
        own = z[np.arange(len(y)), y]

        def slope(log_cold: float) -> float:
            q = softmax(np.exp(log_cold) * z, axis=1)
            return float(w @ ((q * z).sum(axis=1) - own))

        low, high = -np.log(HOTTEST), -np.log(COLDEST)
        if slope(low) >= 0:
            self.temperature_ = HOTTEST
        elif slope(high) <= 0:
            self.temperature_ = COLDEST
        else:
            self.temperature_ = float(np.exp(-brentq(slope, low, high, xtol=1e-13)))

    def _map(self, p: Floats) -> Floats:
        return np.asarray(softmax(_logs(p) / self.temperature_, axis=1))


class VectorScaling(Recalibrator):
    r"""Stretch and shift the logit of every class by numbers of its own.

    Use it for several classes of which some are favoured, with some tens of calibration patients a class. Not
    with fewer (`Temperature`).

    .. math:: q_k \propto \exp(a_k \log p_k + b_k), \qquad
              \min_{a, b} -\sum_i w_i \log q_{i y_i} + \frac{\lambda}2 \sum_k \bigl((a_k - 1)^2 + b_k^2\bigr)

    with weights that count each patient once. The pull towards doing nothing, :math:`\lambda = 0.01`, weighs
    little beside ten patients; it makes the answer unique, and finite where all are right.

    Attributes
    ----------
    scale_, shift_ : (K,) arrays
        a and b.

    Notes
    -----
    A probability of 0 is read as the machine's epsilon, as in the metric "log_loss". Cost O(n K) a step. Guo
    et al. 2017, arXiv:1706.04599 (without the pull).

    Examples
    --------
    >>> p = [[0.2, 0.8, 0.0]] * 100  # class 2 is never thought of, but happens
    >>> VectorScaling().fit(p, [0] * 30 + [1] * 50 + [2] * 20).transform(p)[0].round(2).tolist()
    [0.3, 0.5, 0.2]
    """

    kind = "vector"
    state = ("scale_", "shift_")
    scale_: Floats
    shift_: Floats

    def _fit(self, p: Floats, y: Ints, w: Floats) -> None:
        z, truth, k = _logs(p), one_hot(y, p.shape[1]), p.shape[1]

        def loss(v: Floats) -> tuple[float, Floats]:
            logs = log_softmax(v[:k] * z + v[k:], axis=1)
            move = np.r_[v[:k] - 1, v[k:]]
            gap = w[:, None] * (np.exp(logs) - truth)
            gradient = np.r_[(gap * z).sum(axis=0), gap.sum(axis=0)] + PULL * move
            return float(-(w @ (logs * truth).sum(axis=1)) + PULL / 2 * move @ move), gradient

        start = np.r_[np.ones(k), np.zeros(k)]
        options = {"maxiter": 10_000, "ftol": 0.0, "gtol": 1e-7 * w.sum()}
        found = minimize(loss, start, jac=True, method="L-BFGS-B", options=options).x
        self.scale_, self.shift_ = found[:k], found[k:]

    def _map(self, p: Floats) -> Floats:
        return np.asarray(softmax(self.scale_ * _logs(p) + self.shift_, axis=1))


class Platt(Recalibrator):
    r"""Fit a logistic curve through the logit of the event's probability.

    Use it for two classes and few calibration patients, where predictions are both too high and too extreme.
    Not where the curve is no logistic one and patients are many (`Isotonic`, `VennAbers`).

    .. math:: q = \operatorname{expit}(a \operatorname{logit} p + b)

    by maximum likelihood with targets :math:`(N_+ + 1) / (N_+ + 2)` for events and :math:`1 / (N_- + 2)` for
    the others, N patients each (a patient's rows share one count), so that it never becomes certain.

    Attributes
    ----------
    slope_, intercept_ : float
        a and b.

    Notes
    -----
    Probabilities nearer to 0 or 1 than a millionth are read as a millionth from it. Cost O(n). Platt 1999, in
    Advances in Large Margin Classifiers, 61-74.

    Examples
    --------
    >>> p, y = [0.2] * 10 + [0.8] * 10, [0] * 8 + [1] * 2 + [0] * 2 + [1] * 8
    >>> Platt().fit(p, y).transform([0.2, 0.8]).round(3).tolist()  # 2 + 1 of 10 + 2
    [0.25, 0.75]
    """

    kind = "platt"
    state = ("slope_", "intercept_")
    binary = True
    slope_: float
    intercept_: float

    def _fit(self, p: Floats, y: Ints, w: Floats) -> None:
        line = logits(p[:, 1])
        if np.ptp(line) == 0:
            raise MedgraftError("All predictions are equal: a curve through them needs two that differ.")
        events = float(w[y == 1].sum())
        high, low = (events + 1) / (events + 2), 1 / (w.sum() - events + 2)
        X = np.column_stack([np.ones_like(line), line])
        found = logistic_fit(X, np.where(y == 1, high, low), w, np.zeros_like(line))
        self.intercept_, self.slope_ = map(float, found)

    def _map(self, p: Floats) -> Floats:
        event = expit(self.slope_ * logits(p[:, 1]) + self.intercept_)
        return np.stack([1 - event, event], axis=1)
