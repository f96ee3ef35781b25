"""LogME: how probable the labels are under a Bayesian linear model of the features."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar

from medgraft.base import MedgraftError
from medgraft.sources.rank.checks import Floats, as_codes, as_matrix, as_values
from medgraft.sources.rank.registry import score

# Least noise, in mean squares of the label: features that hold the label would make evidence infinite.
LEAST_NOISE = 1e-10


@score(
    "logme",
    label="LogME",
    ref="You et al. 2021, ICML, arXiv:2102.11005",
    tasks=("classification", "regression"),
)
def log_me(features: Any, y: Any, *, task: str = "classification") -> float:
    r"""Return the log of the maximum evidence for the labels, per image.

    Use it first: it has no setting, works with fewer images than features, and is the only one of the scores
    for values, too. Not across sets of images: only networks on the same images compare.

    With :math:`w \sim N(0, \alpha^{-1} I)` and :math:`y \mid w \sim N(F w, \beta^{-1} I)`,

    .. math:: \log p(y \mid F, \alpha, \beta) = \tfrac n2 \log \beta + \tfrac d2 \log \alpha
        - \tfrac n2 \log 2\pi - \tfrac\beta2 \|F m - y\|^2 - \tfrac\alpha2 \|m\|^2 - \tfrac12 \log |A|

    where :math:`A = \alpha I + \beta F^\top F` and :math:`m = \beta A^{-1} F^\top y`; the score is its
    maximum over :math:`\alpha, \beta`, divided by n. Classes: each against the rest, as 0 and 1, averaged.
    Values are standardised first, so that their unit does not matter.

    Parameters
    ----------
    features : array (n, d)
    y : array (n,)
        Labels of any type, or values.
    task : str, default "classification"
        ``"classification"`` or ``"regression"``.

    Returns
    -------
    float
        Without bounds; higher is better. Rotating or scaling all features, the order of the rows and the
        names of the classes do not matter.

    Raises
    ------
    MedgraftError
        Values are missing, or there are fewer than two classes.

    Notes
    -----
    The evidence depends on :math:`F = U S V^\top` (one thin SVD, O(n d min(n, d))) through
    :math:`z = U^\top y` alone. For a ratio :math:`t = \alpha / \beta` the best noise is
    :math:`\beta^{-1} = \frac1n (\sum_j z_j^2 \frac{t}{t + s_j^2} + \|y\|^2 - \|z\|^2)`, so one number is
    left to search. The paper iterates :math:`\gamma = \sum_j \frac{s_j^2}{t + s_j^2}`,
    :math:`\alpha = \gamma / \|m\|^2`, :math:`\beta = (n - \gamma) / \|F m - y\|^2`, whose fixed points are
    the stationary points of that search; a search over the whole range finds the highest of them, and ends
    also where the maximum lies at infinity. Features that hold a label without error, fewer than rows, get
    a noise of 1e-10 of its mean square.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> F, y = rng.normal(size=(50, 3)), np.repeat([0, 1], 25)
    >>> bool(log_me(F + 3 * y[:, None], y) > log_me(F, y))
    True
    """
    if task not in ("classification", "regression"):
        raise MedgraftError(f"LogME knows no task '{task}': use classification or regression.")
    if task == "regression":
        Y = as_values(y)[:, None]
    else:
        codes = as_codes(y)
        Y = np.eye(int(codes.max()) + 1)[codes]
    F = as_matrix(features, len(Y))
    U, s, _ = np.linalg.svd(F, full_matrices=False)
    kept = s > (s[0] if len(s) else 0.0) * np.finfo(float).eps * max(F.shape)
    Z2, s2 = (U[:, kept].T @ Y) ** 2, s[kept] ** 2
    # Features that span all rows leave nothing over; what rounding leaves would pass for noise.
    rest = np.maximum((Y**2).sum(axis=0) - Z2.sum(axis=0), 0.0) * (len(s2) < len(Y))
    return float(np.mean([_most(Z2[:, k], s2, float(rest[k]), len(Y)) for k in range(Y.shape[1])]))


def _most(z2: Floats, s2: Floats, rest: float, n: int) -> float:
    """Return the largest evidence per row over t, for squared coordinates z2 (r,) along s2 (r,)."""
    if not len(s2):
        return float(_evidence(np.zeros(1), z2, s2, rest, n)[0])
    middle = np.log(s2.max())
    grid = middle + np.arange(-30.0, 30.5, 0.5)
    values = _evidence(grid, z2, s2, rest, n)
    best = int(values.argmax())
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    found = minimize_scalar(
        lambda x: -_evidence(np.array([x]), z2, s2, rest, n)[0],
        bounds=(low, high),
        method="bounded",
        options={"xatol": 1e-9},
    )
    return float(max(values[best], -found.fun))


def _evidence(log_t: Floats, z2: Floats, s2: Floats, rest: float, n: int) -> Floats:
    """Return the evidence per row at each ratio (b,), with the noise that is best for it."""
    t = np.exp(log_t)[:, None]
    left = (z2 * (t / (t + s2))).sum(axis=1) + rest
    noise = np.maximum(left / n, LEAST_NOISE * (len(s2) < n) * (z2.sum() + rest) / n)
    shrink = np.log1p(s2 / t).sum(axis=1)
    out: Floats = -0.5 * (n * np.log(2 * np.pi * noise) + left / noise + shrink) / n
    return out
