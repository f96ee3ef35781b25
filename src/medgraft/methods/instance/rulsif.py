"""Weight each source patient by a density ratio that cannot explode: relative to a mixture of both sides."""

from __future__ import annotations

from typing import Any

import numpy as np

from medgraft.methods.instance.ratio import Ratio, fit_ratio
from medgraft.methods.instance.weighting import Side, Weighting, patient_folds
from medgraft.methods.registry import method
from medgraft.methods.rows import Rows
from medgraft.methods.table import InputError


@method(
    "rulsif",
    family="instance",
    needs=("source", "target-rows"),
    cost="O(n b (p + b))",
    refs=(
        "Yamada, Suzuki, Kanamori, Hachiya and Sugiyama 2013, Neural Comput. 25:1324-1370, arXiv:1106.4729",
        "Kanamori, Hido and Sugiyama 2009, J. Mach. Learn. Res. 10:1391-1445",
    ),
)
class RuLSIF(Weighting):
    r"""Weight the source's patients by the target's density relative to a mixture of target and source.

    Use it in place of ``ulsif`` where the target has patients that the source hardly knows: the plain ratio
    is huge there and rests on few rows, the relative one never exceeds :math:`1 / \alpha`. Not when the rule
    itself differs between the domains, nor when the weights must undo all of the shift: the relative ratio
    is flatter than the plain one.

    The ratio :math:`r(x) = p_t(x) / (\alpha p_t(x) + (1 - \alpha) p_s(x))` is modelled by Gaussian bumps as
    in `ULSIF`, with heights :math:`\max(0, (H + \lambda I)^{-1} h)`, where :math:`H` is the mean of
    :math:`\varphi \varphi^\top` over the mixture and :math:`h` that of :math:`\varphi` over the target. Width
    and :math:`\lambda` minimise the squared error held out by five folds of whole patients.

    Parameters
    ----------
    task, estimator, random_state
        See `TransferEstimator`; the random state also picks the centres and the folds.
    alpha : float in [0, 1)
        Share of the target in the mixture; 0 is the plain ratio.
    n_centres : int
        Number of bumps, at target rows drawn at random.

    Attributes
    ----------
    weights_, ess_, note_
        As in `ULSIF`.
    sigma_, lambda_ : float
        Width and penalty chosen.

    Raises
    ------
    InputError
        An `alpha` outside [0, 1).

    Notes
    -----
    A mixture is the source joined by target rows of total weight :math:`\alpha`, so that the least squares
    are those of `ULSIF`. Memory O(n b). Centres are not kept after fitting.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = np.r_[rng.normal(0, 1, (200, 1)), rng.normal(1, 1, (50, 1))]
    >>> site = ["a"] * 200 + ["b"] * 50
    >>> m = RuLSIF().fit(X, X[:, 0] > 0, domain=site, target="b", labelled=np.arange(250) < 200)
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
        alpha: float = 0.1,
        n_centres: int = 100,
    ) -> None:
        super().__init__(task=task, estimator=estimator, random_state=random_state)
        self.alpha = alpha
        self.n_centres = n_centres

    def _fit(self, rows: Rows) -> None:
        if not 0 <= self.alpha < 1:
            raise InputError(f"alpha must be at least 0 and less than 1, not {self.alpha!r}.")
        self.sigma_ = self.lambda_ = float("nan")
        super()._fit(rows)

    def _estimate(self, source: Side, target: Side) -> Ratio:
        fold_s, fold_t = patient_folds(source, target, self.random_state)
        share_s, share_t = source.weight / source.weight.sum(), target.weight / target.weight.sum()
        ratio = fit_ratio(
            np.vstack([source.Z, target.Z]),
            target.Z,
            source_weight=np.r_[(1 - self.alpha) * share_s, self.alpha * share_t],
            target_weight=target.weight,
            folds=(np.r_[fold_s, fold_t], fold_t),
            n_centres=self.n_centres,
        )
        self.sigma_, self.lambda_ = ratio.sigma, ratio.lam
        return ratio
