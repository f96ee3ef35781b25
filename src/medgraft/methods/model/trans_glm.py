"""Pool the target with the sources that help it, then correct the pooled rule on the target alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medgraft.methods.model.lasso import L1Problem, Path, fit_l1, held_out
from medgraft.methods.registry import method
from medgraft.methods.rows import Mask
from medgraft.methods.sites import Sited, SiteMethod, fewest_patients
from medgraft.methods.splits import Floats, Ints, inner_folds, number_again
from medgraft.methods.table import InputError


@dataclass(frozen=True)
class TwoStep:
    """Encoded rows of a fit, and the two steps of the oracle algorithm on them.

    Parameters
    ----------
    sited : Sited
    Z : array (n, p)
        Encoded features.
    y : array (n,)
        Class codes, or values centred and divided by their standard deviation.
    seed : int
        Seed of the inner splits.
    """

    sited: Sited
    Z: Floats
    y: Floats | Ints
    seed: int

    def problem(self, where: Mask, offset: Floats | None = None) -> L1Problem:
        """The penalised regression on some rows."""
        return L1Problem(self.Z[where], self.y[where], self.sited.rows.k, offset)

    def folds(self, where: Mask, k: int) -> Ints:
        """Folds of whole patients among some rows, stratified by class."""
        rows = self.sited.rows
        stratum = rows.y[where] if rows.k else None
        units, weight = number_again(rows.units[where]), rows.weight[where]
        return inner_folds(units, k=k, seed=self.seed, stratum=stratum, weight=weight)

    def enough(self, where: Mask) -> bool:
        """Whether there is something to choose a penalty by."""
        rows = self.sited.rows
        if rows.k:
            return fewest_patients(rows.y[where], rows.units[where]) > 1
        return len(np.unique(rows.units[where])) > 2 and bool(np.ptp(rows.y[where]) > 0)

    def tuned(self, where: Mask, offset: Floats | None = None) -> Floats:
        """Coefficients (m, p + 1) at the penalty of least held-out loss (five folds)."""
        problem, w = self.problem(where, offset), self.sited.rows.weight[where]
        path = held_out(problem, w, self.folds(where, 5))
        return fit_l1(problem, w, float(path.lams[path.best]))

    def first(self, where: Mask) -> Floats:
        """Coefficients of the pooled rows; a strong penalty where there is nothing to choose by."""
        if self.enough(where):
            return self.tuned(where)
        problem, w = self.problem(where), self.sited.rows.weight[where]
        return fit_l1(problem, w, 0.5 * problem.largest(w))

    def correction(self, where: Mask, w_hat: Floats) -> Floats:
        """What the pooled coefficients miss on the target's rows (m, p + 1); zero if they are too few."""
        if not self.enough(where):
            return np.zeros_like(w_hat)
        return self.tuned(where, self.problem(where).scores(w_hat))

    def detection(self, where: Mask, target: Mask, folds: int = 3) -> Path:
        """Held-out target losses of the fit on rows `where`, sources of which are always in training."""
        fold = np.full(len(self.Z), -1)
        fold[target] = self.folds(target, folds)
        return held_out(self.problem(where), self.sited.rows.weight[where], fold[where])


@method(
    "trans-glm",
    family="model",
    needs=("source", "target-labels"),
    cost="O(n p S), S sources",
    refs=(
        "Tian and Feng 2023, doi:10.1080/01621459.2022.2071278",
        "Li, Cai and Li 2022, doi:10.1111/rssb.12479",
    ),
)
class TransGLM(SiteMethod):
    r"""Pool the target with the sources that do not harm it, then bend the rule to the target sparsely.

    Use it with several source sites of which some may mislead, and with many features of which few matter
    (omics, long laboratory panels). Not when every feature differs a little between the sites: a sparse
    correction cannot say that (``l2sp`` can).

    Transfer, on the target and the kept sources :math:`A`, then debias, on the target alone:

    .. math::
        \hat w = \arg\min_w \frac{1}{n_A} \sum_{i \in A \cup 0} \ell(y_i, x_i^\top w) + \lambda_w \|w\|_1,
        \quad \hat \delta = \arg\min_\delta \frac{1}{n_0} \sum_{i \in 0} \ell(y_i, x_i^\top (\hat w + \delta))
        + \lambda_\delta \|\delta\|_1, \quad \hat \beta = \hat w + \hat \delta

    with :math:`\ell` half the squared error or the negative log-likelihood. Source k is kept if the held-out
    target loss of a fit on the target and k, :math:`L_k`, is at most
    :math:`L_0 + C_0 \max(\mathrm{sd}(L_0), 0.01)`, where :math:`L_0` comes from the target alone; three folds
    of the target's patients, values in standard deviations.

    Parameters
    ----------
    task, random_state
        See `TransferEstimator`.
    estimator : None
        Must be None: the method is about coefficients of a linear model.
    detect : bool
        Whether to drop sources that harm; false keeps all of them (the oracle algorithm).
    tolerance : float
        :math:`C_0`: how many standard deviations of loss a source may cost.

    Attributes
    ----------
    kept_ : list of str
        Sources used.
    losses_ : dict of name to float
        :math:`L_k`; empty without detection.
    target_loss_, threshold_ : float
        :math:`L_0`, and the loss up to which a source is kept.
    pooled_coef_, correction_ : arrays (m, p + 1)
        :math:`\hat w` and :math:`\hat \delta` in encoded features (values: in standard deviations), the
        intercept last.
    note_ : str
        Says so when the target has too few labels to detect or to correct by, or there was no source.

    Raises
    ------
    InputError
        An `estimator` was given, or a negative tolerance.

    Notes
    -----
    :math:`\lambda_w` and :math:`\lambda_\delta` have the least held-out loss among 13 penalties from the
    smallest that admits no feature down to a thousandth of it. In the detection each fit gets its own best
    penalty, chosen on the same folds for the target alone as for each source (the paper leaves the choice
    open, its package makes a second cross-validation inside). With fewer than two labelled target patients in
    some class all sources are kept and nothing is corrected. Memory O(n p).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(340, 5))
    >>> sign = np.repeat([1.0, -1.0, 1.0], [150, 150, 40])  # the second source has the opposite rule
    >>> y = sign * (X @ [1.0, 2.0, 0.0, 0.0, 0.0]) + 0.1 * rng.normal(size=340)
    >>> site = np.repeat(["like", "unlike", "here"], [150, 150, 40])
    >>> TransGLM(task="regression").fit(X, y, domain=site, target="here").kept_
    ['like']
    """

    def __init__(
        self,
        *,
        task: str = "classification",
        estimator: None = None,
        random_state: int = 0,
        detect: bool = True,
        tolerance: float = 2.0,
    ) -> None:
        super().__init__(task=task, estimator=estimator, random_state=random_state)
        self.detect = detect
        self.tolerance = tolerance

    def _transfer(self, sited: Sited) -> None:
        if self.tolerance < 0:
            raise InputError(f"tolerance must not be negative, but is {self.tolerance!r}.")
        steps, centre, scale = two_steps(self, sited)
        kept = self._detect(steps)
        self.kept_ = sorted(sited.names[k] for k in kept)
        target = sited.of_site(0)
        pool = target | (np.isin(sited.site, kept) & sited.rows.labelled)
        self.pooled_coef_ = steps.first(pool)
        self.correction_ = np.zeros_like(self.pooled_coef_)
        if not steps.enough(target):
            self.note_ = "The target has too few labels to correct by: all sources were pooled with it."
        else:
            self.correction_ = steps.correction(target, self.pooled_coef_)
        self.learner_ = sited.learner(in_units(self.pooled_coef_ + self.correction_, centre, scale))

    def _detect(self, steps: TwoStep) -> list[int]:
        sited, target = steps.sited, steps.sited.of_site(0)
        sources = sited.sources
        self.losses_, self.target_loss_, self.threshold_ = {}, float("nan"), float("nan")
        if not self.detect or not steps.enough(target):
            return sources
        alone = steps.detection(target, target)
        self.target_loss_ = float(alone.loss[alone.best])
        spread = float(alone.losses[alone.best].std(ddof=1))
        self.threshold_ = self.target_loss_ + self.tolerance * max(spread, 0.01)
        kept = []
        for k in sources:
            path = steps.detection(target | sited.of_site(k), target)
            self.losses_[sited.names[k]] = loss = float(path.loss[path.best])
            kept += [k] if loss <= self.threshold_ else []
        return kept


def two_steps(model: SiteMethod, sited: Sited) -> tuple[TwoStep, float, float]:
    """Encode the rows and bring values to unit scale; also return their centre and scale."""
    rows = sited.rows
    model.encoder_ = rows.encoder()
    Z = model.encoder_.transform(rows.table)
    y, centre, scale = rows.y, 0.0, 1.0
    if not rows.k:
        w, seen = rows.weight[rows.labelled], rows.y[rows.labelled]
        centre = float(w @ seen / w.sum())
        scale = float(np.sqrt(w @ (seen - centre) ** 2 / w.sum())) or 1.0
        y = (rows.y - centre) / scale
    return TwoStep(sited, Z, y, model.random_state), centre, scale


def in_units(beta: Floats, centre: float, scale: float) -> Floats:
    """Coefficients (m, p + 1) for values in their own units."""
    out = beta * scale
    out[:, -1] += centre
    return out
