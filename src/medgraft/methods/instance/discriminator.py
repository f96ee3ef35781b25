"""Weight each source patient by the odds that a classifier takes him or her for a target patient."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from medgraft.methods.instance.weighting import Side, Weighting
from medgraft.methods.learner import LogisticLearner
from medgraft.methods.registry import method
from medgraft.methods.splits import Floats, number_again


@method(
    "discriminator",
    family="instance",
    needs=("source", "target-rows"),
    cost="O(n p^2)",
    refs=("Bickel, Brueckner and Scheffer 2009, J. Mach. Learn. Res. 10:2137-2155",),
)
class Discriminator(Weighting):
    r"""Weight the source's patients by the odds of a classifier that tells target from source.

    Use it under covariate shift with more than a few dozen features, where kernels lose contrast. Not where
    the rule itself differs, nor where the sides hardly overlap: see ``ess_``.

    By Bayes, :math:`p_t(x) / p_s(x) = \frac{P(t \mid x)}{P(s \mid x)} \cdot \frac{n_s}{n_t}`, the odds of the
    target over those of the prior. The classifier is a logistic regression on the features and their squares
    (exact for two Gaussians with uncorrelated features), its penalty chosen on whole held-out patients, which
    is what keeps its odds calibrated.

    Parameters
    ----------
    task, estimator, random_state
        See `TransferEstimator`.

    Attributes
    ----------
    weights_ : array (n,)
        Factor of each given row: the ratio for source rows, 1 for target rows, 0 for rows of weight zero.
    ess_ : float
        Effective number of source rows, as in `ULSIF`.
    note_ : str
        Says so when there was nothing to weight.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = np.r_[rng.normal(0, 1, (200, 1)), rng.normal(1, 1, (50, 1))]
    >>> site = ["a"] * 200 + ["b"] * 50
    >>> m = Discriminator().fit(X, X[:, 0] > 0, domain=site, target="b", labelled=np.arange(250) < 200)
    >>> w = m.weights_[:200]
    >>> bool(w[X[:200, 0] > 1].mean() > w[X[:200, 0] < 0].mean())
    True
    """

    def _estimate(self, source: Side, target: Side) -> Callable[[Floats], Floats]:
        side = np.repeat([0, 1], [len(source.Z), len(target.Z)])
        learner = LogisticLearner(random_state=self.random_state).fit(
            _with_squares(np.vstack([source.Z, target.Z])),
            side,
            np.r_[source.weight, target.weight],
            groups=number_again(np.r_[source.units, target.units]),
        )
        prior = float(np.log(source.weight.sum() / target.weight.sum()))

        def ratio(Z: Floats) -> Floats:
            score = _with_squares(Z) @ learner.coef_[0] + learner.intercept_[0] + prior
            return np.asarray(np.exp(np.clip(score, -50.0, 50.0)))

        return ratio


def _with_squares(Z: Floats) -> Floats:
    return np.hstack([Z, Z**2])
