"""Ridge and logistic regression over several hospitals that share sums: Newton's method, exact."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from medgraft.methods.federated.base import FederatedMethod
from medgraft.methods.federated.messages import Federation
from medgraft.methods.federated.site import FOLDS
from medgraft.methods.learner import PENALTIES
from medgraft.methods.registry import method
from medgraft.methods.sites import Sited
from medgraft.methods.splits import Floats
from medgraft.methods.table import InputError

ROUNDS = 30
NOBODY = -1  # the fold that holds nobody out


@method(
    "federated-newton",
    family="federated",
    tasks=("binary", "regression"),
    needs=("source",),
    cost="O(rounds x (n p^2 + S p^3)), S sites",
    refs=("Wu et al. 2012, doi:10.1136/amiajnl-2012-000862 (logistic regression from sums)",),
)
class FederatedNewton(FederatedMethod):
    r"""Fit one linear or logistic model on all hospitals' patients without a row leaving its hospital.

    Use it where hospitals may share sums but no patients: it gives the model of the pooled rows, to the last
    digits that matter, as far as they may be shared (see `min_patients`). Not with more features than a few
    hundred (each round sends a p x p matrix a site), nor as a protection against someone who can ask a site
    for ever new sums.

    It minimises :math:`\sum_i w_i \ell(y_i, x_i^\top b + c + u_{s(i)}) + \frac{\lambda}{2} \|b\|^2 +
    \frac{\kappa}{2} \|u\|^2` with the logistic loss or half the squared error. Each round a site sends the
    gradient and the Hessian over its patients; the server adds them and makes Newton's step, halved while the
    loss rises. Means and standard deviations come from sums, too (`federated_encoder`).

    Parameters
    ----------
    task, random_state
        See `TransferEstimator`; the random state is that of each site's folds.
    estimator : None
        Must be None: the method has a model of its own.
    penalty : float, optional
        :math:`\lambda`. Default: the value of 1e-2 ... 1e4 with the least held-out loss, where each site
        holds out its own patients; all penalties and folds are asked for in the same rounds.
    centre_effects : float
        :math:`\kappa` in patients; 0 means that sites have no intercept of their own.
    min_patients : int
        Sites with fewer patients take no part; those with fewer labelled ones than five times this join the
        fit but hold nobody out, since the difference of two sums would be the sum over very few.

    Attributes
    ----------
    coef_, intercept_ : arrays
        Slopes and shared intercept, in encoded features.
    effects_ : dict of name to float
        Each site's :math:`u`; the target's is in the predictions.
    penalty_ : float
    rounds_, bytes_ : int
        Rounds of the last fit at the chosen penalty; bytes of all messages.
    log_ : list of dict
        Every message: round, site, direction, question, shapes, bytes.
    report_ : dict
        "rounds", "rounds in all", "bytes", "sites", "left out".
    note_ : str
        Names of sites that were too small, that nothing was shared, or that 30 rounds did not suffice.

    Raises
    ------
    InputError
        An `estimator` was given, or a negative setting, or no site is large enough.

    Notes
    -----
    Sums are not differentially private. Memory O(p^2) for each penalty and fold.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 3))
    >>> y = X @ [1.0, -1.0, 0.0] + rng.normal(size=300) > 0
    >>> site = np.repeat(["north", "south", "here"], 100)
    >>> m = FederatedNewton(penalty=1.0).fit(X, y, domain=site, target="here")
    >>> m.rounds_ <= 10, m.bytes_ > 0
    (True, True)
    """

    def __init__(
        self,
        *,
        task: str = "classification",
        estimator: None = None,
        random_state: int = 0,
        penalty: float | None = None,
        centre_effects: float = 0.0,
        min_patients: int = 5,
    ) -> None:
        super().__init__(task=task, estimator=estimator, random_state=random_state, min_patients=min_patients)
        self.penalty = penalty
        self.centre_effects = centre_effects

    def _transfer(self, sited: Sited) -> None:
        if (self.penalty is not None and not self.penalty >= 0) or not self.centre_effects >= 0:
            raise InputError("penalty and centre_effects must not be negative.")
        federation = self._join(sited)
        server = _Server(federation, self.encoder_.n_out_, self.centre_effects)
        self.penalty_ = server.tuned() if self.penalty is None else float(self.penalty)
        before = federation.rounds
        beta, own = (a[0] for a in server.fit(np.array([self.penalty_]), np.array([NOBODY])))
        self.rounds_ = federation.rounds - before
        if not server.settled:
            self._say(f"Newton's method was stopped after {ROUNDS} rounds, before it had settled.")
        effects = {s.name: float(u) for s, u in zip(federation.sites, own, strict=True)}
        here = effects.get(sited.names[0], 0.0) if sited.of_site(0).any() else 0.0
        sign = -1.0 if sited.rows.k and sited.classes[1] == 0 else 1.0  # as the caller numbers the classes
        self.effects_ = {name: sign * u for name, u in effects.items()}
        turned = beta.copy()
        turned[-1] += here
        self._finish(federation, sited, beta[None, :], turned[None, :])


class _Server:
    """Newton's method on several penalties and held-out folds at once; it sees sums only."""

    def __init__(self, federation: Federation, p: int, kappa: float) -> None:
        self.federation, self.p, self.kappa = federation, p, kappa
        self.names = np.array([s.name for s in federation.sites])
        self.settled = True  # whether every fit so far came to rest

    def tuned(self) -> float:
        """The penalty of least held-out loss; of equal ones the strongest."""
        penalties = np.asarray(PENALTIES, dtype=float)
        lam = np.repeat(penalties, FOLDS)
        out = np.tile(np.arange(FOLDS), len(penalties))
        beta, own = self.fit(lam, out)
        loss = self.federation.total("held_out", self._message(beta, own, out))["loss"]
        self.losses = loss.reshape(len(penalties), FOLDS)
        total = self.losses.sum(axis=1)
        if not total.any():  # no site has patients enough to hold some out
            return 1.0
        return float(penalties[total <= total.min() * (1.0 + 1e-9)].max())

    def _message(self, beta: Floats, own: Floats, out: NDArray[np.intp]) -> dict[str, NDArray[Any]]:
        more = {"own": own, "sites": self.names} if self.kappa else {}
        return {"beta": beta, "out": out, **more}

    def fit(self, lam: Floats, out: NDArray[np.intp]) -> tuple[Floats, Floats]:
        """Coefficients (M, p + 1) and site effects (M, S) for penalties (M,) and held-out folds (M,)."""
        m, q, s = len(lam), self.p + 1, len(self.names)
        theta = np.zeros((m, q + s))
        step = np.zeros_like(theta)
        penalty = np.zeros((m, q + s))
        penalty[:, : self.p] = lam[:, None]
        penalty[:, q:] = self.kappa or 1.0  # without effects their block is the identity, and they stay 0
        best = np.full(m, np.inf)
        size = np.ones(m)
        done = np.zeros(m, dtype=bool)
        for _ in range(ROUNDS):
            tried = theta - size[:, None] * step
            answers = self.federation.ask("slopes", self._message(tried[:, :q], tried[:, q:], out))
            loss = np.sum([a["loss"] for a in answers], axis=0) + 0.5 * (penalty * tried**2).sum(axis=1)
            good = loss <= best + 1e-12 * np.abs(best, where=np.isfinite(best), out=np.ones(m))
            moved = np.where(good[:, None], tried, theta)
            change = np.abs(size[:, None] * step).max(axis=1)
            done |= good & (change <= 1e-9 * (1.0 + np.abs(tried).max(axis=1))) & np.isfinite(best)
            gradient, hessian = self._joined(answers, penalty, tried)
            fresh = np.linalg.solve(hessian, gradient[:, :, None])[:, :, 0]
            step = np.where(good[:, None], fresh, step)
            size = np.where(good, 1.0, size / 2)
            best = np.where(good, loss, best)
            theta = moved
            if done.all():
                break
        self.settled &= bool(done.all())
        return theta[:, :q], theta[:, q:]

    def _joined(
        self, answers: list[dict[str, NDArray[Any]]], penalty: Floats, theta: Floats
    ) -> tuple[Floats, Floats]:
        m, q = len(theta), self.p + 1
        gradient = penalty * theta
        hessian = np.einsum("mi,ij->mij", penalty, np.eye(penalty.shape[1]))
        hessian[:, self.p, self.p] += 1e-10  # an intercept that nobody informs
        for k, a in enumerate(answers):
            gradient[:, :q] += a["gradient"]
            hessian[:, :q, :q] += a["hessian"]
            if self.kappa:  # a site's own intercept has the sums of the shared one, over its patients
                gradient[:, q + k] += a["gradient"][:, self.p]
                hessian[:, q + k, q + k] += a["hessian"][:, self.p, self.p]
                hessian[:, :q, q + k] += a["hessian"][:, :, self.p]
                hessian[:, q + k, :q] += a["hessian"][:, self.p, :]
        return gradient.reshape(m, -1), hessian
