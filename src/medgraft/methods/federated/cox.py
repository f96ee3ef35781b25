"""Cox regression over several hospitals that share sums: Newton's method, exact, one stratum a hospital."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from medgraft.methods.federated.messages import Federation, Message
from medgraft.methods.federated.scaling import federated_encoder
from medgraft.methods.federated.site import Site
from medgraft.methods.splits import Floats, Ints
from medgraft.methods.table import InputError, Table
from medgraft.methods.threads import one_thread

ROUNDS = 30


class CoxSite(Site):
    """A site that answers ``partial`` (its partial likelihood's sums), besides what a `Site` does.

    Parameters
    ----------
    name : str
    table : Table
    time : array (n,)
        Follow-up.
    event : array (n,) of bool
        Whether it ended by the event; else it was cut off.
    min_patients : int
        With fewer patients, or fewer with the event, it shares nothing.
    """

    def __init__(
        self, name: str, table: Table, time: Floats, event: NDArray[np.bool_], *, min_patients: int = 5
    ) -> None:
        n = len(time)
        super().__init__(
            name,
            table,
            time,
            np.ones(n),
            np.ones(n, bool),
            np.arange(n),
            classes=0,
            seed=0,
            min_patients=min_patients,
        )
        self._event = event
        self.events = int(event.sum())

    def _known(self) -> dict[str, Callable[[Message], dict[str, NDArray[Any]]]]:
        return {**super()._known(), "partial": self._partial}

    def _partial(self, message: Message) -> dict[str, NDArray[Any]]:
        Z, time, _ = self._rows()
        if self.events < self._min_patients:
            raise InputError(f"The site '{self.name}' has too few events: it shares no sums.")
        loss, score, information = partial_likelihood(Z[:, :-1], time, self._event, message["beta"])
        return {"loss": np.array([loss]), "score": score, "information": information}


def partial_likelihood(
    Z: Floats, time: Floats, event: NDArray[np.bool_], beta: Floats
) -> tuple[float, Floats, Floats]:
    r"""Negative log partial likelihood of one stratum, its gradient (p,) and Hessian (p, p), ties by Efron.

    With :math:`r_j = e^{z_j^\top \beta}`, the :math:`d` events at time t add
    :math:`\sum_{l=0}^{d-1} \log (\sum_{j: t_j \ge t} r_j - \frac{l}{d} \sum_{j \in D_t} r_j) -
    \sum_{j \in D_t} z_j^\top \beta`.

    Notes
    -----
    Cost O(n p^2 + n log n), memory O(n p). Where scores differ so much (by about 700) that a risk set weighs
    nothing, the loss is infinite and its slopes are zero: a step that leads there is refused.

    Examples
    --------
    >>> Z, time = np.array([[0.0], [1.0]]), np.array([1.0, 2.0])
    >>> loss, score, information = partial_likelihood(Z, time, np.array([True, False]), np.zeros(1))
    >>> round(loss, 6), score.tolist(), information.tolist()
    (0.693147, [0.5], [[0.25]])
    """
    order = np.lexsort([~event, -time])  # the longest first, and of equal ones the events first
    Z, time, event = Z[order], time[order], event[order]
    eta = Z @ beta
    eta = eta - (eta.max() if len(eta) else 0.0)
    risk = np.exp(eta)
    last = np.searchsorted(-time, -time[event], side="right") - 1  # the end of each event's risk set
    S0, S1 = np.cumsum(risk), np.cumsum(risk[:, None] * Z, axis=0)
    place, tie = np.unique(last, return_inverse=True)
    size = np.bincount(tie)
    D0 = np.bincount(tie, risk[event])
    D1 = np.zeros((len(place), Z.shape[1]))
    np.add.at(D1, tie, risk[event, None] * Z[event])
    share = _within(tie) / size[tie]
    total = S0[last] - share * D0[tie]
    if not (total > 0).all():
        return np.inf, np.zeros_like(beta), np.zeros((len(beta), len(beta)))
    mean = (S1[last] - share[:, None] * D1[tie]) / total[:, None]
    loss = float(np.log(total).sum() - eta[event].sum())
    score = mean.sum(axis=0) - Z[event].sum(axis=0)
    # Each row's part in the sums of squares: every term whose risk set holds it, less its own ties' share.
    part = np.cumsum(np.bincount(last, 1.0 / total, minlength=len(Z))[::-1])[::-1].copy()
    part[event] -= np.bincount(tie, share / total)[tie]
    return loss, score, (Z * (risk * part)[:, None]).T @ Z - mean.T @ mean


def _within(tie: Ints) -> Floats:
    """Number of each element among those of equal code: 0, 1, ..."""
    order = np.argsort(tie, kind="stable")
    starts = np.r_[0, np.cumsum(np.bincount(tie))[:-1]]
    number = np.empty(len(tie))
    number[order] = np.arange(len(tie)) - starts[tie[order]]
    return number


class FederatedCox(BaseEstimator):
    r"""Fit one Cox model on all hospitals' patients without a row leaving its hospital.

    Use it for times to an event where hospitals may share sums but no patients: it gives the fit stratified
    by hospital, to the last digits that matter. Not with more features than a few hundred, nor to compare
    hospitals: each has a baseline hazard of its own.

    It minimises :math:`-\sum_s \log L_s(\beta) + \frac{\lambda}{2} \|\beta\|^2` with the partial likelihood
    :math:`L_s` of each hospital's own patients (ties by Efron), so that no risk set spans two hospitals and
    no time is sent. Each round a site sends loss, gradient and Hessian; the server adds them and makes
    Newton's step, halved while the loss rises.

    Parameters
    ----------
    penalty : float
        :math:`\lambda`, on encoded features; 0 for the plain partial likelihood.
    min_patients : int
        Sites with fewer patients, or fewer with the event, take no part.

    Attributes
    ----------
    coef_ : array (p,)
        Log hazard ratios, for one standard deviation of a number.
    encoder_ : TableEncoder
        Made from sums.
    rounds_, bytes_ : int
        Rounds of Newton's method; bytes of all messages.
    log_ : list of dict
        Every message: round, site, direction, question, shapes, bytes.
    left_out_ : list of str
        Sites that were too small.
    note_ : str
        Says which sites were left out, or that 30 rounds did not suffice.

    Raises
    ------
    InputError
        Times that are no numbers, events that are not true or false, lengths that differ, a negative penalty,
        or no site with enough events.

    Notes
    -----
    Sums are not differentially private. Cost O(n p^2 + S p^3) a round, S sites. Source: Cox 1972,
    doi:10.1111/j.2517-6161.1972.tb00899.x; Efron 1977, doi:10.1080/01621459.1977.10480613.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 2))
    >>> time = rng.exponential(np.exp(-X[:, 0]))
    >>> site = np.repeat(["north", "south", "here"], 100)
    >>> m = FederatedCox().fit(X, time, np.ones(300, dtype=bool), domain=site)
    >>> m.coef_.round(1).tolist(), m.rounds_ <= 10
    ([1.0, -0.0], True)
    """

    def __init__(self, *, penalty: float = 1.0, min_patients: int = 5) -> None:
        self.penalty = penalty
        self.min_patients = min_patients

    def fit(self, X: Any, time: ArrayLike, event: ArrayLike, *, domain: Any = None) -> Self:
        """Fit on X (n, p), follow-up `time` (n,), `event` (n,) of true or false, and each row's hospital."""
        if not self.penalty >= 0:
            raise InputError("penalty must not be negative.")
        table, times, events, names = self._checked(X, time, event, domain)
        sites, self.left_out_ = [], []
        for name in np.unique(names):
            at = np.flatnonzero(names == name)
            one = CoxSite(str(name), table.take(at), times[at], events[at], min_patients=self.min_patients)
            if one.patients >= self.min_patients and one.events >= self.min_patients:
                sites.append(one)
            else:
                self.left_out_.append(str(name))
        if not sites:
            raise InputError(f"No site has {self.min_patients} patients with the event: lower min_patients.")
        self.note_ = f"Too few events, so left out: {', '.join(self.left_out_)}." if self.left_out_ else ""
        federation = Federation(sites)
        with one_thread():
            self.encoder_ = federated_encoder(federation, table)
            self.coef_ = self._newton(federation)
        self.log_, self.bytes_ = federation.log, federation.bytes
        return self

    def predict(self, X: Any) -> Floats:
        """Log hazard (n,) beside that of an average patient of the same hospital."""
        check_is_fitted(self)
        if hasattr(X, "columns"):
            validate_data(self, X, skip_check_array=True, reset=False)
        return np.asarray(self.encoder_.transform(Table.of(X, self.encoder_.number_)) @ self.coef_)

    def _checked(
        self, X: Any, time: ArrayLike, event: ArrayLike, domain: Any
    ) -> tuple[Table, Floats, NDArray[np.bool_], NDArray[Any]]:
        table = Table.of(X)
        validate_data(self, X if hasattr(X, "columns") else table.numbers, skip_check_array=True, reset=True)
        n = len(table)
        times, events = np.asarray(time), np.asarray(event)
        names = np.asarray([""] * n if domain is None else domain).astype(str)
        if not times.shape == events.shape == names.shape == (n,):
            raise InputError(f"time, event and domain must have one value for each of the {n} rows.")
        if times.dtype.kind not in "fiu" or not np.isfinite(times).all():
            raise InputError("time must hold finite numbers.")
        if events.dtype.kind not in "biuf" or not np.isin(events, (0, 1)).all():
            raise InputError("event must be true or false (or 1 or 0) for each row.")
        return table, times.astype(float), events.astype(bool), names

    def _newton(self, federation: Federation) -> Floats:
        p = self.encoder_.n_out_
        beta: Floats = np.zeros(p)
        step: Floats = np.zeros(p)
        best, size = np.inf, 1.0
        for self.rounds_ in range(1, ROUNDS + 1):
            tried = beta - size * step
            sums = federation.total("partial", {"beta": tried})
            loss = float(sums["loss"][0]) + 0.5 * self.penalty * float(tried @ tried)
            if not loss <= best + 1e-12 * abs(best):
                size /= 2
                continue
            moved = float(np.abs(tried - beta).max())
            if np.isfinite(best) and moved <= 1e-9 * (1.0 + float(np.abs(tried).max())):
                return tried
            beta, best, size = tried, loss, 1.0
            curve = sums["information"] + (self.penalty + 1e-10) * np.eye(p)  # a column that says nothing
            step = np.asarray(np.linalg.solve(curve, sums["score"] + self.penalty * beta), dtype=np.float64)
        self.note_ = f"{self.note_} Newton's method was stopped after {ROUNDS} rounds, unsettled.".strip()
        return beta
