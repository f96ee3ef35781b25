"""H-score: how much of the features' spread lies between classes."""

from __future__ import annotations

from typing import Any

import numpy as np

from medgraft.sources.rank.checks import Floats, as_codes, as_matrix
from medgraft.sources.rank.registry import score


@score(
    "hscore",
    label="H-score",
    ref="Bao et al. 2019, doi:10.1109/ICIP.2019.8803726; Ibrahim et al. 2021, arXiv:2110.06893",
)
def h_score(features: Any, y: Any) -> float:
    r"""Return the trace of the between-class covariance in units of the shrunk covariance.

    Use it as a second opinion beside LogME: it is Fisher's discriminant as one number. Not to compare
    networks of very different width with fewer images than features: the shrinkage then decides much.

    With :math:`\Sigma` the covariance of the features and :math:`\Sigma_z` that of their class means
    (:math:`E[f \mid y]`, each class by its share), Bao et al. take
    :math:`\mathrm{tr}(\Sigma^{-1} \Sigma_z)`, which needs many more images than features. Here, as in Ibrahim
    et al.,

    .. math:: H_\alpha = \mathrm{tr}\left(\Sigma_\alpha^{-1} (1 - \alpha) \Sigma_z\right), \quad
        \Sigma_\alpha = (1 - \alpha) \Sigma + \alpha \tfrac{\mathrm{tr} \Sigma}{d} I

    with the :math:`\alpha` of Ledoit and Wolf (2004, doi:10.1016/S0047-259X(03)00096-4).

    Parameters
    ----------
    features : array (n, d)
    y : array (n,)
        Labels of any type.

    Returns
    -------
    float
        0 (class means coincide) to K - 1; higher is better. Rotating or scaling all features does not matter.

    Raises
    ------
    MedgraftError
        Values are missing, or there are fewer than two classes.

    Notes
    -----
    Covariances divide by n. One thin SVD, O(n d min(n, d)); no d x d matrix is formed.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> F, y = rng.normal(size=(50, 3)), np.repeat([0, 1], 25)
    >>> h_score(F + 3 * y[:, None], y) > h_score(F, y)
    True
    """
    codes = as_codes(y)
    F = as_matrix(features, len(codes))
    n, d = F.shape
    U, s, _ = np.linalg.svd(F - F.mean(axis=0), full_matrices=False)
    spread = s**2 / n  # eigenvalues of the covariance
    level = spread.sum() / d
    alpha = shrinkage((U * s) ** 2, spread, d)
    # A class mean lies in the span of the rows: its coordinates there are means of those of its rows.
    classes = np.eye(int(codes.max()) + 1)[codes]
    share = classes.sum(axis=0) / n
    means = (classes.T @ (U * s)) / (n * share)[:, None]
    between = share @ means**2
    total = (1 - alpha) * spread + alpha * level
    seen = total > spread.max() * np.finfo(float).eps * max(n, d)
    return float((1 - alpha) * (between[seen] / total[seen]).sum())


def shrinkage(squares: Floats, spread: Floats, d: int) -> float:
    r"""Return the weight :math:`\alpha` of Ledoit and Wolf, 0 to 1.

    :math:`\alpha = \min(\bar b^2, d^2) / d^2` with
    :math:`d^2 = \|\Sigma - \mu I\|^2` and
    :math:`\bar b^2 = \frac{1}{n^2} \sum_i \|x_i x_i^\top - \Sigma\|^2`, from what the SVD holds.

    Parameters
    ----------
    squares : array (n, r)
        Squared coordinates of the centred rows along the eigenvectors.
    spread : array (r,)
        Eigenvalues of the covariance; the other d - r are 0.
    d : int
        Number of features.
    """
    n = len(squares)
    level = spread.sum() / d
    away = float((spread**2).sum() - d * level**2)
    noise = float((squares.sum(axis=1) ** 2).sum() / n - (spread**2).sum()) / n
    return min(max(noise, 0.0) / away, 1.0) if away > 0 else 0.0
