"""Density ratio by maximum likelihood (KLIEP)."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.spatial.distance import cdist

from medgraft.methods.instance.ratio import SIGMAS, Ratio, bumps
from medgraft.methods.instance.weighting import Side, Weighting, patient_folds
from medgraft.methods.registry import method
from medgraft.methods.rows import Rows
from medgraft.methods.splits import Floats, Ints, number_again

FEW = 2000


@method(
    "kliep",
    family="instance",
    needs=("source", "target-rows"),
    cost="O(n b (p + steps))",
    refs=("Sugiyama et al. 2008, doi:10.1007/s10463-008-0197-x",),
)
class KLIEP(Weighting):
    r"""Weight the source's patients by the density ratio that makes the target's patients most likely.

    Use it as ``ulsif``, under covariate shift with up to some dozens of features; its ratios are never cut at
    zero. Not for large tables in a hurry: it iterates where ``ulsif`` solves one system.

    It maximises :math:`\sum_{x \in t} \log r(x)` over :math:`r(x) = \sum_l \alpha_l e^{-\|x - c_l\|^2 / 2
    \sigma^2}`, :math:`\alpha \ge 0`, subject to :math:`\frac{1}{n_s} \sum_{x \in s} r(x) = 1`. With each bump
    divided by its mean over the source the weights are shares of a mixture, and expectation maximisation
    climbs to the (global) maximum. :math:`\sigma` is the widest whose held-out likelihood, over five folds of
    the target's patients, is within one standard error (over patients) of the largest (the paper takes the
    largest itself, whose ratio is spiky where patients are few).

    Parameters
    ----------
    task, estimator, random_state
        See `TransferEstimator`; the random state also picks the centres.
    n_centres : int
        Number of bumps, at target rows drawn at random.

    Attributes
    ----------
    weights_, ess_, note_
        As in `ULSIF`.
    sigma_ : float
        Width chosen.

    Notes
    -----
    Centres are not kept after fitting. The width is chosen on at most 2000 rows of either side, drawn at
    random; the shares are fitted to all.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = np.r_[rng.normal(0, 1, (200, 1)), rng.normal(1, 1, (50, 1))]
    >>> site = ["a"] * 200 + ["b"] * 50
    >>> m = KLIEP().fit(X, X[:, 0] > 0, domain=site, target="b", labelled=np.arange(250) < 200)
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
        n_centres: int = 100,
    ) -> None:
        super().__init__(task=task, estimator=estimator, random_state=random_state)
        self.n_centres = n_centres

    def _fit(self, rows: Rows) -> None:
        self.sigma_ = float("nan")
        super()._fit(rows)

    def _estimate(self, source: Side, target: Side) -> Ratio:
        centres = target.places(self.n_centres)
        ds, dt = cdist(source.Z, centres, "sqeuclidean"), cdist(target.Z, centres, "sqeuclidean")
        middle = float(np.sqrt(np.median(np.concatenate([ds.ravel(), dt.ravel()])))) or 1.0
        few = FEW  # rows are in a random order
        fold, weight = patient_folds(source, target, self.random_state)[1][:few], source.weight[:few]
        logs: list[Floats] = []
        for factor in SIGMAS:
            A, _ = _scaled(bumps(ds[:few], factor * middle), bumps(dt[:few], factor * middle), weight)
            held_out = np.zeros(len(A))
            for f in np.unique(fold):
                held = fold == f
                if not held.all():
                    shares = mixture(A[~held], target.weight[:few][~held], tol=1e-4)
                    held_out[held] = np.log(np.maximum(A[held] @ shares, 1e-300))
            logs.append(held_out)
        widest = _widest(np.array(logs), target.weight[:few], number_again(target.units[:few]))
        self.sigma_ = SIGMAS[widest] * middle
        A, mean = _scaled(bumps(ds, self.sigma_), bumps(dt, self.sigma_), source.weight)
        most = 5000 if len(A) <= FEW else 500  # each costs O(n b)
        return Ratio(centres, mixture(A, target.weight, most=most) / mean, self.sigma_, 0.0)


def _widest(logs: Floats, weight: Floats, units: Ints) -> int:
    """Place of the widest bump whose likelihood (widths, n) is within one standard error of the best.

    The error is that of a sum over patients: rows of one patient are no independent evidence.
    """
    score = logs @ weight
    best = int(score.argmax())
    rest = np.bincount(units, weights=weight * (logs[best] - np.average(logs[best], weights=weight)))
    error = float(np.sqrt(rest @ rest * len(rest) / max(len(rest) - 1, 1)))
    return int(np.flatnonzero(score >= score[best] - error).max())


def _scaled(S: Floats, T: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Bumps at target rows over their mean at source rows, and these means (bounded away from zero)."""
    mean = np.maximum(weight @ S / weight.sum(), 1e-12)
    return T / mean, mean


def mixture(A: Floats, weight: Floats, tol: float = 1e-10, most: int = 5000) -> Floats:
    r"""Shares (b,), not negative and of sum 1, that maximise :math:`\sum_i w_i \log (A \theta)_i`.

    Expectation maximisation: each step multiplies a share by its mean posterior; the objective never falls.
    It stops when the largest mean posterior is within `tol` of 1, which bounds the objective's distance from
    its maximum, or after `most` steps.

    Examples
    --------
    >>> mixture(np.array([[2.0, 0.0], [0.0, 1.0], [0.0, 1.0]]), np.ones(3)).round(6).tolist()
    [0.333333, 0.666667]
    """
    w = weight / weight.sum()
    theta = np.full(A.shape[1], 1.0 / A.shape[1])
    for _ in range(most):
        gain = (w / np.maximum(A @ theta, 1e-300)) @ A
        theta = theta * gain
        theta /= theta.sum()
        if gain.max() <= 1.0 + tol:
            break
    return theta
