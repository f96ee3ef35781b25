"""Clusters that stream: counts, centres and masses of labels under a budget of bytes."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medgraft.methods.learners.base import Lesson
from medgraft.methods.learners.clusters import clusters
from medgraft.methods.splits import Floats, Ints
from medgraft.methods.streaming.base import StreamingModel
from medgraft.methods.streaming.projection import Projection, windows
from medgraft.methods.table import InputError

COMPONENTS = 15  # coordinates of a model without a population's labels


class StreamingClusters(StreamingModel):
    r"""Base of `StreamingKMeans` and `StreamingGMM`: see there.

    A window z with shares :math:`r_k` of the clusters' responsibility, times u if it has no label, changes
    counts and centres by

    .. math:: n_k \leftarrow (1 - f r_k)\, n_k + r_k, \qquad m_k \leftarrow m_k + \frac{r_k}{n_k} (z - m_k)

    and, if its label c is told, the mass of that label: :math:`M_k \leftarrow (1 - f r_k) M_k + r_k e_c`. A
    label that is not the one predicted begins a cluster of its own at the window. Where the saved state would
    be larger than the budget, the two clusters of one class whose union adds least to the sum of squares,
    :math:`n_i n_j \|m_i - m_j\|^2 / (n_i + n_j)` (Ward 1963, doi:10.1080/01621459.1963.10500845), become one,
    with the sums of both; clusters of different classes only where no class has two.
    """

    def __init__(
        self,
        *,
        per_class: int = 3,
        strength: float = 2.0,
        unlabelled: float = 0.3,
        forget: float = 0.0,
        budget: int = 20_480,
    ) -> None:
        self.per_class = per_class
        self.strength = strength
        self.unlabelled = unlabelled
        self.forget = forget
        self.budget = budget
        if per_class < 1:
            raise InputError(f"per_class must be 1 or more, not {per_class!r}.")
        if not strength > 0:
            raise InputError(f"strength must be more than 0, not {strength!r}.")
        if not 0 <= unlabelled <= 1:
            raise InputError(f"unlabelled must be from 0 to 1, not {unlabelled!r}.")
        if not 0 <= forget < 1:
            raise InputError(f"forget must be 0 or more and less than 1, not {forget!r}.")

    def fit(self, X: ArrayLike, y: ArrayLike, *, groups: ArrayLike, random_state: int = 0) -> Self:
        """Learn the population: labelled windows of other people.

        Parameters
        ----------
        X : array (n, p)
            Windows; NaN where missing.
        y : array (n,)
            Labels.
        groups : array (n,)
            Who each window is from: a centre is the mean of three or more people's windows, or of a whole
            class.
        random_state : int
            Starts k-means.
        """
        A = windows(X)
        y, who = np.asarray(y), np.unique(np.asarray(groups), return_inverse=True)[1]
        if not len(A) or y.shape != (len(A),) or who.shape != (len(A),):
            raise InputError(
                "X, y and groups must have one entry a window, and one window or more: "
                f"they have {len(A)} rows and shapes {y.shape} and {who.shape}."
            )
        self.classes_, code = np.unique(y, return_inverse=True)
        self.projection_ = Projection.discriminant(A, code)
        Z = self.projection_.apply(A)
        count: list[Floats] = []
        mean: list[Floats] = []
        mass: list[Floats] = []
        near = np.zeros(len(Z), dtype=np.intp)
        for c in range(len(self.classes_)):
            mine = code == c
            own = np.unique(who[mine], return_inverse=True)[1]
            lesson = Lesson(Z[mine], np.zeros(mine.sum(), int), np.ones(mine.sum()), own, 1)
            m, at, n = clusters(lesson, self.per_class, random_state)
            near[mine] = at + sum(len(n) for n in count)
            count.append(n)
            mean.append(m)
            mass.append(n[:, None] * np.eye(len(self.classes_))[c])
        n = np.concatenate(count)
        worth = self.strength * len(n) / n.sum()
        self.count_, self.mean_ = n * worth, np.vstack(mean)
        self.mass_ = np.vstack(mass) * worth
        self._start(Z - self.mean_[near], near, n, worth)
        self._shrink()
        return self

    def blank(self, X: ArrayLike) -> Self:
        """Start without a population: scale and principal directions from unlabelled windows, no cluster."""
        A = windows(X)
        if not len(A):
            raise InputError("A model needs one unlabelled window or more to take its scale from.")
        self.projection_ = Projection.principal(A, COMPONENTS)
        Z = self.projection_.apply(A)
        self.classes_ = np.empty(0)
        self.count_, self.mean_, self.mass_ = np.empty(0), np.empty((0, Z.shape[1])), np.empty((0, 0))
        self._start(Z, np.zeros(len(Z), dtype=np.intp), np.empty(0), self.strength / len(Z))
        self._shrink()
        return self

    def _learn(self, z: Floats, c: int | None) -> None:
        if not len(self.count_):
            if c is not None:
                self._grow(z, c)
            return  # without a cluster an unlabelled window says nothing
        fit = self._fit_of(z[None])
        if c is None:
            self._update(z, self.unlabelled * _share(fit)[0])
            return
        theta = self.mass_ / self.mass_.sum(axis=1, keepdims=True)
        if int((_share(fit) @ theta)[0].argmax()) != c:
            self._grow(z, c)
            return
        with np.errstate(divide="ignore"):  # clusters without the label take no part
            r = _share(fit + np.log(theta[:, c]))[0]
        self.mass_ *= (1 - self.forget * r)[:, None]
        self.mass_[:, c] += r
        self._update(z, r)

    def _update(self, z: Floats, r: Floats) -> None:
        """Add a window with shares r (k,) of its responsibility."""
        before = (1 - self.forget * r) * self.count_
        self.count_ = before + r
        off = z - self.mean_
        self.mean_ = self.mean_ + (r / self.count_)[:, None] * off
        self._scatter(off, r * before / self.count_, r)

    def _grow(self, z: Floats, c: int) -> None:
        """Begin a cluster at a window whose label surprised."""
        self.count_ = np.append(self.count_, 1.0)
        self.mean_ = np.vstack([self.mean_, z])
        self.mass_ = np.vstack([self.mass_, np.eye(len(self.classes_))[c]])
        self._grown()
        self._shrink()

    def _shrink(self) -> None:
        """Merge clusters until the saved state keeps to the budget."""
        while (size := self.state_bytes()) > self.budget:
            if len(self.count_) < 2:
                raise InputError(
                    f"The smallest state takes {size} bytes, but the budget is {self.budget}: "
                    "raise it, or give fewer features."
                )
            self._merge(*self._nearest_pair())

    def _nearest_pair(self) -> tuple[int, int]:
        n, m, kind = self.count_, self.mean_, self.mass_.argmax(axis=1)
        far = ((m[:, None] - m) ** 2).sum(axis=2) * n[:, None] * n / (n[:, None] + n)
        pair = np.triu(np.ones(far.shape, dtype=bool), 1)
        alike = pair & (kind[:, None] == kind)
        i, j = np.unravel_index(np.where(alike if alike.any() else pair, far, np.inf).argmin(), far.shape)
        return int(i), int(j)

    def _merge(self, i: int, j: int) -> None:
        """Let cluster i have the sums of i and j, and drop j."""
        total = self.count_[i] + self.count_[j]
        off = self.mean_[j] - self.mean_[i]
        self._merged(i, j, off, self.count_[i] * self.count_[j] / total)
        self.mean_[i] += off * self.count_[j] / total
        self.count_[i] = total
        self.mass_[i] += self.mass_[j]
        self.count_, self.mean_, self.mass_ = (
            np.delete(a, j, axis=0) for a in (self.count_, self.mean_, self.mass_)
        )

    def _proba(self, Z: Floats) -> Floats:
        theta = self.mass_ / self.mass_.sum(axis=1, keepdims=True)
        return np.einsum("nk,kc->nc", _share(self._fit_of(Z)), theta)

    def _widen(self, place: NDArray[np.intp]) -> None:
        wide = np.zeros((len(self.count_), len(self.classes_)))
        wide[:, place] = self.mass_
        self.mass_ = wide
        self._shrink()

    def _settings(self) -> dict[str, Any]:
        return {k: getattr(self, k) for k in ("per_class", "strength", "unlabelled", "forget", "budget")}

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {"count": self.count_, "mean": self.mean_, "mass": self.mass_}

    def _restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        self.count_, self.mean_, self.mass_ = arrays["count"], arrays["mean"], arrays["mass"]

    @abstractmethod
    def _fit_of(self, Z: Floats) -> Floats:
        """Log of how well each cluster explains each window, (n, k); -inf for not at all."""

    def _start(self, off: Floats, near: Ints, count: Floats, worth: float) -> None:
        """Learn spreads: deviations (n, d) of windows from their centres, each window being worth `worth`."""

    def _scatter(self, off: Floats, weight: Floats, r: Floats) -> None:
        """Add deviations (k, d) from the centres before a window, with weights (k,)."""

    def _grown(self) -> None:
        """A cluster was appended."""

    def _merged(self, i: int, j: int, off: Floats, weight: float) -> None:
        """Cluster j goes into i, `off` away, before the counts change."""


def _share(log: Floats) -> Floats:
    """Normalise rows of logs to sum to one."""
    e = np.exp(log - log.max(axis=1, keepdims=True))
    return np.asarray(e / e.sum(axis=1, keepdims=True))
