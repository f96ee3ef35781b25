"""L1-penalised linear, logistic and softmax regression over hospitals that share gradients."""

from __future__ import annotations

import numpy as np

from medgraft.methods.federated.base import FederatedMethod
from medgraft.methods.federated.messages import Federation
from medgraft.methods.federated.proximal import COMPARED, ENDED, NOBODY, Proximal
from medgraft.methods.federated.site import FOLDS
from medgraft.methods.model.lasso import SHARES
from medgraft.methods.registry import method
from medgraft.methods.sites import Sited
from medgraft.methods.splits import Floats
from medgraft.methods.table import InputError


@method(
    "federated-lasso",
    family="federated",
    needs=("source",),
    cost="O(R n p), R rounds",
    refs=(
        "Beck and Teboulle 2009, doi:10.1137/080716542",
        "O'Donoghue and Candes 2015, doi:10.1007/s10208-013-9150-3",
    ),
)
class FederatedLasso(FederatedMethod):
    r"""Fit one sparse model on all hospitals' patients from sums of gradients, no row leaving its hospital.

    Use it where hospitals may share sums but no patients, and few of the features matter. Not where rounds
    are dear and features few: ``federated-newton`` needs ten rounds, this some hundreds. Not as a protection
    against someone who can ask a site for ever new sums.

    It minimises :math:`\sum_i w_i \ell(y_i, B x_i + c) / \sum_i w_i + \lambda \|B\|_1` with the negative
    log-likelihood or half the squared error. With the step :math:`\eta` of one over the curvature's bound,

    .. math:: B \leftarrow S_{\eta\lambda}\Big(\tilde B - \eta \sum_s g_s(\tilde B) \big/ \sum_i w_i\Big),
        \quad S_a(b) = \mathrm{sign}(b) \max(|b| - a, 0)

    where each site sends the sum of gradients :math:`g_s` over its patients at the server's point
    :math:`\tilde B` (Nesterov's, restarted), and once the products of its features, for the bound.

    Parameters
    ----------
    task, random_state
        See `TransferEstimator`; the random state is that of each site's folds.
    estimator : None
        Must be None: the method has a model of its own.
    penalty : float, optional
        :math:`\lambda`, for classes per nat, for values in their own unit. Default: the value with the least
        held-out loss among 13, from the smallest that admits no feature to a thousandth of it; each site
        holds out its own patients, and all penalties and folds go in the same rounds.
    min_patients : int
        Sites with fewer patients take no part; those with fewer labelled ones than five times this join the
        fit but hold nobody out.

    Attributes
    ----------
    coef_, intercept_ : arrays
        Slopes and intercept, in encoded features.
    penalty_ : float
    rounds_, bytes_ : int
        Rounds of the last fit at the chosen penalty; bytes of all messages.
    log_ : list of dict
        Every message: round, site, direction, question, shapes, bytes.
    report_ : dict
        "rounds", "rounds in all", "bytes", "sites", "left out".
    note_ : str
        Names of sites that were too small, that nothing was shared, or that the rounds did not suffice.

    Raises
    ------
    InputError
        An `estimator` was given, or a negative penalty, or no site is large enough.

    Notes
    -----
    It stops when no entry of the proximal gradient exceeds 1e-8 (1e-5 while penalties are compared). Each
    site sends p^2 numbers once, then m p a round for each model (m scores). Where no site can hold patients
    out, the penalty is half of the smallest that admits no feature. Sums are not differentially private.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 6))
    >>> y = X @ [1.0, -1.0, 0.0, 0.0, 0.0, 0.0] + rng.normal(size=300) > 0
    >>> site = np.repeat(["north", "south", "here"], 100)
    >>> m = FederatedLasso(penalty=0.1).fit(X, y, domain=site, target="here")
    >>> (m.coef_[0] != 0).tolist()
    [True, True, False, False, False, False]
    """

    def __init__(
        self,
        *,
        task: str = "classification",
        estimator: None = None,
        random_state: int = 0,
        penalty: float | None = None,
        min_patients: int = 5,
    ) -> None:
        super().__init__(task=task, estimator=estimator, random_state=random_state, min_patients=min_patients)
        self.penalty = penalty

    def _transfer(self, sited: Sited) -> None:
        if self.penalty is not None and not self.penalty >= 0:
            raise InputError("penalty must not be negative.")
        federation = self._join(sited)
        self._units(federation, sited)
        server = Proximal(federation, self.encoder_.n_out_, sited.rows.k)
        if self.penalty is None:
            lam, start = tuned(federation, server)
        else:
            lam, start = float(self.penalty) / self._scale, None
        self.penalty_ = lam * self._scale
        if not server.settled:
            self._say(COMPARED)
            server.settled = True
        before = federation.rounds
        beta = server.fit(np.array([lam]), np.array([NOBODY]), start=start)[0]
        self.rounds_ = federation.rounds - before
        if not server.settled:
            self._say(ENDED)
        shared = self._shared(beta)
        self._finish(federation, sited, shared, shared)


def tuned(
    federation: Federation, server: Proximal, take: Floats | None = None
) -> tuple[float, Floats | None]:
    """Choose the penalty of least held-out loss (of equal ones the strongest); also a start (1, m, p + 1).

    `take` (S,) holds ones for the sites that learn and judge; default all.
    """
    sites = np.ones(len(federation.sites)) if take is None else take
    lams = SHARES * server.largest(sites[None, :])[0]
    out = np.tile(np.arange(FOLDS), len(lams))
    everywhere = np.tile(sites, (len(out), 1))
    beta = server.fit(np.repeat(lams, FOLDS), out, take=everywhere, rough=True)
    answers = federation.ask("held_out", {"beta": beta, "out": out})
    loss = np.sum([t * a["loss"] for t, a in zip(sites, answers, strict=True)], axis=0)
    loss = loss.reshape(len(lams), FOLDS).sum(axis=1)
    if not loss.any():  # no site has patients enough to hold some out
        return 0.5 * float(lams[0]), None
    best = int(np.flatnonzero(loss <= loss.min() * (1.0 + 1e-9))[0])
    return float(lams[best]), beta[FOLDS * best :][:FOLDS].mean(axis=0, keepdims=True)
