"""A trunk's last layer and its head, learnt together while the layer is held near where it was."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from medgraft.methods.learner import LogisticLearner, RidgeLearner
from medgraft.methods.splits import Floats

STEPS = 200


def move_last_layer(
    H: Floats,
    layer: tuple[Floats, Floats],
    head: LogisticLearner | RidgeLearner,
    y: NDArray[Any],
    weight: Floats,
    pull: float,
) -> Floats:
    r"""Move the weights of a frozen trunk's last layer together with the head, which is changed in place.

    Use it where the codes are nearly right and some dozen labels can correct them. Not with fewer: the layer
    has more weights than there are patients.

    With inputs h of the layer, its weights W and bias b, it minimises from the frozen layer :math:`W_0`

    .. math:: \sum_i w_i \ell(y_i, B (W h_i + b) + c) + \frac{\lambda}{2} \|B\|^2
              + \frac{\kappa}{2} \|W - W_0\|^2

    where :math:`\ell` is the log loss, or half the squared error in units of the variance of y (and so is
    :math:`\lambda`), and :math:`\lambda` is the head's own penalty.

    Parameters
    ----------
    H : array (n, m)
        Inputs of the layer.
    layer : arrays (d, m) and (d,)
        :math:`W_0` and b.
    head : LogisticLearner or RidgeLearner
        Fitted on the layer's outputs, with two classes or more.
    y : array (n,)
        Class codes, or values.
    weight : array (n,)
    pull : float
        :math:`\kappa`.

    Returns
    -------
    array (d, m)
        W.

    Notes
    -----
    The problem is not convex; it descends from the frozen layer, so that the objective is never worse.
    L-BFGS, at most 200 steps of O(n m d).

    References
    ----------
    Xuhong, Grandvalet and Davoine 2018, Proc. Mach. Learn. Res. 80:2825-2834.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> H, W, b = rng.normal(size=(40, 3)), np.array([[1.0, 0.0, 0.0]]), np.zeros(1)
    >>> y = H[:, 0] + H[:, 1]  # the second input is missed by the layer
    >>> head = RidgeLearner(penalties=[1e-3]).fit(H @ W.T, y)
    >>> moved = move_last_layer(H, (W, b), head, y, np.ones(40), 1e-3)
    >>> bool(abs(moved[0, 1] / moved[0, 0] - 1) < 0.01)
    True
    """
    W0, b = layer
    d, m = W0.shape
    classes = isinstance(head, LogisticLearner)
    B0 = np.atleast_2d(head.coef_)
    k = len(B0)
    codes = np.searchsorted(head.classes_, y) if classes else np.zeros(len(y), dtype=np.intp)
    mean = float(weight @ y / weight.sum()) if not classes else 0.0
    variance = 1.0 if classes else float(weight @ (y - mean) ** 2 / weight.sum()) or 1.0

    def objective(theta: Floats) -> tuple[float, Floats]:
        W, B = theta[: d * m].reshape(d, m), theta[d * m : d * m + k * d].reshape(k, d)
        c = theta[d * m + k * d :]
        Z = H @ W.T + b
        eta = Z @ B.T + c
        if classes:
            scores = np.column_stack([np.zeros(len(eta)), eta]) if k == 1 else eta
            top = scores.max(axis=1, keepdims=True)
            P = np.exp(scores - top)
            total = P.sum(axis=1, keepdims=True)
            each = np.log(total[:, 0]) + top[:, 0] - scores[np.arange(len(y)), codes]
            P /= total
            P[np.arange(len(y)), codes] -= 1.0
            slope = P[:, 1:] if k == 1 else P
        else:
            slope = eta - np.asarray(y, dtype=float)[:, None]
            each = 0.5 * slope[:, 0] ** 2
        slope = slope * weight[:, None]
        value = float(weight @ each + 0.5 * head.penalty_ * (B**2).sum()) / variance
        slope_W = B.T @ slope.T @ H / variance + pull * (W - W0)
        slope_B = (slope.T @ Z + head.penalty_ * B) / variance
        gradient = np.concatenate([slope_W.ravel(), slope_B.ravel(), slope.sum(axis=0) / variance])
        return value + 0.5 * pull * float(((W - W0) ** 2).sum()), gradient

    start = np.concatenate([W0.ravel(), B0.ravel(), np.atleast_1d(head.intercept_)])
    found = minimize(
        objective, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS, "ftol": 1e-12, "gtol": 1e-8}
    )
    B, c = found.x[d * m : d * m + k * d].reshape(k, d), found.x[d * m + k * d :]
    head.coef_, head.intercept_ = (B, c) if classes else (B[0], float(c[0]))
    return np.asarray(found.x[: d * m].reshape(d, m))
