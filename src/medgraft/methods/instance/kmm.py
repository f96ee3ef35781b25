"""Weight source patients so that their mean in a kernel's space is the target's (kernel mean matching)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist, pdist

from medgraft.methods.instance.ratio import bumps
from medgraft.methods.instance.weighting import Side, Weighting
from medgraft.methods.registry import method
from medgraft.methods.rows import Rows
from medgraft.methods.splits import Floats
from medgraft.methods.table import InputError


@method(
    "kmm",
    family="instance",
    needs=("source", "target-rows"),
    cost="O(n m (p + m))",
    refs=(
        "Huang, Smola, Gretton, Borgwardt and Schoelkopf 2006, NIPS 19:601-608",
        "Gretton, Smola, Huang, Schmittfull, Borgwardt and Schoelkopf 2009, Dataset Shift in Machine "
        "Learning, MIT Press, 131-160",
    ),
)
class KernelMeanMatching(Weighting):
    r"""Weight the source's patients so that their kernel mean is the target's, without a density model.

    Use it under covariate shift, as ``ulsif``, where weights must be bounded and nothing is to be tuned; it
    bears more features than the other kernel methods. Not where the rule itself differs, nor where the sides
    hardly overlap: see ``ess_``.

    With :math:`\mu_t` the target's mean of the features :math:`\varphi` of a Gaussian kernel, it solves

    .. math:: \min_\beta \Big\| \tfrac{1}{n} \sum_i \beta_i \varphi(x_i) - \mu_t \Big\|^2
              + \tfrac{\rho}{n^2} \sum_i \beta_i^2
              \quad \text{s.t.} \quad 0 \le \beta_i \le B, \ \tfrac{1}{n} \sum_i \beta_i = 1

    over the n source rows. The second term is what n weighted rows vary by: it makes the solution unique,
    and smooth, :math:`\beta(x) = \min(B, \max(0, \tfrac{n}{\rho} (f(x) + \nu)))` with the witness
    :math:`f(x) = \varphi(x)^\top (\mu_t - \tfrac{1}{n} \sum_i \beta_i \varphi(x_i))`. The paper has no such
    term and leaves the sum free within a tolerance; its solutions lie at the bounds.

    Parameters
    ----------
    task, estimator, random_state
        See `TransferEstimator`; the random state also picks the landmarks.
    bound : float above 1, optional
        The largest weight B; default the square root of the number of source rows.
    penalty : float above 0
        :math:`\rho`; 1 is the sampling variance of a weighted mean of bounded features.
    n_landmarks : int
        The kernel is exact up to this many rows of both sides; beyond, it is projected on the span of this
        many, half of each side, drawn at random (Nystroem).

    Attributes
    ----------
    weights_, ess_, note_
        As in `ULSIF`.
    sigma_ : float
        Width of the kernel, the median distance of the landmarks.

    Raises
    ------
    InputError
        A `bound` of 1 or less, a `penalty` of 0 or less, fewer than two landmarks.

    Notes
    -----
    The dual has as many unknowns as landmarks m and is solved by Newton steps to rounding error: time
    O(n m (p + m)) a step, of which there are about ten; memory O(n m). Landmarks are not kept.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = np.r_[rng.normal(0, 1, (200, 1)), rng.normal(1, 1, (50, 1))]
    >>> site = ["a"] * 200 + ["b"] * 50
    >>> m = KernelMeanMatching().fit(X, X[:, 0] > 0, domain=site, target="b", labelled=np.arange(250) < 200)
    >>> w = m.weights_[:200]
    >>> bool(w[X[:200, 0] > 1].mean() > w[X[:200, 0] < 0].mean())
    True
    """

    def __init__(
        self,
        *,
        task: str = "classification",
        estimator: Any = None,
        random_state: int = 0,
        bound: float | None = None,
        penalty: float = 1.0,
        n_landmarks: int = 300,
    ) -> None:
        super().__init__(task=task, estimator=estimator, random_state=random_state)
        self.bound = bound
        self.penalty = penalty
        self.n_landmarks = n_landmarks

    def _fit(self, rows: Rows) -> None:
        if self.bound is not None and not self.bound > 1:
            raise InputError(f"bound must be greater than 1, not {self.bound!r}: weights have mean 1.")
        if not self.penalty > 0:
            raise InputError(f"penalty must be greater than 0, not {self.penalty!r}.")
        if self.n_landmarks < 2:
            raise InputError(f"n_landmarks must be 2 or more, not {self.n_landmarks!r}.")
        self.sigma_ = float("nan")
        super()._fit(rows)

    def _estimate(self, source: Side, target: Side) -> Callable[[Floats], Floats]:
        own, others = target.places(self.n_landmarks), source.places(self.n_landmarks)
        others = others[: max(self.n_landmarks // 2, self.n_landmarks - len(own))]
        landmarks = np.vstack([others, own[: self.n_landmarks - len(others)]])
        self.sigma_ = float(np.median(pdist(landmarks))) or 1.0
        features = kernel_features(landmarks, self.sigma_)
        total = float(source.weight.sum())
        bound = max(np.sqrt(total), 2.0) if self.bound is None else float(self.bound)
        mean = np.average(features(target.Z), axis=0, weights=target.weight)
        F = features(source.Z)
        slope, level = match_means(F, source.weight, mean, self.penalty, bound)
        del F

        def ratio(Z: Floats) -> Floats:
            return np.clip((features(Z) @ slope + level) * (total / self.penalty), 0.0, bound)

        return ratio


def kernel_features(landmarks: Floats, sigma: float) -> Callable[[Floats], Floats]:
    """Features (n, r) whose products are the Gaussian kernel, exact on the span of the landmarks (m, p)."""
    values, vectors = np.linalg.eigh(bumps(cdist(landmarks, landmarks, "sqeuclidean"), sigma))
    keep = values > 1e-12 * values[-1]
    turn = vectors[:, keep] / np.sqrt(values[keep])
    return lambda Z: np.asarray(bumps(cdist(Z, landmarks, "sqeuclidean"), sigma) @ turn)


def match_means(
    F: Floats, weight: Floats, mean: Floats, penalty: float, bound: float
) -> tuple[Floats, float]:
    r"""Solve kernel mean matching in its dual, min over v and :math:`\nu` of the convex, once smooth

    .. math:: \tfrac{1}{2} \|v\|^2 - v^\top \mu - \nu + \tfrac{1}{n} \sum_i w_i
              \max_{0 \le \beta \le B} \big( \beta (\varphi_i^\top v + \nu) - \tfrac{\rho}{2n} \beta^2 \big).

    Parameters
    ----------
    F : array (n, r)
        Features of the source's rows.
    weight : array (n,)
        How many rows each stands for.
    mean : array (r,)
        The target's mean of the features.
    penalty, bound : float
        :math:`\rho` and B.

    Returns
    -------
    v (r,) and nu
        With n the sum of the weights, row i weighs
        :math:`\min(B, \max(0, \tfrac{n}{\rho} (\varphi_i^\top v + \nu)))`.
    """
    n, r = float(weight.sum()), F.shape[1]
    steep = n / penalty
    v, level = np.zeros(r), 1.0 / steep

    def at(v: Floats, level: float) -> tuple[Floats, float]:
        a = F @ v + level
        beta = np.clip(steep * a, 0.0, bound)
        value = 0.5 * v @ v - v @ mean - level + weight @ (beta * (a - beta / (2 * steep))) / n
        return beta, float(value)

    beta, value = at(v, level)
    for _ in range(100):
        pull = weight * beta / n
        gradient = np.append(v - mean + pull @ F, pull.sum() - 1.0)
        if np.abs(gradient).max() < 1e-13:
            break
        free = (beta > 0) & (beta < bound)
        G, w = F[free], weight[free] / penalty
        side = w @ G
        curve = np.block([[np.eye(r) + (G.T * w) @ G, side[:, None]], [side, np.array([[w.sum() + 1e-9]])]])
        step = np.linalg.solve(curve, gradient)
        size, fall = 1.0, float(gradient @ step)
        while True:
            new_v, new_level = v - size * step[:-1], level - size * step[-1]
            beta, new_value = at(new_v, new_level)
            if new_value <= value - 1e-4 * size * fall or size < 1e-8:
                break
            size /= 2
        v, level = new_v, float(new_level)
        if value - new_value <= 1e-16 * abs(value):  # the piece is the last one: nothing falls any more
            break
        value = new_value
    return v, level
