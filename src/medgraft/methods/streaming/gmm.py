"""Personal mixture of Gaussians."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from medgraft.methods.splits import Floats, Ints
from medgraft.methods.streaming.clusters import StreamingClusters
from medgraft.methods.table import InputError

PRIOR = 5.0  # windows that the common variances are worth in each cluster's own
RIDGE = 1e-3  # of the coordinates' unit variance: no covariance is singular


class StreamingGMM(StreamingClusters):
    r"""Mixture of Gaussians of a population, which follows one person by incremental EM.

    Use it on a wearable or another small device that meets one person's windows one at a time, with a label
    now and then: a window is learnt from and thrown away. Not where windows are kept and a model can be
    fitted to all of them at once.

    In the coordinates z in which the population's classes differ most for their spread within,

    .. math::
        p(z, c) = \sum_k \pi_k\, \mathcal N(z; m_k, \Sigma_k)\, \theta_{kc}, \qquad
        \pi_k = \frac{n_k}{\sum_j n_j}, \qquad \theta_{kc} = \frac{M_{kc}}{\sum_b M_{kb}}.

    Each window takes one E-step, :math:`r_k \propto \pi_k \mathcal N(z; m_k, \Sigma_k)`, times
    :math:`\theta_{kc}` if its label c is told, and one M-step of the sums, in which the :math:`r_k` of a
    window without a label add up to u in place of 1:

    .. math::
        n_k \leftarrow (1 - f r_k)\, n_k + r_k, \quad m_k \leftarrow m_k + \frac{r_k}{n_k}(z - m_k), \quad
        S_k \leftarrow (1 - f r_k)\, S_k + r_k \Bigl(1 - \frac{r_k}{n_k}\Bigr)(z - m_k)(z - m_k)^\top,

    the last with the mean before. A label that contradicts the prediction begins a new cluster. Probabilities
    are :math:`p(c \mid z) = \sum_k r_k \theta_{kc}`.

    Parameters
    ----------
    covariance : {"shared", "diagonal"}
        One full covariance for all clusters, or variances of each, shrunk to the population's by 5 windows'
        worth.
    per_class, strength, unlabelled, forget, budget
        See `StreamingKMeans`. `strength` does not weaken the shared covariance, which keeps the population's
        count.

    Attributes
    ----------
    projection_, classes_, count_, mean_, mass_
        See `StreamingKMeans`.
    spread_ : array (d, d) or (k, d)
        Sums of squares about the centres: of all clusters together, or of each.
    common_ : array (1,) or (d,)
        What the shared sum counts, in windows, or the population's variances.

    Raises
    ------
    InputError
        Settings out of range, or a budget that cannot hold one cluster.

    Notes
    -----
    With ``forget=0`` and given shares the sums are those of a batch, whatever the order. The population's
    state holds sums over people; a person's own state is personal data, for a young cluster lies at a single
    window. Cost O(k d^2) time a window and O(p d + k (d + C)) memory. After Roy et al. (2024),
    doi:10.3390/s24144444, who start without a population; incremental EM: Neal and Hinton (1998),
    doi:10.1007/978-94-011-5014-9_12.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = np.tile(["sit", "walk"], 60)
    >>> X = rng.normal(size=(120, 3)) + 4 * (y == "walk")[:, None]
    >>> m = StreamingGMM().fit(X, y, groups=np.arange(120) // 20)
    >>> new = X[:20] + 1.0  # another person, without a label
    >>> before = float((m.predict(new) == y[:20]).mean())
    >>> after = float((m.partial_fit(new).predict(new) == y[:20]).mean())
    >>> before < after, m.state_bytes() < 20_480
    (True, True)
    """

    def __init__(
        self,
        *,
        covariance: str = "shared",
        per_class: int = 3,
        strength: float = 2.0,
        unlabelled: float = 0.3,
        forget: float = 0.0,
        budget: int = 20_480,
    ) -> None:
        super().__init__(
            per_class=per_class, strength=strength, unlabelled=unlabelled, forget=forget, budget=budget
        )
        self.covariance = covariance
        if covariance not in ("shared", "diagonal"):
            raise InputError(f"covariance must be 'shared' or 'diagonal', not {covariance!r}.")

    def _start(self, off: Floats, near: Ints, count: Floats, worth: float) -> None:
        if self.covariance == "shared":
            self.spread_ = off.T @ off
            self.common_ = np.array([float(len(off))])
            if not len(count):  # no label says what is spread within a class: own windows soon tell more
                self.spread_, self.common_ = self.spread_ * worth, self.common_ * worth
        else:
            self.spread_ = np.zeros((len(count), off.shape[1]))
            if len(count):
                np.add.at(self.spread_, near, off**2 * worth)
            self.common_ = (off**2).mean(axis=0)

    def _fit_of(self, Z: Floats) -> Floats:
        off = Z[:, None] - self.mean_
        if self.covariance == "shared":
            S = self.spread_ / self.common_ + RIDGE * np.eye(Z.shape[1])
            far, size = np.einsum("nkd,nkd->nk", off @ np.linalg.inv(S), off), 0.0
        else:
            var = (self.spread_ + PRIOR * self.common_) / (self.count_ + PRIOR)[:, None] + RIDGE
            far, size = (off**2 / var).sum(axis=2), np.log(var).sum(axis=1)
        return np.asarray(np.log(self.count_) - 0.5 * (far + size))

    def _scatter(self, off: Floats, weight: Floats, r: Floats) -> None:
        if self.covariance == "shared":
            keep = 1 - self.forget * r.sum()
            self.spread_ = keep * self.spread_ + (off * weight[:, None]).T @ off
            self.common_ = keep * self.common_ + r.sum()
        else:
            self.spread_ = (1 - self.forget * r)[:, None] * self.spread_ + off**2 * weight[:, None]

    def _grown(self) -> None:
        if self.covariance == "diagonal":
            self.spread_ = np.vstack([self.spread_, np.zeros(self.spread_.shape[1])])
        else:
            self.common_ = self.common_ + 1  # a window at its own centre adds nothing to the spread

    def _merged(self, i: int, j: int, off: Floats, weight: float) -> None:
        if self.covariance == "shared":
            self.spread_ = self.spread_ + weight * np.outer(off, off)
        else:
            self.spread_[i] += self.spread_[j] + weight * off**2
            self.spread_ = np.delete(self.spread_, j, axis=0)

    def _settings(self) -> dict[str, Any]:
        return {"covariance": self.covariance, **super()._settings()}

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return super()._arrays() | {"spread": self.spread_, "common": self.common_}

    def _restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        super()._restore(arrays)
        self.spread_, self.common_ = arrays["spread"], arrays["common"]
