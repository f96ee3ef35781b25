"""Rank models by several criteria at once: TOPSIS, VIKOR, PROMETHEE II, MARCOS."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata

from medgraft.base import MedgraftError, did_you_mean
from medgraft.evidence.decision.weights import Better, criteria, spread_out
from medgraft.evidence.metrics.base import Floats

Method: TypeAlias = Literal["topsis", "vikor", "promethee", "marcos"]


@dataclass(frozen=True)
class Ranking:
    """Models in order.

    Attributes
    ----------
    score : (m,) array
        What the method gives each model.
    rank : (m,) array
        1 is the best; equals share the mean of their places.
    method : str
    better : {"higher", "lower"}
        The direction of the score: lower for VIKOR.
    """

    score: Floats
    rank: Floats
    method: str
    better: Better

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON knows it."""
        return {
            "score": self.score.tolist(),
            "rank": self.rank.tolist(),
            "method": self.method,
            "better": self.better,
        }


def rank_models(
    matrix: ArrayLike,
    better: Sequence[Better],
    method: Method = "topsis",
    weights: ArrayLike | None = None,
) -> Ranking:
    r"""Rank models (or regions, or hospitals) by several criteria at once.

    Use it to show how an order depends on what counts: with several methods and weights, beside
    `ranking_agreement`. Not to choose the model to deliver by criteria measured on test rows: the winner of
    many is flattered by chance; choose on training patients (`medgraft.evidence.choose`), and let the test
    judge. And not as proof: the order carries no uncertainty, and every method here may turn two models round
    when a third is added or left out (rank reversal), for ideals and scales come from the table itself.

    With z the criteria scaled from 0 (worst in the table) to 1 (best), and weights w that sum to one:

    - "topsis": :math:`D^- / (D^+ + D^-)`, the distances to the ideal and the anti-ideal among
      :math:`w_j x_{ij} / \|x_j\|_2`.
    - "vikor": with :math:`S_i = \sum_j w_j (1 - z_{ij})` and :math:`R_i = \max_j w_j (1 - z_{ij})`,
      :math:`Q_i = \frac12 \tilde S_i + \frac12 \tilde R_i`, each scaled from 0 to 1; lower is better.
    - "promethee": PROMETHEE II with the usual preference, the mean over the others k of
      :math:`\sum_j w_j \operatorname{sign}(x_{ij} - x_{kj})`, signs turned where lower is better: it counts
      duels, so that a lead of a hair counts as much as a large one.
    - "marcos": values relative to the best (:math:`x_{ij} / \max` or :math:`\min / x_{ij}`), summed to
      :math:`S_i`, beside the sums of the ideal and the anti-ideal model: :math:`K^\pm_i = S_i / S_\pm`, and
      :math:`f_i = (K^+ + K^-) / (1 + K^+ / K^- + K^- / K^+)`.

    Parameters
    ----------
    matrix : (m, c) array
        Models by criteria.
    better : sequence of {"higher", "lower"}
        For each criterion.
    method : {"topsis", "vikor", "promethee", "marcos"}
    weights : (c,) array, default all equal
        Not negative; scaled to sum to one. See `entropy_weights`, `critic_weights`, `shap_weights`.

    Returns
    -------
    Ranking

    Raises
    ------
    MedgraftError
        Table, directions and weights do not fit; for "marcos", a value is not above zero.

    Notes
    -----
    Cost O(m c), for "promethee" O(m^2 c).

    References
    ----------
    Opricovic and Tzeng 2004 (VIKOR and TOPSIS), doi:10.1016/S0377-2217(03)00020-1. Brans and Vincke 1985
    (PROMETHEE), doi:10.1287/mnsc.31.6.647. Stevic et al. 2020 (MARCOS), doi:10.1016/j.cie.2019.106231.

    Examples
    --------
    >>> auroc_and_seconds = [[0.80, 5.0], [0.70, 50.0], [0.81, 40.0]]
    >>> rank_models(auroc_and_seconds, ["higher", "lower"], "topsis").rank.tolist()
    [1.0, 3.0, 2.0]
    """
    if method not in get_args(Method):
        raise MedgraftError(f"There is no ranking method '{method}'.{did_you_mean(method, get_args(Method))}")
    table, sign = criteria(matrix, better, positive=method == "marcos")
    w = np.full(table.shape[1], 1.0) if weights is None else np.asarray(weights, dtype=float)
    if w.shape != sign.shape or not np.isfinite(w).all() or (w < 0).any() or w.sum() == 0:
        raise MedgraftError(
            f"'weights' must be {len(sign)} numbers of 0 or more, one for each criterion, not all 0."
        )
    score = _METHODS[method](table, sign, w / w.sum())
    direction: Better = "lower" if method == "vikor" else "higher"
    # Equals up to rounding share a rank: the order of the rows must not decide.
    tied = np.round(score, 12)
    return Ranking(score, rankdata(tied if direction == "lower" else -tied), method, direction)


def _topsis(x: Floats, sign: Floats, w: Floats) -> Floats:
    size = np.sqrt((x**2).sum(axis=0))
    v = sign * w * np.divide(x, size, out=np.zeros_like(x), where=size > 0)
    best, worst = (np.sqrt(((v - end(v, axis=0)) ** 2).sum(axis=1)) for end in (np.max, np.min))
    total = best + worst
    return np.divide(worst, total, out=np.full(len(x), 0.5), where=total > 0)


def _vikor(x: Floats, sign: Floats, w: Floats) -> Floats:
    regret = w * (1 - spread_out(x, sign)) * (np.ptp(x, axis=0) > 0)
    both = np.stack([regret.sum(axis=1), regret.max(axis=1)], axis=1)
    return np.asarray((1 - spread_out(both, np.array([-1.0, -1.0]))) * (np.ptp(both, axis=0) > 0)).mean(
        axis=1
    )


def _promethee(x: Floats, sign: Floats, w: Floats) -> Floats:
    return np.asarray((np.sign(x[:, None] - x[None]) * sign) @ w).sum(axis=1) / (len(x) - 1)


def _marcos(x: Floats, sign: Floats, w: Floats) -> Floats:
    high, low = x.max(axis=0), x.min(axis=0)

    def worth(rows: Floats) -> Floats:
        return np.asarray(np.where(sign > 0, rows / high, low / rows) @ w)

    mine = worth(x)
    ideal, anti = worth(np.where(sign > 0, high, low)), worth(np.where(sign > 0, low, high))
    up, down = mine / ideal, mine / anti
    return np.asarray((up + down) / (1 + up / down + down / up))


_METHODS: dict[str, Callable[[Floats, Floats, Floats], Floats]] = {
    "topsis": _topsis,
    "vikor": _vikor,
    "promethee": _promethee,
    "marcos": _marcos,
}


def ranking_agreement(a: ArrayLike, b: ArrayLike) -> dict[str, float]:
    r"""Say how far two rankings of the same models agree: 1 the same, -1 turned round.

    Use it on rankings by different methods or weights. Not as evidence that either is right.

    With ranks a and b of m models, Kendall's :math:`\tau_b`, and the weighted Spearman correlation, to which
    disagreement at the top counts most,

    .. math:: r_w = 1 - \frac{6 \sum_i (a_i - b_i)^2 \bigl((m - a_i + 1) + (m - b_i + 1)\bigr)}
                             {m^4 + m^3 - m^2 - m}

    Parameters
    ----------
    a, b : (m,) array
        Ranks, 1 the best.

    Returns
    -------
    dict
        "weighted_spearman", "kendall"; nan where a ranking has ties only.

    Raises
    ------
    MedgraftError
        The two are not ranks of the same number of models.

    Notes
    -----
    Cost O(m^2).

    References
    ----------
    Kendall 1945, doi:10.1093/biomet/33.3.239. Pinto da Costa and Soares 2005,
    doi:10.1111/j.1467-842X.2005.00413.x.

    Examples
    --------
    >>> ranking_agreement([1, 2, 3], [1, 3, 2])
    {'weighted_spearman': 0.625, 'kendall': 0.3333333333333333}
    """
    x, y = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    m = len(x) if x.ndim == 1 else 0
    if m < 2 or y.shape != x.shape or not all(r.min() >= 1 and r.max() <= m for r in (x, y)):
        raise MedgraftError(
            f"Agreement needs the ranks, 1 to m, of the same m models twice, not shapes {x.shape} and "
            f"{y.shape}."
        )
    top = (2 * m + 2 - x - y) * (x - y) ** 2
    pairs = np.triu_indices(m, 1)
    s, t = (np.sign(r[:, None] - r[None])[pairs] for r in (x, y))
    size = float(np.sqrt((s**2).sum() * (t**2).sum()))
    return {
        "weighted_spearman": float(1 - 6 * top.sum() / (m**4 + m**3 - m**2 - m)),
        "kendall": float(s @ t) / size if size > 0 else float("nan"),
    }
