"""L1-penalised regression over several hospitals by accelerated proximal gradient: sums of gradients only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medgraft.methods.federated.messages import Federation
from medgraft.methods.model.lasso import HOLD, L1Problem, solve_l1
from medgraft.methods.splits import Floats, Ints

NOBODY = -1  # the fold that holds nobody out
COMPARED = "Some penalties were compared before their fits had settled."
ENDED = "The rounds ended before the coefficients had settled."


class Proximal:
    r"""The server's side of the L1 fit, for several penalties, folds and sets of sites at once.

    It minimises the objective of `L1Problem` over the sites' labelled rows. The step is one over the largest
    eigenvalue of the summed Gram matrix, which each site sends once.

    Parameters
    ----------
    federation : Federation
        Sites that answer ``gram`` and ``gradients``.
    p : int
        Number of features.
    k : int
        Number of classes; 0 for values.

    Attributes
    ----------
    settled : bool
        Whether every fit so far came to rest.
    """

    rounds, rough_rounds = 20_000, 2000  # most rounds of a fit

    def __init__(self, federation: Federation, p: int, k: int) -> None:
        self.federation, self.q, self.k = federation, p + 1, k
        self.m = k if k > 2 else 1
        self.settled = True
        self._grams = np.stack([a["gram"] for a in federation.ask("gram", {})])
        self._bend = {0: 1.0, 2: 0.25}.get(k, 0.5)

    def largest(self, take: Floats | None = None) -> Floats:
        """Smallest penalty at which no feature enters (N,), for each set of sites (N, S); default all."""
        take = self._everyone(1) if take is None else take
        null = np.zeros((len(take), self.m, self.q))
        out = np.full(len(take), NOBODY)
        gradient, weight = self._sums(null, out, take)
        for b, g, w in zip(null, gradient, weight, strict=True):
            b[:, -1] = self._alone(g[:, -1], float(w))
        gradient, weight = self._sums(null, out, take)
        return np.maximum(np.abs(gradient[:, :, :-1]).max(axis=(1, 2)) / weight, 1e-12)

    def fit(
        self,
        lam: Floats,
        out: Ints,
        *,
        take: Floats | None = None,
        start: Floats | None = None,
        rough: bool = False,
    ) -> Floats:
        """Coefficients (M, m, p + 1) for penalties (M,) and held-out folds (M,).

        `take` (M, S) holds ones for the sites that a model learns from; default all. `rough` fits are good
        enough to compare penalties by.
        """
        M = len(lam)
        tol = 1e-5 if rough else 1e-8
        take = self._everyone(M) if take is None else take
        cut = np.tile(lam[:, None, None], (1, 1, self.q))
        cut[:, :, -1] = 0.0
        gradient, weight = self._sums(np.zeros((M, self.m, self.q)), out, take)
        hold = HOLD * self._lost(gradient[:, :, -1], weight)[:, None]
        step = (1.0 / (self._curve(take, weight) + hold[:, 0]))[:, None, None]
        beta = np.zeros((M, self.m, self.q)) if start is None else start.copy()
        ahead, t = beta.copy(), np.ones((M, 1, 1))
        live = np.arange(M)
        for _ in range(self.rough_rounds if rough else self.rounds):
            gradient, weight = self._sums(ahead[live], out[live], take[live])
            gradient = gradient / weight[:, None, None]
            gradient[:, :, -1] += hold[live] * ahead[live, :, -1]
            new = ahead[live] - step[live] * gradient
            new = np.sign(new) * np.maximum(np.abs(new) - step[live] * cut[live], 0.0)
            off, move = ahead[live] - new, new - beta[live]
            turned = (off * move).sum(axis=(1, 2), keepdims=True) > 0
            old = np.where(turned, 1.0, t[live])
            t[live] = 0.5 * (1.0 + np.sqrt(1.0 + 4.0 * old * old))
            ahead[live], beta[live] = new + (old - 1.0) / t[live] * move, new
            live = live[np.abs(off / step[live]).max(axis=(1, 2)) >= tol]
            if not len(live):
                return beta
        self.settled = False
        return beta

    def _everyone(self, models: int) -> Floats:
        return np.ones((models, len(self.federation.sites)))

    def _sums(self, beta: Floats, out: Ints, take: Floats) -> tuple[Floats, Floats]:
        """Gradients (M, m, p + 1) and weights (M,), summed over the sites of each model."""
        answers = self.federation.ask("gradients", {"beta": beta, "out": out})
        gradient = np.sum([t[:, None, None] * a["gradient"] for t, a in zip(take.T, answers, strict=True)], 0)
        weight = np.sum([t * a["weight"] for t, a in zip(take.T, answers, strict=True)], axis=0)
        return gradient, np.maximum(weight, 1e-300)

    def _curve(self, take: Floats, weight: Floats) -> Floats:
        """Bound of the curvature (M,); holding rows out only lowers the sums that it is made from."""
        sets, which = np.unique(take, axis=0, return_inverse=True)
        top = np.array([np.linalg.eigvalsh(np.tensordot(s, self._grams, 1))[-1] for s in sets])
        return np.asarray(self._bend * np.maximum(top[which.reshape(-1)] / weight, 1e-12))

    def _shares(self, pull: Floats, weight: Floats) -> Floats:
        """Weights (..., K) of the classes from the intercepts' gradient (..., m) at zero."""
        if self.k == 2:
            first = weight / 2 + pull[..., 0]
            return np.stack([first, weight - first], axis=-1)
        return np.asarray(np.asarray(weight)[..., None] / self.k - pull)

    def _lost(self, pull: Floats, weight: Floats) -> NDArray[np.float64]:
        if not self.k:
            return np.zeros(len(weight))
        shares = self._shares(pull, weight)
        return np.asarray(shares <= 1e-9 * weight[:, None]).any(axis=1).astype(float)

    def _alone(self, pull: Floats, weight: float) -> Floats:
        """Intercepts (m,) when nothing else is in the model, from the gradient at zero."""
        if not self.k:
            return np.asarray(-pull / weight)
        shares = self._shares(pull, np.asarray(weight))
        shares = np.where(shares <= 1e-9 * weight, 0.0, shares)
        classes = L1Problem(np.zeros((self.k, 0)), np.arange(self.k), self.k)
        return np.asarray(solve_l1(classes, shares[None, :], np.inf, tol=1e-12)[0, :, -1])
