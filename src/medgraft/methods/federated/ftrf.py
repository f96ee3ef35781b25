"""Forests shipped once by other hospitals, joined at the target by weights that depend on the patient."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from medgraft.methods.federated.federated_forest import ForestMethod
from medgraft.methods.federated.forest_site import SideBySide
from medgraft.methods.federated.messages import Federation
from medgraft.methods.model.simplex import simplex_weights
from medgraft.methods.model.stacked import Stacked, full, leaf_means, outer
from medgraft.methods.model.trees import Growth, first_trees, recoded, together
from medgraft.methods.registry import method
from medgraft.methods.sites import Sited, fewest_patients
from medgraft.methods.splits import Floats, Ints, inner_folds, number_again
from medgraft.methods.trees import Trees

PULLS = (np.inf, 1.0, 0.1)
FOLDS = 5
FEWEST = 10  # labelled target patients by which weights can be learned


@method(
    "ftrf",
    family="federated",
    needs=("source", "target-labels"),
    cost="O(6 T n p log n + n S^3), T trees, S sites",
    refs=("Xiang et al. 2024, doi:10.1016/j.csda.2024.107975",),
)
class FTRF(ForestMethod):
    r"""Weigh forests of other hospitals and the target's own for each patient, or keep the target's alone.

    Use it with some dozens of labelled target patients and other hospitals that can send a fitted forest, but
    no patients and no second message. Not with fewer than ten labelled target patients: then the forests are
    only averaged by their numbers of patients, and ``note_`` says so.

    The target has its own forest :math:`f_0`; on its patients i, :math:`p_{ik} = f_k(x_i)`, and
    :math:`p_{i0}` is the prediction by trees that never saw the patient. The leaves of :math:`f_0` say how
    alike two patients are, :math:`\alpha_i(x) = \frac{1}{T} \sum_t w_i [\ell_t(x_i) = \ell_t(x)] /
    \sum_j w_j [\ell_t(x_j) = \ell_t(x)]`, and the prediction for x is :math:`\sum_k w_k(x) f_k(x)` with

    .. math:: w(x) = \arg\min_{w \ge 0, \sum w = 1} \sum_i \Big(\alpha_i(x) + \kappa \frac{w_i}{\sum_j w_j}
        \Big) \Big\| y_i - \sum_k w_k p_{ik} \Big\|^2

    (for classes y and p are vectors of indicators and chances). On five splits of the target's patients, the
    forest and the weights fitted anew in each, :math:`\kappa` is chosen from infinity (the same weights for
    all), 1 and 0.1. If even the best of these had a larger held-out error than the target's forest alone, the
    target's forest alone is kept: so the method is worse than no transfer only by the error of this
    comparison, which is ``gain_error_``.

    Parameters
    ----------
    task, random_state
        See `TransferEstimator`.
    estimator : None
        Must be None: the method has a model of its own.
    trees : int
        T, for each site.
    leaf : int
        Fewest patients in a leaf, so that no number of a shipped forest is about fewer.
    min_patients : int
        Sites with fewer labelled patients send nothing.

    Attributes
    ----------
    transferred_ : bool
        Whether other sites' forests are in the model.
    pull_ : float
        The chosen :math:`\kappa`; NaN where nothing was chosen.
    gain_, gain_error_ : float
        How much smaller the held-out squared error (Brier score) was than that of the target's forest alone,
        and its standard error over patients; NaN where nothing was compared.
    sites_ : dict of name to dict
        "weight" (mean over the target's labelled patients) and "loss" (squared error there) of each forest:
        which sites are like the target.
    rounds_, bytes_ : int
        One round; bytes of all messages.
    log_ : list of dict
        Every message: round, site, direction, question, shapes, bytes.
    report_ : dict
        "rounds", "bytes", "sites" (whose trees are in the model), "left out".
    note_ : str
        Small sites, too few target labels, or that the target's forest alone was kept.

    Raises
    ------
    InputError
        An `estimator` was given, a setting below one, or every site is too small.

    Notes
    -----
    The paper's abstract says what the weights use (the other sites' predictions and the variables); the form
    above is ours. Only leaf means of products of residuals are kept, no patient's. Memory O(nodes (S + 1)^2).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(340, 2))
    >>> y = X[:, 0] + np.where(np.arange(340) < 150, 5 * X[:, 1], 0)  # "odd" has another rule
    >>> site = np.repeat(["odd", "like", "here"], [150, 150, 40])
    >>> m = FTRF(task="regression", trees=50).fit(X, y, domain=site, target="here")
    >>> max(m.sites_, key=lambda s: m.sites_[s]["weight"])
    'like'
    """

    def _transfer(self, sited: Sited) -> None:
        sites = self._sites(sited)
        sites.pop(0, None)
        federation = Federation(list(sites.values()))
        shipped = self._ask(federation, sited, trees=self.trees) if sites else []
        names = [s.name for s in federation.sites if s.labelled_patients]
        rows, here = sited.rows, sited.of_site(0)
        self.transferred_ = bool(shipped)
        self.sites_: dict[str, dict[str, float]] = {}
        self.pull_ = self.gain_ = self.gain_error_ = float("nan")
        parts = [(e, t) for e, t, _ in shipped]
        counts = [n for _, _, n in shipped]
        if here.any():
            own = rows.encoder(rows.target)
            target = self._target(sited, own.transform(rows.table.take(here)))
            fit = target.fit()
            names = [sited.names[0], *names]
            parts, counts = [(own, fit.forest), *parts], [int(target.units.max()) + 1, *counts]
        self.encoder_ = SideBySide([e for e, _ in parts])
        if shipped and (not here.any() or counts[0] < FEWEST or target.rarest < 2):
            self._say("Too few target patients have a label to weigh by: the forests were averaged.")
            dealt = [max(1, round(self.trees * n / sum(counts))) for n in counts]
            some = [first_trees(t, n) for (_, t), n in zip(parts, dealt, strict=True)]
            self.learner_ = recoded(together(some, self.encoder_.offsets), sited.classes)
        elif shipped:
            forests = [together([t], [o]) for (_, t), o in zip(parts, self.encoder_.offsets, strict=True)]
            Z = self.encoder_.transform(rows.table.take(here))
            self._weigh(replace(target, given=[f.predict_values(Z) for f in forests[1:]]), forests, names, Z)
            self.learner_.forests = [recoded(f, sited.classes) for f in forests]
        if not self.transferred_:
            self.encoder_, self.learner_, names = own, recoded(fit.forest, sited.classes), names[:1]
        self._report(federation, names)

    def _target(self, sited: Sited, Z: Floats) -> Target:
        rows, here = sited.rows, sited.of_site(0)
        y, units = rows.y[here], number_again(rows.units[here])
        aim = np.eye(rows.k)[y.astype(np.intp)] if rows.k else y[:, None]
        growth = Growth(rows.k, self.trees, self.leaf, self.random_state)
        return Target(Z, y, aim, rows.weight[here], units, [], growth)

    def _weigh(self, target: Target, forests: list[Trees], names: list[str], Z: Floats) -> None:
        """Choose how much the weights may differ, or that the target's forest is best alone."""
        losses = target.held_out(self.random_state)
        total = losses.sum(axis=0)
        best = 1 + int(np.argmin(total[1:]))
        weight = target.w.sum()
        won = np.bincount(target.units, losses[:, 0] - losses[:, best])
        self.gain_ = float(won.sum() / weight)
        self.gain_error_ = float(np.sqrt(len(won) * won.var(ddof=1)) / weight)
        self.transferred_ = bool(total[best] <= total[0])
        fit = target.fit()
        self.learner_ = Stacked(forests, fit.kernel, fit.shared, PULLS[best - 1])
        share = target.w @ self.learner_.weights(Z) / weight
        loss = target.w @ (fit.rest**2).sum(axis=2) / weight
        self.sites_ = {
            s: {"weight": float(a), "loss": float(b)} for s, a, b in zip(names, share, loss, strict=True)
        }
        if self.transferred_:
            self.pull_ = PULLS[best - 1]
        else:
            self._say("On held-out patients no mixture beat the target's own forest: it was kept alone.")


@dataclass(frozen=True)
class Fit:
    """A forest of the target, the residuals (n, m, c) of all forests, and what their weights need."""

    forest: Trees
    rest: Floats
    kernel: Trees
    shared: Floats


@dataclass(frozen=True)
class Target:
    """The target's labelled patients, and what the shipped forests say of them.

    Parameters
    ----------
    Z : array (n, p)
        Encoded features of the target's own forest.
    y : array (n,)
    aim : array (n, c)
        Indicators of the classes, or the values.
    w : array (n,)
    units : array (n,) of int
        Patients, 0 to U-1.
    given : list of array (n, c)
        Predictions of each shipped forest.
    growth : Growth
    """

    Z: Floats
    y: NDArray[np.float64] | Ints
    aim: Floats
    w: Floats
    units: Ints
    given: list[Floats]
    growth: Growth

    @property
    def rarest(self) -> int:
        """Patients of the rarest class; for values all of them."""
        if self.growth.k:
            return fewest_patients(self.y.astype(np.intp), self.units)
        return len(np.unique(self.units))

    def take(self, rows: NDArray[np.bool_]) -> Target:
        """Some rows only."""
        given = [g[rows] for g in self.given]
        return replace(
            self,
            Z=self.Z[rows],
            y=self.y[rows],
            aim=self.aim[rows],
            w=self.w[rows],
            units=number_again(self.units[rows]),
            given=given,
        )

    def fit(self) -> Fit:
        """Grow the target's forest and put the products of residuals into its leaves."""
        forest, left_out = self.growth.forest(self.Z, self.y, self.w, self.units)
        rest = np.stack([left_out, *self.given], axis=1) - self.aim[:, None]
        value = outer(rest)
        kernel = leaf_means(forest, self.Z, value, self.w)
        return Fit(forest, rest, kernel, self.w @ value / self.w.sum())

    def held_out(self, seed: int) -> Floats:
        """Weighted squared errors (n, 1 + pulls) of held-out rows: the forest alone, then each mixture."""
        stratum = self.y.astype(np.intp) if self.growth.k else None
        fold = inner_folds(self.units, k=FOLDS, seed=seed, stratum=stratum, weight=self.w)
        out = np.zeros((len(self.y), 1 + len(PULLS)))
        for f in np.unique(fold):
            test = fold == f
            fit = self.take(~test).fit()
            own = fit.forest.predict_values(self.Z[test])
            rest = np.stack([own, *(g[test] for g in self.given)], axis=1) - self.aim[test, None]
            local = fit.kernel.predict_values(self.Z[test])
            out[test, 0] = (rest[:, 0] ** 2).sum(axis=1)
            for j, pull in enumerate(PULLS, start=1):
                upper = np.tile(fit.shared, (len(local), 1)) if np.isinf(pull) else local + pull * fit.shared
                w = simplex_weights(full(upper, rest.shape[1]))
                out[test, j] = (np.einsum("nm,nmc->nc", w, rest) ** 2).sum(axis=1)
        return np.asarray(out * self.w[:, None])
