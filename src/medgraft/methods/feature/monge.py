"""Move the source's features to the target's by the optimal transport map between two Gaussians."""

from __future__ import annotations

from typing import Any

import numpy as np

from medgraft.methods.base import TransferEstimator
from medgraft.methods.feature.aligning import can_align
from medgraft.methods.feature.covariance import Covariance
from medgraft.methods.notes import NOT_ALIGNED
from medgraft.methods.registry import method
from medgraft.methods.rows import Rows
from medgraft.methods.splits import Floats


@method(
    "linear-monge",
    family="feature",
    needs=("source", "target-rows"),
    cost="O(n p^2 + p^3)",
    refs=(
        "Knott and Smith 1984, doi:10.1007/BF00934745",
        "Flamary, Lounici and Ferrari 2019, arXiv:1905.10155",
    ),
)
class LinearMonge(TransferEstimator):
    r"""Move the source's features by the map of least effort to the target's mean and covariance.

    Use it as ``coral``, when devices or laboratories differ by shift, scale and correlation; of all linear
    maps that match the covariances it moves the patients least. Not when the difference is the disease itself
    (other prevalence, other severity): aligning would erase it.

    Each encoded source row becomes :math:`\mu_t + A (x - \mu_s)` with

    .. math:: A = C_s^{-1/2} (C_s^{1/2} C_t C_s^{1/2})^{1/2} C_s^{-1/2},

    the minimiser of :math:`E \|x - T(x)\|^2` over maps from :math:`N(\mu_s, C_s)` to :math:`N(\mu_t, C_t)`;
    both covariances are shrunk as Ledoit and Wolf say. Labelled target rows join as they are.

    Parameters
    ----------
    task, estimator, random_state
        See `TransferEstimator`.

    Attributes
    ----------
    map_ : array (p, p)
        A, symmetric and positive definite, in encoded features.
    note_ : str
        Says so when there was nothing to align and all patients were pooled.

    Notes
    -----
    Memory O(n p + p^2): meant for up to some thousand features.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(300, 1))
    >>> X = np.r_[10 * x[:200] + 7, x[200:]]  # the source's device has another scale
    >>> site = ["a"] * 200 + ["b"] * 100
    >>> m = LinearMonge().fit(X, x[:, 0] > 0, domain=site, target="b", labelled=np.arange(300) < 200)
    >>> m.predict([[-0.5], [0.5]]).tolist()
    [False, True]
    """

    def __init__(self, *, task: str = "classification", estimator: Any = None, random_state: int = 0) -> None:
        super().__init__(task=task, estimator=estimator, random_state=random_state)

    def _fit(self, rows: Rows) -> None:
        self.encoder_ = rows.encoder()
        Z = self.encoder_.transform(rows.table)
        self.map_ = np.eye(Z.shape[1])
        if not can_align(rows):
            self.note_ = NOT_ALIGNED
        else:
            s = Covariance.of(Z[rows.source], rows.weight[rows.source])
            t = Covariance.of(Z[rows.target], rows.weight[rows.target])
            self.map_ = monge_map(s, t)
            Z[rows.source] = (Z[rows.source] - s.mean) @ self.map_ + t.mean
        self._learn(Z, rows, np.ones(len(Z), dtype=bool))


def monge_map(s: Covariance, t: Covariance) -> Floats:
    """Return the symmetric positive matrix A with A C_s A = C_t."""
    identity = np.eye(len(s.mean))
    half, inverse = s.power(identity, 0.5), s.power(identity, -0.5)
    values, V = np.linalg.eigh(t.power(half, 1.0) @ half)
    root = (V * np.sqrt(np.maximum(values, 0.0))) @ V.T
    made = inverse @ root @ inverse
    return np.asarray(0.5 * (made + made.T))
