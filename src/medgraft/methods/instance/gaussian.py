"""Weight each source patient by the ratio of two Gaussian densities."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from medgraft.methods.feature.covariance import Covariance
from medgraft.methods.instance.weighting import Side, Weighting
from medgraft.methods.registry import method
from medgraft.methods.splits import Floats


@method(
    "gaussian-weighting",
    family="instance",
    needs=("source", "target-rows"),
    cost="O(n p min(n, p))",
    refs=(
        "Shimodaira 2000, doi:10.1016/S0378-3758(00)00115-4",
        "Ledoit and Wolf 2004, doi:10.1016/S0047-259X(03)00096-4 (shrinkage)",
    ),
)
class GaussianWeighting(Weighting):
    r"""Weight the source's patients by the ratio of two fitted Gaussian densities.

    Use it under covariate shift when patients are few and features are roughly normal: it needs only means
    and covariances. Not for skewed laboratory values or mixtures of subtypes (``ulsif``, ``kliep``).

    The ratio is :math:`N(x; \mu_t, C_t) / N(x; \mu_s, C_s)` with covariances shrunk as Ledoit and Wolf say.

    Parameters
    ----------
    task, estimator, random_state
        See `TransferEstimator`.

    Attributes
    ----------
    weights_, ess_, note_
        As in `ULSIF`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = np.r_[rng.normal(0, 1, (200, 1)), rng.normal(1, 1, (50, 1))]
    >>> site = ["a"] * 200 + ["b"] * 50
    >>> m = GaussianWeighting().fit(X, X[:, 0] > 0, domain=site, target="b", labelled=np.arange(250) < 200)
    >>> w = m.weights_[:200]
    >>> bool(w[X[:200, 0] > 1].mean() > w[X[:200, 0] < 0].mean())
    True
    """

    def _estimate(self, source: Side, target: Side) -> Callable[[Floats], Floats]:
        s, t = Covariance.of(source.Z, source.weight), Covariance.of(target.Z, target.weight)
        middle = float(np.median(_log_density(t, source.Z) - _log_density(s, source.Z)))

        def ratio(Z: Floats) -> Floats:
            # Only ratios of weights matter: the middle one is 1, so that nothing overflows.
            return np.asarray(np.exp(np.clip(_log_density(t, Z) - _log_density(s, Z) - middle, -50.0, 50.0)))

        return ratio


def _log_density(c: Covariance, Z: Floats) -> Floats:
    """Log of the Gaussian density, without the constant that all Gaussians share."""
    white = c.power(Z - c.mean, -0.5)
    others = Z.shape[1] - len(c.values)
    determinant = np.log(c.values).sum() + (others * np.log(c.rest) if others else 0.0)
    return np.asarray(-0.5 * ((white**2).sum(axis=1) + determinant))
