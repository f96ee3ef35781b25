"""N-LEEP: LEEP with clusters of the features in place of the network's own classes."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from medgraft.base import MedgraftError
from medgraft.sources.rank.checks import Floats, as_codes, as_matrix
from medgraft.sources.rank.leep import expected_log
from medgraft.sources.rank.registry import score

ENERGY = 0.8  # share of the variance that the kept directions hold (the paper's)
PER_CLASS = 5  # clusters for each class (the paper's)
LEAST_ROWS = 3  # rows a cluster must have on average; fewer would name rows, not clusters


@score("nleep", label="N-LEEP", ref="Li et al. 2021, CVPR, arXiv:2011.11200")
def n_leep(features: Any, y: Any, *, random_state: int = 0) -> float:
    r"""Return LEEP of the clusters of a Gaussian mixture on principal components.

    Use it where the network has no classifier, or its classes have nothing to do with yours. Not with fewer
    than some twenty images a class: clusters then hold two or three images each and the score flatters.

    Features are centred and projected on the principal directions that hold 80 % of their variance, a mixture
    of v Gaussians is fitted to them, and its posteriors
    :math:`\theta(x)_v = \pi_v N(x; \mu_v, \Sigma_v) / \sum_u \pi_u N(x; \mu_u, \Sigma_u)` take the place of
    the source classes in `leep`. v is five times the number of classes, but leaves three rows to a cluster.

    Parameters
    ----------
    features : array (n, d)
    y : array (n,)
        Labels of any type.
    random_state : int, default 0
        Seed of the mixture's start.

    Returns
    -------
    float
        At most 0; higher is better.

    Raises
    ------
    MedgraftError
        Values are missing, there are fewer than two classes, or all rows are equal.

    Notes
    -----
    Covariances are diagonal, because a full one has more entries than a small cohort has images. The rows
    are put in an order of their content first, so theirs does not matter. Cost: one SVD, and O(n v p) for
    each of at most 100 steps with p directions.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> F, y = rng.normal(size=(60, 3)), np.repeat([0, 1], 30)
    >>> n_leep(F + 5 * y[:, None], y) > n_leep(F, y)
    True
    """
    codes = as_codes(y)
    X = principal(as_matrix(features, len(codes)), ENERGY)
    order = np.lexsort(X.T[::-1])
    X, codes = X[order], codes[order]
    v = max(1, min(PER_CLASS * (int(codes.max()) + 1), len(X) // LEAST_ROWS))
    mixture = GaussianMixture(v, covariance_type="diag", random_state=random_state)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # equal rows make fewer clusters than asked for
        mixture.fit(X)
    return expected_log(np.asarray(mixture.predict_proba(X)), codes)


def principal(F: Floats, energy: float) -> Floats:
    """Return centred rows on the fewest directions that hold a share of the variance, scaled as a whole.

    The sign of a direction is that of its largest coordinate among the rows; the largest direction has
    variance 1.
    """
    C = F - F.mean(axis=0)
    U, s, _ = np.linalg.svd(C, full_matrices=False)
    if s[0] <= np.finfo(float).eps * np.abs(F).max() * max(F.shape):
        raise MedgraftError("All images have the same features: there is nothing to rank.")
    share = np.cumsum(s**2) / np.sum(s**2)
    p = int(np.searchsorted(share, energy - 1e-12)) + 1
    P: Floats = U[:, :p] * (s[:p] / s[0]) * np.sqrt(len(F))
    top = P[np.abs(P).argmax(axis=0), np.arange(p)]
    return P * np.where(top < 0, -1.0, 1.0)
