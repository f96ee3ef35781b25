"""Cox regression at a hospital with few events, pulled towards what other hospitals' patients say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import check_is_fitted

from medgraft.methods.encode import TableEncoder
from medgraft.methods.federated.cox import partial_likelihood
from medgraft.methods.splits import Floats, inner_folds, units_of
from medgraft.methods.table import InputError, Table
from medgraft.methods.threads import one_thread

PULLS = np.append(10.0 ** np.arange(-2, 4.25, 0.5), np.inf)
FOLDS = 5
TURNS = 50


class CoxTransfer(BaseEstimator):
    r"""Fit the target's times to an event with coefficients that are pulled towards the sources'.

    Use it when the target has few events and other hospitals have followed similar patients. Not when hazards
    do not stay proportional over time, nor to compare hospitals: each has a baseline hazard of its own.

    The sources' coefficients minimise :math:`-\sum_s \log L_s(\beta) + \frac{\alpha}{2} \|\beta\|^2` with the
    partial likelihood :math:`L_s` of each source (ties by Efron), so that no risk set spans two hospitals;
    call them :math:`\beta_0`. At the target

    .. math:: \min_\beta -\log L_0(\beta) + \frac{\lambda}{2} \|\beta - \beta_0\|^2 .

    With :math:`r_j = e^{x_j^\top \beta}` the target's baseline is Breslow's :math:`H_0(t) =
    \sum_{t_i \le t} d_i / \sum_{j: t_j \ge t_i} r_j`, and :math:`S(t \mid x_j) = \exp(-H_0(t) r_j)`.

    Parameters
    ----------
    penalty : float, optional
        :math:`\lambda`; infinity keeps the sources' coefficients, 0 fits the target alone. Default: of 1e-2
        to 1e4 and infinity the one with the largest cross-validated partial likelihood at the target (the
        likelihood of all less that of the others, at the others' coefficients).
    source_penalty : float
        :math:`\alpha`.
    random_state : int
        Seed of the inner splits.

    Attributes
    ----------
    coef_, source_coef_ : arrays (p,)
        Log hazard ratios for one standard deviation, in encoded features.
    penalty_ : float
        The :math:`\lambda` used.
    times_, hazard_ : arrays
        Times of events and the cumulative baseline hazard there.
    encoder_ : TableEncoder
        How X becomes numbers; from the rows of all hospitals.
    note_ : str
        Says so when there was no source, or too few target events to choose by.

    Raises
    ------
    InputError
        Times that are not positive, events that are no truth values, several domains without a target, no
        event at all.

    Notes
    -----
    Cost O(n p^2) for each of a few Newton steps, penalties and folds. Without a target event the sources'
    coefficients and their baseline are kept. The baseline holds the times of the target's events, as every
    survival curve does. `groups` keeps a patient's rows in one fold.

    References
    ----------
    Cox 1972 (doi:10.1111/j.2517-6161.1972.tb00899.x); Efron 1977 (doi:10.1080/01621459.1977.10480613) for
    ties; Breslow 1974 (doi:10.2307/2529620) for the baseline.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(330, 2))
    >>> time = rng.exponential(np.exp(-X[:, 0]))
    >>> site = np.repeat(["a", "here"], [300, 30])
    >>> m = CoxTransfer().fit(X, time, np.ones(330, bool), domain=site, target="here")
    >>> concordance(time[300:], np.ones(30, bool), m.predict_risk(X[300:])) > 0.65
    True
    """

    def __init__(
        self, *, penalty: float | None = None, source_penalty: float = 1.0, random_state: int = 0
    ) -> None:
        self.penalty = penalty
        self.source_penalty = source_penalty
        self.random_state = random_state

    def fit(
        self,
        X: Any,
        time: ArrayLike,
        event: ArrayLike,
        *,
        domain: ArrayLike | None = None,
        target: str | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Fit on all hospitals' rows.

        Parameters
        ----------
        X : array or DataFrame (n, p)
            Numbers and words, NaN allowed.
        time : array (n,)
            Follow-up, above 0, in any unit.
        event : array (n,)
            Whether it ended by the event (true, 1) or was cut off (false, 0).
        domain, target, groups
            See `TransferEstimator.fit`.
        """
        if (self.penalty is not None and not self.penalty >= 0) or not self.source_penalty >= 0:
            raise InputError("penalty and source_penalty must not be negative.")
        table = Table.of(X)
        times, happened = follow_up(time, event)
        check_consistent_length(table.numbers, times, happened)
        names = np.full(len(times), "") if domain is None else np.asarray(domain).astype(str)
        check_consistent_length(times, names)
        if target is None and len(np.unique(names)) > 1:
            raise InputError("target must name the target domain when there are several.")
        here = names == (names[0] if target is None else str(target))
        if not happened.any():
            raise InputError("No event happened: give longer follow-up.")
        self.encoder_ = TableEncoder().fit(table)
        Z = self.encoder_.transform(table)
        keys = table.keys(times) if groups is None else np.empty(0, dtype=np.uint64)
        units = units_of(keys, groups=None if groups is None else np.asarray(groups))
        self.note_ = ""
        with one_thread():
            self._fit(Z, times, happened, names, here, units)
        return self

    def _fit(
        self,
        Z: Floats,
        time: Floats,
        event: NDArray[np.bool_],
        names: NDArray[Any],
        here: NDArray[np.bool_],
        units: NDArray[np.intp],
    ) -> None:
        strata = [
            Stratum(Z[names == s], time[names == s], event[names == s]) for s in np.unique(names[~here])
        ]
        zero = np.zeros(Z.shape[1])
        self.source_coef_ = newton(strata, zero, self.source_penalty) if strata else zero
        target = Stratum(Z[here], time[here], event[here])
        if not strata:
            self.note_ = "There is no source patient: nothing was transferred."
        self.penalty_ = np.inf if self.penalty is None else float(self.penalty)
        if not target.event.any():
            self.note_ = "The target has no event: the sources' coefficients and baseline were kept."
            self.coef_ = self.source_coef_
            self.times_, self.hazard_ = breslow(Stratum(Z, time, event), self.coef_)
            return
        if self.penalty is None:
            self.penalty_ = self._choose(target, units[here])
        self.coef_ = newton([target], self.source_coef_, self.penalty_)
        self.times_, self.hazard_ = breslow(target, self.coef_)

    def _choose(self, target: Stratum, units: NDArray[np.intp]) -> float:
        """The penalty of largest cross-validated partial likelihood; of equal ones the strongest."""
        own = np.unique(units, return_inverse=True)[1].reshape(-1)
        if len(np.unique(own[target.event])) < FOLDS:
            self.note_ = (
                "Fewer than five target patients have the event: the sources' coefficients were kept."
            )
            return float("inf")
        fold = inner_folds(own, k=FOLDS, seed=self.random_state, stratum=target.event.astype(np.intp))
        loss = np.zeros(len(PULLS))
        for f in range(FOLDS):
            others = target.take(fold != f)
            for j, lam in enumerate(PULLS):
                beta = newton([others], self.source_coef_, lam)
                loss[j] += target.loss(beta) - others.loss(beta)
        return float(PULLS[loss <= loss.min() + 1e-9 * abs(loss.min())].max())

    def predict_risk(self, X: Any) -> Floats:
        """Log hazard ratio (n,) against a patient of mean features; larger is sooner."""
        check_is_fitted(self)
        table = Table.of(X, self.encoder_.number_)
        return np.asarray(self.encoder_.transform(table) @ self.coef_)

    def predict_survival(self, X: Any, times: ArrayLike) -> Floats:
        """Chance (n, q) of no event up to each of `times` (q,)."""
        place = np.searchsorted(self.times_, np.asarray(times, dtype=float), side="right")
        hazard = np.r_[0.0, self.hazard_][place]
        return np.asarray(np.exp(-np.exp(self.predict_risk(X))[:, None] * hazard))


@dataclass(frozen=True)
class Stratum:
    """Patients who share a baseline hazard: encoded features (n, p), follow-up, whether the event came."""

    Z: Floats
    time: Floats
    event: NDArray[np.bool_]

    def take(self, rows: NDArray[np.bool_]) -> Stratum:
        """Some rows only."""
        return Stratum(self.Z[rows], self.time[rows], self.event[rows])

    def loss(self, beta: Floats) -> float:
        """Negative log partial likelihood."""
        return partial_likelihood(self.Z, self.time, self.event, beta)[0]


def objective(
    strata: list[Stratum], beta: Floats, centre: Floats, lam: float
) -> tuple[float, Floats, Floats]:
    """Penalised negative log partial likelihood, its gradient and its Hessian."""
    parts = [partial_likelihood(s.Z, s.time, s.event, beta) for s in strata if s.event.any()]
    away = beta - centre
    loss = sum((p[0] for p in parts), 0.5 * lam * float(away @ away))
    slope = sum((p[1] for p in parts), lam * away)
    curve = sum((p[2] for p in parts), lam * np.eye(len(beta)))
    return float(loss), np.asarray(slope), np.asarray(curve)


def newton(strata: list[Stratum], centre: Floats, lam: float) -> Floats:
    """Coefficients of least penalised loss, by Newton's method from the centre."""
    beta = centre.copy()
    if np.isinf(lam):
        return beta
    loss, slope, curve = objective(strata, beta, centre, lam)
    for _ in range(TURNS):
        ridge = 1e-10 * max(float(np.trace(curve)) / len(beta), 1e-10)
        step = np.linalg.solve(curve + ridge * np.eye(len(beta)), slope)
        size = 1.0
        while size > 1e-9:
            new = objective(strata, beta - size * step, centre, lam)
            if new[0] <= loss + 1e-12 * abs(loss):
                break
            size /= 2
        else:
            break
        beta = beta - size * step
        done = float(slope @ step) <= 1e-14 * (1.0 + abs(loss))
        loss, slope, curve = new
        if done:
            break
    return beta


def breslow(stratum: Stratum, beta: Floats) -> tuple[Floats, Floats]:
    """Times of events, and the cumulative hazard there of a patient whose features are all zero."""
    risk = np.exp(stratum.Z @ beta)
    order = np.argsort(-stratum.time, kind="stable")
    at_risk = np.cumsum(risk[order])
    times, events = np.unique(stratum.time[stratum.event], return_counts=True)
    last = np.searchsorted(-stratum.time[order], -times, side="right") - 1
    return times, np.cumsum(events / at_risk[last])


def concordance(time: ArrayLike, event: ArrayLike, risk: ArrayLike) -> float:
    """Share of comparable pairs in which the patient with the earlier event has the higher risk.

    A pair is comparable when one has the event before the other's time, or at the same time as the other was
    cut off (Harrell et al. 1982, doi:10.1001/jama.1982.03320430047030). Equal risks count one half; NaN
    without a comparable pair. Cost O(n) for each event.

    Examples
    --------
    >>> concordance([1, 2, 3], [True, True, False], [3.0, 1.0, 2.0])
    0.6666666666666666
    """
    times, happened = follow_up(time, event)
    r = np.asarray(risk, dtype=float)
    right = pairs = 0.0
    for i in np.flatnonzero(happened):
        later = (times > times[i]) | ((times == times[i]) & ~happened)
        pairs += later.sum()
        right += (r[later] < r[i]).sum() + 0.5 * (r[later] == r[i]).sum()
    return float(right / pairs) if pairs else float("nan")


def follow_up(time: ArrayLike, event: ArrayLike) -> tuple[Floats, NDArray[np.bool_]]:
    """Check times and events."""
    times, happened = np.asarray(time, dtype=float), np.asarray(event)
    if times.ndim != 1 or not np.isfinite(times).all() or not (times > 0).all():
        raise InputError("time must hold one number above 0 for each row.")
    if happened.shape != times.shape or not np.isin(happened, [0, 1]).all():
        raise InputError("event must hold true or false (1 or 0) for each row.")
    return times, happened.astype(bool)
