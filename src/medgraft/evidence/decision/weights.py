"""What each criterion counts when models are ranked by several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike

from medgraft.base import MedgraftError
from medgraft.evidence.metrics.base import Floats

Better: TypeAlias = Literal["higher", "lower"]


def criteria(matrix: ArrayLike, better: Sequence[str], *, positive: bool = False) -> tuple[Floats, Floats]:
    """Return the table of models by criteria (m, c), and +1 or -1 for the better direction, checked."""
    table = np.asarray(matrix, dtype=float)
    if table.ndim != 2 or len(table) < 2 or table.shape[1] < 1:
        raise MedgraftError(
            f"A ranking needs a table of at least two models by criteria, not shape {table.shape}."
        )
    if not np.isfinite(table).all():
        row, column = np.argwhere(~np.isfinite(table))[0]
        raise MedgraftError(
            f"Model {row} has no finite value of criterion {column}: leave one of the two out."
        )
    if len(better) != table.shape[1] or any(b not in get_args(Better) for b in better):
        raise MedgraftError(
            f"'better' must say 'higher' or 'lower' for each of the {table.shape[1]} criteria."
        )
    if positive and (table <= 0).any():
        raise MedgraftError("This method divides by the values of a criterion: they must all be above zero.")
    return table, np.where(np.asarray(better) == "higher", 1.0, -1.0)


def spread_out(table: Floats, sign: Floats) -> Floats:
    """Return each criterion from 0, the worst model, to 1, the best; 0 where all are equal."""
    x = table * sign
    span = np.ptp(x, axis=0)
    return np.asarray(np.divide(x - x.min(axis=0), span, out=np.zeros_like(x), where=span > 0))


def entropy_weights(matrix: ArrayLike) -> Floats:
    r"""Let a criterion count by how unequal the models are in it.

    Use it where no one can say what a criterion is worth. Not where one criterion must not be traded away
    (safety), nor with models that hardly differ: noise then has all the weight.

    With :math:`q_{ij} = x_{ij} / \sum_i x_{ij}` over m models,
    :math:`e_j = -\sum_i q_{ij} \ln q_{ij} / \ln m` and :math:`w_j = (1 - e_j) / \sum_k (1 - e_k)`.

    Parameters
    ----------
    matrix : (m, c) array
        Models by criteria, none negative.

    Returns
    -------
    (c,) array
        Summing to one; all equal where no criterion tells the models apart.

    Raises
    ------
    MedgraftError
        A value is negative or not finite, or a criterion is 0 for every model.

    Notes
    -----
    Cost O(m c). The direction of a criterion plays no part; its zero does.

    References
    ----------
    Shannon 1948, doi:10.1002/j.1538-7305.1948.tb01338.x.

    Examples
    --------
    >>> entropy_weights([[1.0, 5.0], [3.0, 5.0]]).round(6).tolist()  # the second tells nothing apart
    [1.0, 0.0]
    """
    table, _ = criteria(matrix, ["higher"] * np.shape(matrix)[-1])
    if (table < 0).any() or (table.sum(axis=0) == 0).any():
        raise MedgraftError("Entropy weights need values of 0 or more, and not 0 for every model.")
    q = table / table.sum(axis=0)
    entropy = -(q * np.log(np.where(q > 0, q, 1.0))).sum(axis=0) / np.log(len(table))
    return _to_one(np.clip(1 - entropy, 0, None))


def critic_weights(matrix: ArrayLike, better: Sequence[Better]) -> Floats:
    r"""Let a criterion count by how it spreads the models and how little the others repeat it (CRITIC).

    Use it where criteria overlap (AUROC beside accuracy), so that one thing measured twice is not counted
    twice. Not with fewer than about five models: correlations of three values mean little.

    With z the criteria scaled from 0 (worst) to 1 (best), s their standard deviation and r their correlation,
    :math:`C_j = s_j \sum_k (1 - r_{jk})` and :math:`w_j = C_j / \sum_k C_k`.

    Parameters
    ----------
    matrix : (m, c) array
        Models by criteria.
    better : sequence of {"higher", "lower"}
        For each criterion. Scaling turns those where lower is better round, as in the paper.

    Returns
    -------
    (c,) array
        Summing to one; 0 for a criterion in which all models are equal.

    Raises
    ------
    MedgraftError
        The table and `better` do not fit.

    Notes
    -----
    Cost O(m c^2).

    References
    ----------
    Diakoulaki et al. 1995, doi:10.1016/0305-0548(94)00059-H.

    Examples
    --------
    >>> critic_weights([[1, 1, 9], [2, 2, 1], [3, 3, 5]], ["higher"] * 3).round(2).tolist()
    [0.25, 0.25, 0.5]
    """
    z = spread_out(*criteria(matrix, better))
    spread = z.std(axis=0, ddof=1)
    centred = z - z.mean(axis=0)
    size = np.sqrt((centred**2).sum(axis=0))
    alive = size > 0
    unit = np.divide(centred, size, out=np.zeros_like(z), where=alive)
    conflict = ((1 - unit.T @ unit) * alive).sum(axis=1)  # a criterion that is constant repeats none
    return _to_one(spread * np.clip(conflict, 0, None))


def shap_weights(shap: ArrayLike) -> Floats:
    r"""Let a criterion count by its share of the mean absolute Shapley value.

    Use it where the criteria are features of a fitted model, and the alternatives (regions, hospitals) are
    ranked by them. Not to rank models by metrics: there is no such value.

    .. math:: w_j = \sum_i |\phi_{ij}| / \sum_{i,k} |\phi_{ik}|

    Parameters
    ----------
    shap : (n, c) array
        Shapley values of n rows.

    Returns
    -------
    (c,) array
        Summing to one.

    Raises
    ------
    MedgraftError
        The values are not a finite table.

    Notes
    -----
    Cost O(n c).

    References
    ----------
    Lundberg and Lee 2017, arXiv:1705.07874.

    Examples
    --------
    >>> shap_weights([[1.0, -3.0], [-1.0, 3.0]]).tolist()
    [0.25, 0.75]
    """
    values = np.asarray(shap, dtype=float)
    if values.ndim != 2 or values.size == 0 or not np.isfinite(values).all():
        raise MedgraftError("Shapley values must be a finite table of rows by criteria.")
    return _to_one(np.abs(values).sum(axis=0))


def _to_one(raw: Floats) -> Floats:
    total = raw.sum()
    return np.asarray(raw / total if total > 1e-12 else np.full(len(raw), 1 / len(raw)))
