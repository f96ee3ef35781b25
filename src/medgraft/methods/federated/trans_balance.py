"""Balance rare classes at each hospital, learn jointly from gradients, bend the rule to the target."""

from __future__ import annotations

import numpy as np
from scipy.special import logit

from medgraft.methods.federated.balanced_site import ONLY, BalancedSite
from medgraft.methods.federated.base import FederatedMethod
from medgraft.methods.federated.lasso import tuned
from medgraft.methods.federated.messages import Federation
from medgraft.methods.federated.proximal import COMPARED, ENDED, NOBODY, Proximal
from medgraft.methods.federated.site import FOLDS
from medgraft.methods.model.lasso import SHARES
from medgraft.methods.registry import method
from medgraft.methods.sites import Sited
from medgraft.methods.splits import Floats
from medgraft.methods.table import InputError


@method(
    "trans-balance",
    family="federated",
    tasks=("binary",),
    needs=("source", "target-labels"),
    cost="O(R n p S), R rounds, S sites",
    refs=(
        "Hong et al. 2024, doi:10.1016/j.jbi.2023.104532",
        "Menardi and Torelli 2014, doi:10.1007/s10618-012-0295-5",
        "Tian and Feng 2023, doi:10.1080/01621459.2022.2071278",
    ),
)
class TransBalance(FederatedMethod):
    r"""Balance a rare outcome at each hospital, learn a sparse rule from gradients, correct it at the target.

    Use it where the outcome is rare, hospitals may share sums but no patients, and the target is a small or
    neglected group. Not for common outcomes (``federated-newton``, ``federated-lasso``), nor for more than
    two classes.

    Each site draws as many rows of each class around its patients (`Rose`). Then, from sums of gradients,
    and on the target's drawn rows alone,

    .. math::
        \hat w = \arg\min_w \frac{1}{n_A} \sum_{i \in A \cup 0} \ell(y_i, x_i^\top w) + \lambda_w \|w\|_1,
        \quad \hat \delta = \arg\min_\delta \frac{1}{n_0} \sum_{i \in 0} \ell(y_i, x_i^\top (\hat w + \delta))
        + \lambda_\delta \|\delta\|_1

    with :math:`\ell` the negative log-likelihood. The model is :math:`\hat w + \hat \delta`, its intercept
    moved by :math:`\mathrm{logit}\,\pi - \mathrm{logit}\,\pi_d` from the share of the class among the drawn
    rows to that among the target's patients. A source joins :math:`A` if the target's held-out loss with it
    is at most :math:`L_0 + C_0 \max(\mathrm{sd}(L_0), 0.01)`, :math:`L_0` being that of the target alone.

    Parameters
    ----------
    task : str
        ``"classification"`` or ``"binary"``.
    random_state : int
        Seed of the draws and of each site's folds.
    estimator : None
        Must be None: the method has a model of its own.
    detect : bool
        Whether to drop sources that harm.
    tolerance : float
        :math:`C_0`: how many standard deviations of loss a source may cost.
    shrink : float
        Widths of the draws in units of the normal rule; see `Rose`.
    min_patients : int
        Sites with fewer patients take no part; those with fewer labelled ones than five times this hold
        nobody out, so that a target with fewer detects nothing, and corrects a :math:`\hat w` that has seen
        the patients by whom :math:`\lambda_\delta` is chosen.

    Attributes
    ----------
    coef_, intercept_ : arrays
        Slopes and intercept at the target, in encoded features.
    pooled_coef_, correction_ : arrays (1, p + 1)
        :math:`\hat w` and :math:`\hat \delta`, the intercept last.
    prevalence_ : float
        :math:`\pi`, of the second of ``classes_``.
    kept_ : list of str
        Sources that took part.
    losses_ : dict of name to float
        Held-out loss of the target with each source; empty without detection.
    target_loss_, threshold_ : float
        :math:`L_0` and what a source may reach; NaN without detection.
    penalty_ : float
        :math:`\lambda_w`.
    rounds_, bytes_, log_, report_, note_
        See `FederatedLasso`; ``note_`` also says where detection or correction was left out.

    Raises
    ------
    InputError
        An `estimator` was given, more than two classes, a negative setting, or no site is large enough.

    Notes
    -----
    The paper's own code is not public; this is built from its named parts. Penalties and sources are chosen
    on real held-out patients whose classes weigh the same, never on drawn rows, in five folds.
    :math:`\lambda_\delta` is a share, the same for all folds, of the penalty at which no feature enters; a
    held-out patient has taught neither :math:`\hat\delta` nor, where the target may hold patients out (see
    `min_patients`), the :math:`\hat w` that it is judged with.
    A site with one class is not balanced. Where the target has fewer than two patients of a class, all
    sources are kept and nothing is corrected; where it has none of a class, :math:`\pi` is the share among
    all sites that take part. The shift of the intercept is exact where patients of a class are alike under
    both shares.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(600, 4))
    >>> y = X[:, 0] + 0.5 * rng.logistic(size=600) > 1.6  # one in ten
    >>> site = np.repeat(["north", "south", "here"], 200)
    >>> m = TransBalance().fit(X, y, domain=site, target="here")
    >>> m.kept_, bool(abs(m.predict_proba(X)[:, 1].mean() - y.mean()) < 0.05)
    (['north', 'south'], True)
    """

    site = BalancedSite

    def __init__(
        self,
        *,
        task: str = "classification",
        estimator: None = None,
        random_state: int = 0,
        detect: bool = True,
        tolerance: float = 2.0,
        shrink: float = 1.0,
        min_patients: int = 5,
    ) -> None:
        super().__init__(task=task, estimator=estimator, random_state=random_state, min_patients=min_patients)
        self.detect = detect
        self.tolerance = tolerance
        self.shrink = shrink

    def _transfer(self, sited: Sited) -> None:
        if not min(self.tolerance, self.shrink) >= 0:
            raise InputError("tolerance and shrink must not be negative.")
        federation = self._join(sited)
        self._units(federation, sited)
        here = sited.names[:1] if sited.of_site(0).any() else []
        at = [i for i, s in enumerate(federation.sites) if s.name in here and s.enough]
        for i in at:
            federation.sites[i].here = True
        real = np.stack([a["real"] for a in federation.ask("classes", {})])
        server = Proximal(federation, self.encoder_.n_out_, 2)
        take = (real.sum(axis=1) > 0).astype(float)
        self.losses_: dict[str, float] = {}
        self.target_loss_ = self.threshold_ = float("nan")
        if self.detect and at:
            take = self._detect(federation, server, at[0], take)
        kept = (s.name for s, t in zip(federation.sites, take, strict=True) if t)
        self.kept_ = sorted(name for name in kept if name not in here)
        self.penalty_, start = tuned(federation, server, take)
        without = self._without(server, take, start) if at else np.empty(0)
        seed, shrink = np.array([self.random_state]), np.array([self.shrink])
        drawn = np.stack([a["drawn"] for a in federation.ask("balance", {"seed": seed, "shrink": shrink})])
        before = federation.rounds
        final = Proximal(federation, self.encoder_.n_out_, 2)
        lam, nobody = np.array([self.penalty_]), np.array([NOBODY])
        pooled = final.fit(lam, nobody, take=take[None, :], start=start)[0]
        self.rounds_ = federation.rounds - before
        for stage, sentence in ((server, COMPARED), (final, ENDED)):
            if not stage.settled:
                self._say(sentence)
        delta, last = np.zeros_like(pooled), take @ drawn
        if at:
            delta, last = federation.sites[at[0]].correction(pooled, without, self.random_state), drawn[at[0]]
        else:
            self._say("The target has too few labels to choose or correct by: all sites were pooled.")
        own = [r for r, s in zip(real, federation.sites, strict=True) if s.name in here and r.all()]
        self._keep(federation, sited, pooled, delta, ((own or [take @ real])[0], last))

    def _without(self, server: Proximal, take: Floats, start: Floats | None) -> Floats:
        """Joint coefficients (folds, 1, p + 1) that each fold of the target's patients has not taught."""
        lam, everywhere = np.full(FOLDS, self.penalty_), np.tile(take, (FOLDS, 1))
        first = None if start is None else np.repeat(start, FOLDS, axis=0)
        return server.fit(lam, ONLY + np.arange(FOLDS), take=everywhere, start=first, rough=True)

    def _keep(
        self,
        federation: Federation,
        sited: Sited,
        pooled: Floats,
        delta: Floats,
        counts: tuple[Floats, Floats],
    ) -> None:
        beta = pooled + delta
        pi, pi_drawn = (float(c[1] / c.sum()) for c in counts)
        if 0 < pi < 1 and 0 < pi_drawn < 1:
            beta[:, -1] += logit(pi) - logit(pi_drawn)
        self.prevalence_ = pi if sited.classes[1] == 1 else 1.0 - pi
        learners = [sited.learner(b) for b in (pooled, delta)]
        self.pooled_coef_, self.correction_ = (np.column_stack([m.coef_, m.intercept_]) for m in learners)
        self._finish(federation, sited, beta, beta)

    def _detect(self, federation: Federation, server: Proximal, at: int, take: Floats) -> Floats:
        """Ones (S,) for the target and the sources that do not harm it."""
        others = [i for i in np.flatnonzero(take) if i != at]
        sets = np.zeros((1 + len(others), len(take)))
        sets[:, at] = 1.0
        sets[np.arange(1, len(sets)), others] = 1.0
        L = len(SHARES)
        lam = np.repeat((server.largest(sets)[:, None] * SHARES).ravel(), FOLDS)
        out = ONLY + np.tile(np.arange(FOLDS), len(sets) * L)
        rows = np.repeat(sets, L * FOLDS, axis=0)
        beta = server.fit(lam, out, take=rows, rough=True)
        held = federation.ask("held_out", {"beta": beta, "out": out})[at]
        if not held["weight"].any():
            self._say("The target has too few labelled patients to hold some out: all sources were kept.")
            return take
        loss, weight = (held[name].reshape(len(sets), L, FOLDS) for name in ("loss", "weight"))
        mean = loss.sum(axis=2) / weight.sum(axis=2)
        best = int(np.flatnonzero(mean[0] <= mean[0].min() * (1.0 + 1e-9))[0])
        self.target_loss_ = float(mean[0, best])
        spread = float((loss[0, best] / weight[0, best]).std(ddof=1))
        self.threshold_ = self.target_loss_ + self.tolerance * max(spread, 0.01)
        least = mean[1:].min(axis=1)
        self.losses_ = {federation.sites[i].name: float(v) for i, v in zip(others, least, strict=True)}
        return np.asarray(sets[0] + (sets[1:] - sets[0])[least <= self.threshold_].sum(axis=0))
