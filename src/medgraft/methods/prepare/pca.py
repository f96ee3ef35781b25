"""Fewer features by principal components."""

from __future__ import annotations

from typing import Any

import numpy as np

from medgraft.methods.learners.base import Lesson
from medgraft.methods.prepare.reduce import Reducing
from medgraft.methods.prepare.registry import step
from medgraft.methods.splits import Floats
from medgraft.methods.table import InputError


@step("pca", around="learner", does="select", refs=("Hotelling 1933, doi:10.1037/h0071325",))
class PrincipalComponents(Reducing):
    r"""Learn from the principal components that hold most of the variance.

    Use it before a learner that suffers from many features (``svm``, ``hopfield``, ``lm-mlp``). Not where the
    finding is a small part of the variance: labels are not read, and it may be cut off.

    With the weighted covariance :math:`\Sigma = V \Lambda V^\top` of the features, in the scale in which the
    method gives them, a row becomes :math:`V_q^\top (x - \mu)`, q being the smallest number of components for
    which :math:`\sum_{j \le q} \lambda_j \ge s \sum_j \lambda_j`.

    Parameters
    ----------
    estimator, task, random_state
        See `Reducing`.
    share : float
        Share s of the variance to keep, above 0 and up to 1.

    Attributes
    ----------
    components_ : array (p, q)
        Directions, the largest entry of each positive.
    variance_ : array (q,)
        Variance along each.
    learner_ : estimator
        Fitted on the components.

    Raises
    ------
    InputError
        The share is not above 0 and up to 1.

    Notes
    -----
    Components are not brought to one scale, though some learners (``svm``) do that themselves. Cost
    O(n p min(n, p)).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(100, 2)) @ rng.normal(size=(2, 10))
    >>> PrincipalComponents(share=1.0).fit(X, X[:, 0] > 0).components_.shape
    (10, 2)
    """

    def __init__(
        self,
        estimator: Any = None,
        *,
        share: float = 0.95,
        task: str = "classification",
        random_state: int = 0,
    ) -> None:
        self.estimator = estimator
        self.share = share
        self.task = task
        self.random_state = random_state

    def _choose(self, lesson: Lesson) -> None:
        if not 0 < self.share <= 1:
            raise InputError(f"share must be above 0 and up to 1, not {self.share!r}.")
        A = lesson.Z * self.scale_ * np.sqrt(lesson.weight / lesson.weight.sum())[:, None]
        _, s, Vt = np.linalg.svd(A, full_matrices=False)
        variance = s**2
        some = variance > 1e-12 * max(float(variance.sum()), 1e-300)
        held = np.cumsum(variance) / max(float(variance.sum()), 1e-300)
        q = min(int(np.searchsorted(held, self.share - 1e-12)) + 1, max(int(some.sum()), 1))
        V = Vt[:q].T
        top = np.abs(V).argmax(axis=0)
        self.components_ = V * np.sign(V[top, np.arange(q)])
        self.variance_ = variance[:q]

    def _reduce(self, Z: Floats) -> Floats:
        return np.asarray((Z * self.scale_) @ self.components_)
