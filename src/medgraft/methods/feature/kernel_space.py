"""A Gaussian kernel in few coordinates, and the transfer components of TCA, JDA and BDA in it.

The kernel is k(x, z) = exp(-|x - z|^2 / 2 width^2), replaced by its projection on m landmarks (Nystroem):
phi(x) = K_LL^(-1/2) k(L, x), so that k(x, z) is about phi(x)'phi(z), and exactly so where x or z is a
landmark. Everything then costs O(n m) and one m x m eigenproblem.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import eigh
from scipy.spatial.distance import pdist

from medgraft.methods.base import TransferEstimator
from medgraft.methods.rows import Mask, Rows
from medgraft.methods.splits import Floats, Ints
from medgraft.methods.table import InputError

BLOCK = 8192  # rows whose kernel values are held at a time
LEAST = 3  # different patients behind a landmark, so that none of them is a patient
CANDIDATES = 10  # rows a landmark, on each side


@dataclass(frozen=True)
class KernelSpace:
    """Coordinates phi (n, r) in which the kernel is a product.

    Parameters
    ----------
    landmarks : array (m, p)
    width : float
    root : array (m, r)
        K_LL^(-1/2) without the directions that are only rounding.
    """

    landmarks: Floats
    width: float
    root: Floats

    @classmethod
    def of(cls, landmarks: Floats, width: float) -> KernelSpace:
        """Prepare the coordinates for some landmarks."""
        values, Q = np.linalg.eigh(gaussian(landmarks, landmarks, width))
        kept = values > 1e-11 * values[-1]
        return cls(landmarks, width, Q[:, kept] / np.sqrt(values[kept]))

    def gram(self, Z: Floats, weight: Floats) -> Floats:
        """Weighted sum of phi phi' over rows (r, r)."""
        total = np.zeros((len(self.landmarks),) * 2)
        for i in range(0, len(Z), BLOCK):
            K = gaussian(Z[i : i + BLOCK], self.landmarks, self.width)
            total += K.T @ (K * weight[i : i + BLOCK, None])
        return np.asarray(self.root.T @ total @ self.root)

    def sums(self, Z: Floats, weights: Floats) -> Floats:
        """Sums of phi over rows (r, q), for weights (n, q)."""
        total = np.zeros((len(self.landmarks), weights.shape[1]))
        for i in range(0, len(Z), BLOCK):
            total += gaussian(Z[i : i + BLOCK], self.landmarks, self.width).T @ weights[i : i + BLOCK]
        return np.asarray(self.root.T @ total)


@dataclass(frozen=True)
class Problem:
    r"""Transfer components in a kernel space: which directions keep variance and lose the domains.

    For a kernel matrix K = Phi Phi' of n rows it is

    .. math:: \min_W \mathrm{tr}\,W^\top K \textstyle\sum_q s_q s_q^\top K W + \mu\,\mathrm{tr}\,W^\top W
              \quad\text{with}\quad W^\top K H K W = I,

    H the centring matrix. With Phi = Q G^(1/2), G = Phi'Phi, only the part Q C of W matters, and C (r, d)
    holds the leading solutions of S c = lambda (U U' + mu I) c, S = G^(1/2) Phi'H Phi G^(1/2),
    U = G^(1/2) Phi's. The minimum is the sum of 1/lambda.

    Parameters
    ----------
    half : array (r, r)
        G^(1/2).
    spread : array (r, r)
        S.
    n : float
        Sum of the weights; a row of weight 2 is two rows.
    """

    half: Floats
    spread: Floats
    n: float

    @classmethod
    def of(cls, gram: Floats, total: Floats, n: float) -> Problem:
        """Prepare from the sums of phi phi' (r, r) and of phi (r,)."""
        values, Q = np.linalg.eigh(gram)
        half = (Q * np.sqrt(np.maximum(values, 0.0))) @ Q.T
        spread = half @ (gram - np.outer(total, total) / n) @ half
        return cls(half, 0.5 * (spread + spread.T), n)

    def solve(self, gaps: Floats, penalty: float, d: int) -> tuple[Floats, Floats]:
        """Solve for gaps Phi's (r, q): C (r, d) and the eigenvalues (d,), the largest first.

        Directions whose eigenvalue is rounding beside the first are left out, so there may be fewer than d.
        """
        r = len(self.half)
        U = self.half @ gaps
        low = max(r - d, 0)
        values, C = eigh(self.spread, U @ U.T + penalty * np.eye(r), subset_by_index=[low, r - 1])
        values, C = values[::-1], C[:, ::-1]
        kept = values > 1e-9 * max(values[0], 0.0)
        values, C = values[kept], C[:, kept] / np.sqrt(values[kept])
        C = C * np.where(np.take_along_axis(C, np.abs(C).argmax(axis=0)[None], axis=0) < 0, -1.0, 1.0)
        return C, values

    def directions(self, C: Floats) -> Floats:
        """Return V (r, d) with phi V of mean square 1 about its mean, for the solution C."""
        return np.asarray(np.sqrt(self.n) * self.half @ C)


class KernelMethod(TransferEstimator):
    """Base of the methods that learn on transfer components.

    Derive from it and implement ``_gaps(...)``. Without enough patients the learner gets all rows as they
    are, and ``note_`` says so.

    Parameters
    ----------
    task, estimator, random_state
        See `TransferEstimator`.
    n_components : int
        Number of components d, at most; fewer where the kernel has no more.
    penalty : float
        mu, above 0.
    width : float, optional
        Width of the kernel in encoded features; default the median distance between patients.
    n_landmarks : int
        Number m of landmarks, at most.
    """

    _counts: tuple[str, ...] = ("n_components", "n_landmarks")  # settings that are numbers of things

    def __init__(
        self,
        *,
        task: str = "classification",
        estimator: Any = None,
        random_state: int = 0,
        n_components: int = 10,
        penalty: float = 1.0,
        width: float | None = None,
        n_landmarks: int = 300,
    ) -> None:
        super().__init__(task=task, estimator=estimator, random_state=random_state)
        self.n_components = n_components
        self.penalty = penalty
        self.width = width
        self.n_landmarks = n_landmarks

    def _fit(self, rows: Rows) -> None:
        self._check()
        self.encoder_ = rows.encoder()
        Z = self.encoder_.transform(rows.table)
        everyone = np.ones(len(Z), dtype=bool)
        self.n_components_ = 0
        chosen = candidates(rows, CANDIDATES * self.n_landmarks, self.random_state)
        landmarks = group_means(Z[chosen], rows.units[chosen], self.n_landmarks)
        if min(rows.source.sum(), rows.target.sum()) < 2 or len(landmarks) < 2:
            self.note_ = "Transfer components need more source and target patients: all were pooled."
            self._learn(Z, rows, everyone)
            return
        width = self.width or median_distance(Z[chosen])
        space = KernelSpace.of(landmarks, width)
        total = space.sums(Z, rows.weight[:, None])[:, 0]
        problem = Problem.of(space.gram(Z, rows.weight), total, float(rows.weight.sum()))
        self.landmarks_, self.width_ = landmarks, width
        self._adapt(Z, rows, space, problem)
        self._learn(self._embed(Z), rows, everyone)

    @abstractmethod
    def _adapt(self, Z: Floats, rows: Rows, space: KernelSpace, problem: Problem) -> None:
        """Find the components and keep them by ``_keep``."""

    def _keep(self, space: KernelSpace, problem: Problem, gaps: Floats) -> None:
        C, self.eigenvalues_ = problem.solve(gaps, self.penalty, self.n_components)
        self.n_components_ = C.shape[1]
        self.projection_ = space.root @ problem.directions(C)

    def _embed(self, Z: Floats) -> Floats:
        out = np.empty((len(Z), self.n_components_))
        for i in range(0, len(Z), BLOCK):
            out[i : i + BLOCK] = gaussian(Z[i : i + BLOCK], self.landmarks_, self.width_) @ self.projection_
        return out

    def _encode(self, X: Any) -> Floats:
        Z = super()._encode(X)
        return self._embed(Z) if self.n_components_ else Z

    def _check(self) -> None:
        for name in self._counts:
            value = getattr(self, name)
            if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
                raise InputError(f"{name} must be a whole number from 1 on, not {value!r}.")
        for name in ("penalty", "width"):
            value = getattr(self, name)
            if not (value is None and name == "width") and not (
                isinstance(value, int | float) and 0 < value < np.inf
            ):
                raise InputError(f"{name} must be a number above 0, not {value!r}.")


def gaussian(A: Floats, B: Floats, width: float) -> Floats:
    """Gaussian kernel (n, m) of the rows of A and B."""
    squared = (A**2).sum(axis=1)[:, None] + (B**2).sum(axis=1) - 2.0 * (A @ B.T)
    np.maximum(squared, 0.0, out=squared)
    squared /= -2.0 * width**2
    return np.asarray(np.exp(squared, out=squared))


def domain_gap(rows: Rows) -> Floats:
    """Weights s (n, 1) whose sum is the difference of the two sides' means."""
    return mean_difference(rows.weight * rows.source, rows.weight * rows.target)[:, None]


def mean_difference(a: Floats, b: Floats) -> Floats:
    """Weights whose sum is the mean under weights a minus that under b; zero where one side is empty."""
    if not (a.any() and b.any()):
        return np.zeros(len(a))
    return np.asarray(a / a.sum() - b / b.sum())


def drawn(rows: Rows, where: Mask, most: int, seed: int) -> Ints:
    """At most so many distinct rows of `where`, in an order that belongs to their content and the seed."""
    at = np.flatnonzero(where)
    keys = rows.table.keys()[at]
    at = at[np.lexsort((rows.units[at], keys))]
    _, first = np.unique(np.sort(keys), return_index=True)
    return at[first][np.random.default_rng(seed).permutation(len(first))[:most]]


def candidates(rows: Rows, most: int, seed: int) -> Ints:
    """Distinct rows, at most so many of each side, mixed."""
    both = np.concatenate([drawn(rows, side, most, seed) for side in (rows.source, rows.target)])
    _, first = np.unique(rows.table.keys()[both], return_index=True)
    return both[first][np.random.default_rng(seed).permutation(len(first))]


def group_means(Z: Floats, units: Ints, most: int) -> Floats:
    """Means (m, p) of at most so many groups of alike rows, each of three different patients or more.

    The largest group is halved again and again, along the line from its mean to its farthest row. Means of
    halves are better landmarks than rows drawn at random, and they are nobody's data.
    """
    groups, done = [np.arange(len(Z))], list[Ints]()
    if len(np.unique(units)) < LEAST:
        return np.empty((0, Z.shape[1]))
    while groups and len(groups) + len(done) < most:
        group = groups.pop(int(np.argmax([len(g) for g in groups])))
        halves = _halves(Z, group)
        if min(len(np.unique(units[h])) for h in halves) < LEAST:
            done.append(group)
        else:
            groups.extend(halves)
    return np.array([Z[g].mean(axis=0) for g in [*done, *groups]])


def _halves(Z: Floats, group: Ints) -> tuple[Ints, Ints]:
    A = Z[group] - Z[group].mean(axis=0)
    far = A[int(np.argmax(_rounded((A**2).sum(axis=1))))]
    order = np.argsort(_rounded(A @ far), kind="stable")
    return group[order[: len(group) // 2]], group[order[len(group) // 2 :]]


def _rounded(values: Floats) -> Floats:
    """Make equal what differs by rounding only, so that the order of the file's rows breaks no tie."""
    top = float(np.abs(values).max()) or 1.0
    return np.round(values / top, 9)


def median_distance(Z: Floats) -> float:
    """Median distance between the first thousand rows; 1 where it is 0."""
    return float(np.median(pdist(Z[:1000]))) or 1.0
