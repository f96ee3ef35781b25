"""Weight each source patient by how much likelier he or she is among the target's patients."""

from __future__ import annotations

from typing import Any

from medgraft.methods.instance.ratio import Ratio, fit_ratio
from medgraft.methods.instance.weighting import Side, Weighting, patient_folds
from medgraft.methods.registry import method
from medgraft.methods.rows import Rows


@method(
    "ulsif",
    family="instance",
    needs=("source", "target-rows"),
    cost="O(n b (p + b))",
    refs=(
        "Kanamori, Hido and Sugiyama 2009, J. Mach. Learn. Res. 10:1391-1445",
        "Ionides 2008, doi:10.1198/106186008X320456 (truncation)",
    ),
    default=True,
)
class ULSIF(Weighting):
    r"""Weight the source's patients by the density ratio target/source, then learn from everyone.

    Use it when the same rule holds in both domains but the patients differ (age, severity, referral:
    covariate shift), and target patients without labels are at hand. Not when the meaning of a feature or the
    rule itself differs, nor when the domains hardly overlap: see ``ess_``.

    The ratio :math:`r(x) = p_t(x) / p_s(x)` is :math:`\sum_l \alpha_l e^{-\|x - c_l\|^2 / 2 \sigma^2}` with
    :math:`\alpha = \max(0, (H + \lambda I)^{-1} h)`, :math:`H` the source's mean of
    :math:`\varphi \varphi^\top` and :math:`h` the target's mean of :math:`\varphi`. :math:`\sigma` and
    :math:`\lambda` minimise the leave-one-out error in closed form (by folds of whole patients where `groups`
    has patients with several rows). Source weights are scaled to mean 1, cut at the square root of the
    number of source rows, and scaled again; labelled target rows join with weight 1.

    Parameters
    ----------
    task, estimator, random_state
        See `TransferEstimator`; the random state also picks the centres.
    n_centres : int
        Number of bumps, at target rows drawn at random.

    Attributes
    ----------
    weights_ : array (n,)
        Factor of each given row: the ratio for source rows, 1 for target rows, 0 for rows of weight zero.
    ess_ : float
        Effective number of source rows, (sum v w)^2 / sum v w^2 with w the factors and v the sample
        weights: a row of sample weight 3 counts as three rows.
    sigma_, lambda_ : float
        Width and penalty chosen.
    note_ : str
        Says so when there was nothing to weight.

    Notes
    -----
    The ratio is computed on the encoded features, scaled over both domains. Distances lose contrast as
    features grow: beyond some 50 of them (a network's 1280, say) the fit tends to a constant ratio, which
    is the ``pooled`` control. Centres are not kept after fitting. The paper's leave-one-out pairs row i of
    the source with row i of the target; here rows are numbered by their content and the seed, not by their
    place.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = np.r_[rng.normal(0, 1, (200, 1)), rng.normal(1, 1, (50, 1))]
    >>> y = (X[:, 0] > 0).astype(int)
    >>> site = ["a"] * 200 + ["b"] * 50
    >>> m = ULSIF().fit(X, y, domain=site, target="b", labelled=np.arange(250) < 200)
    >>> w = m.weights_[:200]
    >>> bool(w[X[:200, 0] > 1].mean() > w[X[:200, 0] < 0].mean())
    True
    """

    def __init__(
        self,
        *,
        task: str = "classification",
        estimator: Any = None,
        random_state: int = 0,
        n_centres: int = 100,
    ) -> None:
        super().__init__(task=task, estimator=estimator, random_state=random_state)
        self.n_centres = n_centres

    def _fit(self, rows: Rows) -> None:
        self.sigma_ = self.lambda_ = float("nan")
        super()._fit(rows)

    def _estimate(self, source: Side, target: Side) -> Ratio:
        ratio = density_ratio(source, target, self.random_state, self.n_centres)
        self.sigma_, self.lambda_ = ratio.sigma, ratio.lam
        return ratio


def density_ratio(source: Side, target: Side, seed: int, n_centres: int = 100) -> Ratio:
    """Ratio target/source of two sides; held out are rows, or patients where some have several."""
    several = source.repeats or target.repeats
    return fit_ratio(
        source.Z,
        target.Z,
        source_weight=source.weight,
        target_weight=target.weight,
        folds=patient_folds(source, target, seed) if several else None,
        n_centres=n_centres,
    )
