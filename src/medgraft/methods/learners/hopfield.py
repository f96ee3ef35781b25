"""Discrete Hopfield network: a row falls into the nearest stored pattern."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medgraft.methods.learners.base import Lesson, TaskLearner
from medgraft.methods.learners.clusters import clusters
from medgraft.methods.learners.margins import calibrate, calibrated, plain
from medgraft.methods.learners.registry import learner
from medgraft.methods.splits import Floats
from medgraft.methods.table import InputError

SWEEPS = 100
STORAGES = ("pseudo-inverse", "hebb")


@learner(
    "hopfield",
    tasks=("classification",),
    refs=(
        "Hopfield 1982, doi:10.1073/pnas.79.8.2554",
        "Personnaz et al. 1986, doi:10.1103/PhysRevA.34.4217",
        "Ragab et al. 2023, doi:10.32604/cmc.2023.031037",
    ),
)
class HopfieldLearner(TaskLearner):
    r"""Discrete Hopfield network: rows become bits, fall into a stored pattern, and take its class.

    Use it to repeat studies that end in one, on a network's many features. Not as a first choice: bits throw
    away how far a value is from a threshold, and a linear learner does not.

    A feature becomes `levels` bits of -1 or 1, one for each of its quantiles at the steps of
    1 / (levels + 1). Patterns are the signs of the mean bits of clusters of three or more patients, at most
    `patterns` a class. The weights of the N neurons are

    .. math:: W = \frac{1}{N} \sum_\mu \xi^\mu \xi^{\mu\top} \text{ (Hebb) or }
              W = \Xi (\Xi^\top \Xi)^{+} \Xi^\top \text{ (pseudo-inverse)},

    without their diagonal. Neurons are updated one after the other, :math:`s_i = \mathrm{sign}(W s)_i` (as it
    was at 0), until a sweep changes nothing; the energy :math:`-s^\top W s / 2` falls with each change. The
    margin of a class is the largest overlap :math:`\xi^\mu \cdot (s + s_0) / 2N` of its patterns, :math:`s_0`
    being the row as it came; probabilities are the softmax of margins, fitted on held-out patients.

    Parameters
    ----------
    task, random_state
        See `TaskLearner`; the seed also starts the clusters.
    patterns : int
        Most patterns a class.
    levels : int
        Bits a feature.
    storage : {"pseudo-inverse", "hebb"}
        The first keeps any patterns fixed that are linearly independent, the second only few and unlike ones
        (some 0.14 N at random).
    folds : int
        Inner splits.

    Attributes
    ----------
    thresholds_ : array (levels, p)
        Quantiles of standardised features.
    patterns_ : array (N, P)
        Stored patterns.
    class_ : array (P,) of int
        Class of each pattern.
    sigmoid_ : array (K, K + 1)
        Slopes and intercepts of the probabilities.

    Raises
    ------
    InputError
        A setting of another kind.

    Notes
    -----
    W is never formed: a sweep costs O(n N P), and at most 100 are made.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(120, 8)) + np.repeat([[0.0], [1.5]], 60, axis=0)
    >>> m = HopfieldLearner().fit(X, np.repeat(["well", "ill"], 60))
    >>> m.predict([[-0.5] * 8, [2.0] * 8]).tolist()
    ['well', 'ill']
    """

    regression = False
    rough = True  # two features are too few bits

    def __init__(
        self,
        *,
        task: str = "classification",
        patterns: int = 3,
        levels: int = 3,
        storage: str = "pseudo-inverse",
        folds: int = 5,
        random_state: int = 0,
    ) -> None:
        self.task = task
        self.patterns = patterns
        self.levels = levels
        self.storage = storage
        self.folds = folds
        self.random_state = random_state

    def _fit(self, lesson: Lesson) -> None:
        for name in ("patterns", "levels"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be 1 or more, not {getattr(self, name)!r}.")
        if self.storage not in STORAGES:
            raise InputError(f"storage must be one of {', '.join(STORAGES)}, not '{self.storage}'.")
        fold = lesson.folds(self.folds, self.random_state)
        self.sigmoid_ = plain(1 if lesson.k == 2 else lesson.k)
        if fold is not None:
            M = np.zeros((len(lesson.y), len(self.sigmoid_)))
            for f in np.unique(fold):
                self._store(lesson.take(fold != f))
                M[fold == f] = self._margins(lesson.Z[fold == f])
            self.sigmoid_ = calibrate(M, lesson.y, lesson.weight, lesson.k)[0]
        self._store(lesson)

    def _store(self, lesson: Lesson) -> None:
        self.thresholds_ = quantiles(lesson.Z, lesson.weight, self.levels)
        S = bits(lesson.Z, self.thresholds_)
        found, of = [], []
        for k in range(lesson.k):
            part = lesson.y == k
            some = lesson.take(part)
            some = Lesson(S[part], some.y, some.weight, some.units, some.k)
            means = clusters(some, self.patterns, self.random_state)[0]
            made = np.unique(np.where(means >= 0, 1.0, -1.0), axis=0)
            found.append(made)
            of += [k] * len(made)
        self.patterns_, self.class_ = np.vstack(found).T, np.array(of, dtype=np.intp)

    def _margins(self, Z: Floats) -> Floats:
        memory = Memory.of(self.patterns_, self.storage)
        start = bits(Z, self.thresholds_)
        overlap = (memory.settle(start) + start) @ self.patterns_ / (2.0 * len(self.patterns_))
        k = int(self.class_.max()) + 1
        M = np.column_stack([overlap[:, self.class_ == c].max(axis=1) for c in range(k)])
        return M[:, 1:] - M[:, :1] if k == 2 else M

    def _output(self, Z: Floats) -> Floats:
        return calibrated(self._margins(Z), self.sigmoid_)


def quantiles(Z: Floats, weight: Floats, levels: int) -> Floats:
    """Weighted quantiles (levels, p) at the steps of 1 / (levels + 1), each halfway between two values."""
    order = np.argsort(Z, axis=0, kind="stable")
    rising = np.take_along_axis(Z, order, axis=0)
    reached = np.cumsum(weight[order], axis=0) / weight.sum()
    out = np.empty((levels, Z.shape[1]))
    for j in range(levels):
        at = (reached < (j + 1) / (levels + 1) - 1e-9).sum(axis=0)
        after = np.minimum(at + 1, len(Z) - 1)
        columns = np.arange(Z.shape[1])
        out[j] = (rising[at, columns] + rising[after, columns]) / 2.0
    return out


def bits(Z: Floats, thresholds: Floats) -> Floats:
    """Bits (n, levels p) of -1 or 1: whether each feature is above each threshold."""
    above = Z[:, None, :] > thresholds
    return np.where(above, 1.0, -1.0).reshape(len(Z), -1)


@dataclass(frozen=True)
class Memory:
    """A Hopfield network of N neurons with weights U V' and no diagonal.

    Parameters
    ----------
    left, right : arrays (N, P)
        U and V; U V' is symmetric.

    Examples
    --------
    >>> stored = np.array([[1.0, 1, 1, 1, -1, -1, -1, -1], [1.0, -1, 1, -1, 1, -1, 1, -1]]).T
    >>> memory = Memory.of(stored, "hebb")
    >>> bool((memory.settle(stored.T) == stored.T).all())
    True
    """

    left: Floats
    right: Floats

    @classmethod
    def of(cls, patterns: Floats, storage: str) -> Memory:
        """Store patterns (N, P) of -1 and 1 by Hebb's rule or the pseudo-inverse."""
        if storage == "hebb":
            return cls(patterns / len(patterns), patterns)
        return cls(patterns @ np.linalg.pinv(patterns.T @ patterns, hermitian=True), patterns)

    def weights(self) -> Floats:
        """W (N, N), for reading."""
        W = self.left @ self.right.T
        np.fill_diagonal(W, 0.0)
        return np.asarray(W)

    def energy(self, S: Floats) -> Floats:
        """Energy (n,) of states (n, N)."""
        own = (self.left * self.right).sum(axis=1)
        return -0.5 * np.asarray(((S @ self.left) * (S @ self.right)).sum(axis=1) - own.sum())

    def settle(self, S: Floats, sweeps: int = SWEEPS) -> Floats:
        """Update neurons one after the other until no state (n, N) changes, or `sweeps` are done."""
        S = S.copy()
        own = (self.left * self.right).sum(axis=1)
        seen = S @ self.right
        for _ in range(sweeps):
            changed = False
            for i in range(S.shape[1]):
                field = seen @ self.left[i] - own[i] * S[:, i]
                # What is 0 but for rounding leaves the neuron as it was.
                flip = field * S[:, i] < -1e-9
                if flip.any():
                    changed = True
                    S[flip, i] *= -1.0
                    seen[flip] += 2.0 * S[flip, i][:, None] * self.right[i]
            if not changed:
                break
        return S
