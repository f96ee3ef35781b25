"""GBC: how much the classes overlap, each seen as a Gaussian."""

from __future__ import annotations

from typing import Any

import numpy as np

from medgraft.base import MedgraftError
from medgraft.sources.rank.checks import as_codes, as_matrix, class_rows, one_row_a_class
from medgraft.sources.rank.n_leep import principal
from medgraft.sources.rank.registry import score

DIRECTIONS = 64  # the paper's
LEAST_VARIANCE = 1e-4  # of the average one: a class that is constant along a direction is not infinitely far


@score("gbc", label="GBC", ref="Pándy et al. 2022, CVPR, arXiv:2111.12780")
def gbc(features: Any, y: Any, *, covariance: str = "spherical") -> float:
    r"""Return minus the Bhattacharyya overlap of the classes, summed over pairs.

    Use it with several classes, where the question is which of them the features confuse. Not where a class
    has a single image, nor where a class consists of clusters: one Gaussian would blur them.

    On the first 64 principal components class c is :math:`N(\mu_c, \Sigma_c)`, with
    :math:`\Sigma_c = \sigma_c^2 I` (spherical) or diagonal, and

    .. math:: \mathrm{GBC} = - \sum_{a \ne b} e^{-D(a, b)}, \quad
        D(a, b) = \tfrac18 (\mu_a - \mu_b)^\top \Sigma^{-1} (\mu_a - \mu_b)
        + \tfrac12 \log \frac{|\Sigma|}{\sqrt{|\Sigma_a| |\Sigma_b|}}, \quad
        \Sigma = \tfrac12 (\Sigma_a + \Sigma_b)

    Parameters
    ----------
    features : array (n, d)
    y : array (n,)
        Labels of any type.
    covariance : str, default "spherical"
        ``"spherical"`` (best on the paper's data) or ``"diagonal"``.

    Returns
    -------
    float
        -K (K - 1) (all classes alike) to 0; higher is better.

    Raises
    ------
    MedgraftError
        Values are missing, there are fewer than two classes, a class has one row, or all rows are equal.

    Notes
    -----
    Variances divide by n_c and are not let under 1e-4 of the average over all rows and directions.
    Cost: one SVD, O(n d min(n, d)).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> F, y = rng.normal(size=(50, 3)), np.repeat([0, 1], 25)
    >>> gbc(F + 3 * y[:, None], y) > gbc(F, y)
    True
    """
    if covariance not in ("spherical", "diagonal"):
        raise MedgraftError(f"GBC knows no covariance '{covariance}': use spherical or diagonal.")
    codes = as_codes(y)
    P = principal(as_matrix(features, len(codes)), 1.0)[:, :DIRECTIONS]
    classes = class_rows(codes)
    if min(len(rows) for rows in classes) < 2:
        raise one_row_a_class("GBC")
    means = np.array([P[rows].mean(axis=0) for rows in classes])
    var = np.array([P[rows].var(axis=0) for rows in classes])
    if covariance == "spherical":
        var = np.repeat(var.mean(axis=1, keepdims=True), P.shape[1], axis=1)
    var = np.maximum(var, LEAST_VARIANCE * P.var(axis=0).mean())
    overlap = 0.0
    for a in range(len(classes)):
        middle = 0.5 * (var[a] + var)
        apart = 0.125 * ((means[a] - means) ** 2 / middle).sum(axis=1)
        shape = 0.5 * (np.log(middle) - 0.5 * (np.log(var[a]) + np.log(var))).sum(axis=1)
        overlap += float(np.delete(np.exp(-(apart + shape)), a).sum())
    return -overlap
