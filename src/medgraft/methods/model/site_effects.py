"""One rule for all sites, and for each site an intercept of its own, shrunk towards the common one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.metaestimators import available_if

from medgraft.methods.base import has_proba
from medgraft.methods.learner import PENALTIES, RIDGE_PENALTIES, can_tune
from medgraft.methods.logistic import Problem, probabilities, solve, tune
from medgraft.methods.registry import method
from medgraft.methods.ridge import RidgePath
from medgraft.methods.sites import Sited, SiteMethod
from medgraft.methods.splits import Floats, Ints, inner_folds, number_again
from medgraft.methods.table import InputError

RATIOS = (0.0, 0.01, 0.1, 1.0, 10.0, 100.0)


@method(
    "site-effects",
    family="model",
    needs=("source",),
    cost="O(n (p + S)^2), S sites",
    refs=(
        "Laird and Ware 1982, doi:10.2307/2529876",
        "Robinson 1991, doi:10.1214/ss/1177011926 (best linear unbiased prediction)",
    ),
)
class SiteEffects(SiteMethod):
    r"""Learn shared slopes from all sites, and a shrunk intercept for each site.

    Use it when sites differ in how common or how severe the disease is, or by an offset of the laboratory,
    but a feature means the same everywhere. Not when slopes differ between sites (``l2sp``, ``trans-glm``).

    It minimises, over slopes b, intercept c and site effects u,

    .. math:: \sum_i w_i \ell(y_i, x_i^\top b + c + u_{s(i)}) + \lambda \|b\|^2 + \kappa \sum_s u_s^2

    with :math:`\ell` the squared error, or twice the negative log-likelihood. For values this is the best
    linear unbiased prediction of a mixed model whose variance of the noise is :math:`\kappa` times that of
    the effects: a site with total weight W and mean residual r gets :math:`u = r W / (W + \kappa)`. A site
    without a label gets zero. :math:`\lambda` and the ratio :math:`\lambda / \kappa` have the least held-out
    error over the patients of all sites (values: leave-one-patient-out, exact).

    Parameters
    ----------
    task, random_state
        See `TransferEstimator`.
    estimator : None
        Must be None: the method is about coefficients of a linear model.
    shrinkage : float, optional
        :math:`\kappa`, in patients: a site with as many patients keeps half of its effect. Default: chosen.

    Attributes
    ----------
    effects_ : dict of name to array (m,)
        Effect of each site that has labels, in log-odds, scores or units of the values.
    coef_, intercept_ : arrays
        Shared slopes in encoded features, and the intercept of a site of which nothing is known.
    penalty_, shrinkage_ : float
        :math:`\lambda` and :math:`\kappa`; ``inf`` means no site effects.
    note_ : str
        Says so when there was no source.

    Raises
    ------
    InputError
        An `estimator` was given, or a shrinkage that is not positive.

    Notes
    -----
    ``predict`` and ``predict_proba`` take the target's effect; with ``domain=`` each row gets that of its
    site, and a site that training never saw gets zero. Memory O(n (p + S)): meant for tens of sites, not for
    one site a patient.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(90, 1))
    >>> site = np.repeat(["a", "b", "here"], 30)
    >>> y = 2 * x[:, 0] + np.repeat([0.0, 5.0, -5.0], 30)
    >>> m = SiteEffects(task="regression").fit(x, y, domain=site, target="here")
    >>> m.predict([[0.0], [0.0]]).round(1).tolist()
    [-5.0, -5.0]
    >>> m.predict([[0.0], [0.0]], domain=["b", "new"]).round(1).tolist()
    [5.0, 0.0]
    """

    def __init__(
        self,
        *,
        task: str = "classification",
        estimator: None = None,
        random_state: int = 0,
        shrinkage: float | None = None,
    ) -> None:
        super().__init__(task=task, estimator=estimator, random_state=random_state)
        self.shrinkage = shrinkage

    def _alone(self, rows: Any) -> None:
        super()._alone(rows)
        self.effects_: dict[str, Floats] = {}
        self.coef_, self.intercept_ = self.learner_.coef_, self.learner_.intercept_
        self.penalty_, self.shrinkage_ = self.learner_.penalty_, float("inf")

    def _transfer(self, sited: Sited) -> None:
        if self.shrinkage is not None and not self.shrinkage > 0:
            raise InputError(f"shrinkage must be above zero, but is {self.shrinkage!r}.")
        rows = sited.rows
        self.encoder_ = rows.encoder()
        Z = self.encoder_.transform(rows.table)
        seen = np.unique(sited.site[rows.labelled])
        D = (sited.site[:, None] == seen).astype(float)
        where = rows.labelled
        fit = _Fit(Z[where], D[where], sited, self.random_state)
        if self.shrinkage is None:
            tried = [fit.at(ratio) for ratio in RATIOS]
            best = min(range(len(RATIOS)), key=lambda i: (round(tried[i][0] / tried[0][0], 9), i))
            ratio, lam = RATIOS[best], tried[best][1]
            self.shrinkage_ = lam / ratio if ratio else float("inf")
        else:
            lam = fit.at(1.0)[1]
            ratio, self.shrinkage_ = lam / self.shrinkage, float(self.shrinkage)
        self.penalty_ = lam
        beta = fit.solve(lam, ratio)
        p = Z.shape[1]
        slopes = np.column_stack([beta[:, :p], beta[:, -1]])
        effects = beta[:, p:-1] * np.sqrt(ratio)
        shared = sited.learner(slopes)
        self.coef_, self.intercept_ = shared.coef_, shared.intercept_
        self.effects_ = {}
        for j, s in enumerate(seen):
            only = np.zeros_like(slopes)
            only[:, -1] = effects[:, j]
            self.effects_[sited.names[s]] = np.atleast_1d(sited.learner(only).intercept_)
        self.learner_ = shared
        if seen[0] == 0:
            own = self.effects_[sited.names[0]]
            shared.intercept_ = shared.intercept_ + (own if rows.k else float(own[0]))

    def _scores(self, X: Any, domain: Any) -> Floats:
        """Scores (n, m) with the effects of the named sites."""
        Z = self._encode(X)
        names = np.asarray(domain).astype(str)
        if names.shape != (len(Z),):
            raise InputError(f"domain must have one value a row: {len(Z)} are needed, not {names.shape}.")
        none = np.zeros(np.atleast_2d(self.coef_).shape[0])
        known, code = np.unique(names, return_inverse=True)
        effects = np.stack([self.effects_.get(str(name), none) for name in known])
        return np.asarray(Z @ np.atleast_2d(self.coef_).T + self.intercept_ + effects[code])

    @available_if(has_proba)
    def predict_proba(self, X: Any, domain: Any = None) -> Floats:
        """Class probabilities (n, K); `domain` (n,) names each row's site, default the target."""
        if domain is None or len(self.classes_) == 1:
            return super().predict_proba(X)
        return probabilities(self._scores(X, domain))

    def predict(self, X: Any, domain: Any = None) -> NDArray[Any]:
        """Predicted label or value (n,); `domain` (n,) names each row's site, default the target."""
        if domain is None:
            return super().predict(X)
        if self.task != "regression":
            return np.asarray(self.classes_[self.predict_proba(X, domain).argmax(axis=1)])
        return self._scores(X, domain)[:, 0]


class _Fit:
    """Site columns scaled by the root of the ratio turn both penalties into one."""

    def __init__(self, Z: Floats, D: Floats, sited: Sited, seed: int) -> None:
        rows, where = sited.rows, sited.rows.labelled
        self.Z, self.D, self.k = Z, D, rows.k
        self.y, self.w, self.units = rows.y[where], rows.weight[where], rows.units[where]
        self.fold: Ints | None = None
        if self.k:
            fold = inner_folds(number_again(self.units), k=5, seed=seed, stratum=self.y, weight=self.w)
            self.fold = fold if can_tune(self.y, fold, self.k) else None

    def design(self, ratio: float) -> Floats:
        return np.column_stack([self.Z, np.sqrt(ratio) * self.D])

    def at(self, ratio: float) -> tuple[float, float]:
        """Least held-out error for a ratio, and its lambda."""
        A = self.design(ratio)
        if not self.k:
            if len(np.unique(self.units)) < 2:
                return 1.0, 1.0
            errors = RidgePath.of(A, self.y, self.w).left_out_error(RIDGE_PENALTIES, self.units)
            near = errors <= errors.min() * (1.0 + 1e-9) + 1e-300
            return float(errors.min()) + 1e-300, float(RIDGE_PENALTIES[near].max())
        if self.fold is None:
            return 1.0, 1.0
        lam, losses, _ = tune(Problem(A, self.y, self.k), self.w, self.fold, np.asarray(PENALTIES))
        return float(np.nanmin(losses)), lam

    def solve(self, lam: float, ratio: float) -> Floats:
        """Coefficients (m, p + S + 1): slopes, scaled effects, intercept."""
        A = self.design(ratio)
        if self.k:
            return solve(Problem(A, self.y, self.k), self.w[None, :], lam, tol=1e-20)[0]
        b, c = RidgePath.of(A, self.y, self.w).coef(lam)
        return np.append(b, c)[None, :]
