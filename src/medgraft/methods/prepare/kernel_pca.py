"""Fewer features by principal components of a Gaussian kernel."""

from __future__ import annotations

from typing import Any

import numpy as np

from medgraft.methods.feature.kernel_space import KernelSpace, gaussian, group_means, median_distance
from medgraft.methods.learners.base import Lesson
from medgraft.methods.prepare.reduce import Reducing
from medgraft.methods.prepare.registry import step
from medgraft.methods.splits import Floats
from medgraft.methods.table import InputError


@step(
    "kernel-pca",
    around="learner",
    does="select",
    refs=("Schölkopf, Smola and Müller 1998, doi:10.1162/089976698300017467",),
)
class KernelPCA(Reducing):
    r"""Learn from the principal components of the rows in the space of a Gaussian kernel.

    Use it before a linear learner where classes lie around each other, as EEG features may. Not with few
    patients, whose landmarks would be too few to follow a curve, nor where single features are to be
    explained: every component is of all of them.

    With landmarks :math:`c_1, \dots, c_m`, means of rows of three patients or more, and
    :math:`k(x, z) = \exp(-\|x - z\|^2 / 2 s^2)`, a row is :math:`\phi(x) = K_{cc}^{-1/2} k(c, x)` (Nyström).
    Of the weighted covariance :math:`V \Lambda V^\top` of :math:`\phi` over the rows the leading q components
    are kept, the fewest with :math:`\sum_{j \le q} \lambda_j \ge t \sum_j \lambda_j` but no more than a
    limit, and a row becomes :math:`a V_q^\top (\phi(x) - \bar\phi)`. The factor a gives those kept together
    the part of the features' own variance that these fewest hold of the kernel's, so that a learner's penalty
    means what it meant.

    Parameters
    ----------
    estimator, task, random_state
        See `Reducing`.
    share : float
        Share t of the variance to keep, above 0 and up to 1.
    components : int
        Most components; few features may become more components than they are.
    width : float, optional
        Width s; default the median distance of rows.
    landmarks : int
        Most landmarks.

    Attributes
    ----------
    landmarks_ : array (m, p)
        Means of rows of three patients or more; none where there would be fewer than two, and then the
        features are handed on as they are.
    width_ : float
        Width s.
    directions_ : array (m, q)
        From kernel values to components.
    centre_ : array (q,)
        Mean of the components.
    variance_ : array (q,)
        Variance along each, in the kernel's space.
    learner_ : estimator
        Fitted on the components.

    Raises
    ------
    InputError
        A setting is out of range.

    Notes
    -----
    No row is kept, unlike in kernel PCA on the rows themselves, with which it agrees where every row is a
    landmark. Cost O(n m (p + m) + m^3) of time, O(n m) of memory.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 2))
    >>> ring = (X**2).sum(axis=1) > 1.4
    >>> KernelPCA(share=0.9).fit(X, ring).landmarks_.shape[1]
    2
    """

    def __init__(
        self,
        estimator: Any = None,
        *,
        share: float = 0.95,
        components: int = 10,
        width: float | None = None,
        landmarks: int = 100,
        task: str = "classification",
        random_state: int = 0,
    ) -> None:
        self.estimator = estimator
        self.share = share
        self.components = components
        self.width = width
        self.landmarks = landmarks
        self.task = task
        self.random_state = random_state

    def _choose(self, lesson: Lesson) -> None:
        if not 0 < self.share <= 1:
            raise InputError(f"share must be above 0 and up to 1, not {self.share!r}.")
        if self.width is not None and not 0 < self.width < np.inf:
            raise InputError(f"width must be above 0, not {self.width!r}.")
        for name, least in (("components", 1), ("landmarks", 2)):
            value = getattr(self, name)
            if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
                raise InputError(f"{name} must be a whole number from {least} on, not {value!r}.")
        A = lesson.Z * self.scale_
        found = group_means(A, lesson.units, self.landmarks)
        if len(found) < 2:
            self.landmarks_ = np.empty((0, A.shape[1]))
            return
        self.landmarks_, self.width_ = found, float(self.width or median_distance(A))
        space, w = KernelSpace.of(found, self.width_), lesson.weight / lesson.weight.sum()
        mean = space.sums(A, w[:, None])[:, 0]
        values, V = np.linalg.eigh(space.gram(A, w) - np.outer(mean, mean))
        values, V = np.maximum(values[::-1], 0.0), V[:, ::-1]
        held = np.cumsum(values)
        total = max(float(held[-1]), 1e-300)
        fewest = min(int(np.searchsorted(held / total, self.share - 1e-12)) + 1, len(values))
        q = min(fewest, self.components)
        V = V[:, :q] * np.sign(V[np.abs(V[:, :q]).argmax(axis=0), np.arange(q)])
        part = held[fewest - 1] / total / max(float(held[q - 1]), 1e-300)
        factor = np.sqrt(float(w @ (A**2).sum(axis=1)) * part)  # A has mean 0
        self.directions_ = factor * space.root @ V
        self.centre_ = factor * mean @ V
        self.variance_ = values[:q]

    def _reduce(self, Z: Floats) -> Floats:
        A = Z * self.scale_
        if not len(self.landmarks_):
            return np.asarray(A)
        return np.asarray(gaussian(A, self.landmarks_, self.width_) @ self.directions_ - self.centre_)
