"""TransRate: how many fewer bits the features take once the classes are known."""

from __future__ import annotations

from typing import Any

import numpy as np

from medgraft.base import MedgraftError
from medgraft.sources.rank.checks import Floats, as_codes, as_matrix, class_rows
from medgraft.sources.rank.registry import score

EPS = 1e-4  # the distortion of the paper


@score("transrate", label="TransRate", ref="Huang et al. 2022, ICML, arXiv:2106.09362")
def trans_rate(features: Any, y: Any, *, class_means: str = "removed") -> float:
    r"""Return the coding rate of the features less that within classes.

    Use it to compare layers or networks of like width. Not with classes of a handful of images: the rate
    within such a class is small whatever its features are.

    With centred features Z, scaled so that their squared norm is 1 on average, and the rate
    :math:`R(Z) = \tfrac12 \log\det\left(I + \tfrac{1}{n \epsilon} Z^\top Z\right)`, an estimate of the
    mutual information of features and labels:

    .. math:: \mathrm{TrR} = R(Z) - \sum_c \tfrac{n_c}{n} R(Z_c)

    Parameters
    ----------
    features : array (n, d)
    y : array (n,)
        Labels of any type.
    class_means : str, default "removed"
        ``"removed"``: the rows of a class are centred before its rate is taken; ``"kept"``: they are not, as
        in the paper.

    Returns
    -------
    float
        In nats; higher is better. Rotating or scaling all features does not matter.

    Raises
    ------
    MedgraftError
        Values are missing, there are fewer than two classes, or all rows are equal.

    Notes
    -----
    With the means kept, two classes of equal size with like covariance C and means :math:`\pm \mu` have
    :math:`Z_c^\top Z_c / n_c = C + \mu \mu^\top = Z^\top Z / n`, and score about 0 however far apart they
    are; the entropy that the rate stands for does not depend on the mean, so it is taken out.
    Classes weigh by their share, as in the paper's formula; its listing, for balanced classes, averages
    them. Without the common scale the fixed :math:`\epsilon` of 1e-4 would favour networks with large
    features. Cost O(n d min(n, d)).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> F, y = rng.normal(size=(50, 3)), np.repeat([0, 1], 25)
    >>> trans_rate(F + 9 * y[:, None], y) > trans_rate(F, y)
    True
    """
    if class_means not in ("removed", "kept"):
        raise MedgraftError(f"TransRate knows no class_means '{class_means}': use removed or kept.")
    codes = as_codes(y)
    F = as_matrix(features, len(codes))
    Z = F - F.mean(axis=0)
    size = float((Z**2).sum() / len(Z))
    if size <= (np.finfo(float).eps * np.abs(F).max()) ** 2 * F.shape[1]:
        raise MedgraftError("All images have the same features: there is nothing to rank.")
    Z /= np.sqrt(size)
    within = 0.0
    for rows in class_rows(codes):
        of_class = Z[rows] - Z[rows].mean(axis=0) if class_means == "removed" else Z[rows]
        within += len(rows) / len(Z) * _rate(of_class)
    return float(_rate(Z) - within)


def _rate(Z: Floats) -> float:
    n, d = Z.shape
    gram = Z.T @ Z if d <= n else Z @ Z.T  # the same determinant
    gram.flat[:: len(gram) + 1] += n * EPS
    return float(0.5 * (np.linalg.slogdet(gram)[1] - len(gram) * np.log(n * EPS)))
