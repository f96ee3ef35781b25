"""Give the source's features the target's means and correlations."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from medgraft.methods.base import TransferEstimator
from medgraft.methods.feature.aligning import can_align
from medgraft.methods.feature.covariance import Covariance
from medgraft.methods.notes import NOT_ALIGNED
from medgraft.methods.registry import method
from medgraft.methods.rows import Rows
from medgraft.methods.table import InputError, Table


@method(
    "coral",
    family="feature",
    needs=("source", "target-rows"),
    cost="O(n p min(n, p))",
    refs=(
        "Sun, Feng and Saenko 2016, doi:10.1609/aaai.v30i1.10306",
        "Ledoit and Wolf 2004, doi:10.1016/S0047-259X(03)00096-4 (shrinkage)",
    ),
    default=True,
)
class CORAL(TransferEstimator):
    r"""Recolour the source's features to the target's means and covariance, then learn from everyone.

    Use it when devices or laboratories differ by shift, scale and correlation of the features (scanner,
    assay), and target patients without labels are at hand. Not when the difference in the features is the
    disease itself (other prevalence, other severity): aligning would erase it.

    Each standardised source row becomes :math:`(x - \mu_s) C_s^{-1/2} C_t^{1/2} + \mu_t`, the map that
    minimises :math:`\|A^\top C_s A - C_t\|_F`. Both covariances are shrunk towards a multiple of the
    identity, by default as much as Ledoit and Wolf say (the paper adds the identity instead). Labelled
    target rows join as they are.

    Parameters
    ----------
    task, estimator, random_state
        See `TransferEstimator`.
    shrinkage : "auto" or float in [0, 1]
        Share of the identity; values under 0.001 are raised to it.

    Attributes
    ----------
    shrinkage_ : tuple of float
        Shares used for source and target.
    note_ : str
        Says so when there was nothing to align and all patients were pooled.

    Notes
    -----
    As in the paper, each domain is standardised by itself first: every number column of the source gets the
    target's mean and standard deviation, over what was observed. Imputing and scaling then come from all
    rows, and the covariances are those of the encoded columns. All sources are taken as one.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(300, 1))
    >>> y = (x[:, 0] > 0).astype(int)
    >>> X = np.r_[10 * x[:200] + 7, x[200:]]  # the source's device has another scale
    >>> site = ["a"] * 200 + ["b"] * 100
    >>> m = CORAL().fit(X, y, domain=site, target="b", labelled=np.arange(300) < 200)
    >>> m.predict([[-0.5], [0.5]]).tolist()
    [0, 1]
    """

    def __init__(
        self,
        *,
        task: str = "classification",
        estimator: Any = None,
        random_state: int = 0,
        shrinkage: float | str = "auto",
    ) -> None:
        super().__init__(task=task, estimator=estimator, random_state=random_state)
        self.shrinkage = shrinkage

    def _fit(self, rows: Rows) -> None:
        if self.shrinkage != "auto" and not (
            isinstance(self.shrinkage, int | float) and 0 <= self.shrinkage <= 1
        ):
            raise InputError(f"shrinkage must be 'auto' or between 0 and 1, not {self.shrinkage!r}.")
        s, t = rows.source, rows.target
        possible = can_align(rows)
        if possible:
            rows = replace(rows, table=_same_moments(rows))
        else:
            self.note_ = NOT_ALIGNED
        self.encoder_ = rows.encoder()
        Z = self.encoder_.transform(rows.table)
        self.shrinkage_ = (float("nan"), float("nan"))
        if possible:
            cs = Covariance.of(Z[s], rows.weight[s], self.shrinkage)
            ct = Covariance.of(Z[t], rows.weight[t], self.shrinkage)
            self.shrinkage_ = (cs.shrinkage, ct.shrinkage)
            Z[s] = ct.power(cs.power(Z[s] - cs.mean, -0.5), 0.5) + ct.mean
        self._learn(Z, rows, np.ones(len(Z), dtype=bool))


def _same_moments(rows: Rows) -> Table:
    """Give each number column of the source the target's mean and standard deviation; gaps stay gaps."""
    A = rows.table.numbers.copy()
    moments = []
    for side in (rows.source, rows.target):
        seen = ~np.isnan(A[side])
        w = rows.weight[side][:, None] * seen
        total = np.maximum(w.sum(axis=0), 1e-300)
        mean = (w * np.where(seen, A[side], 0.0)).sum(axis=0) / total
        sd = np.sqrt((w * np.where(seen, A[side] - mean, 0.0) ** 2).sum(axis=0) / total)
        moments.append((mean, sd, seen.any(axis=0)))
    (ms, ss, has_s), (mt, st, has_t) = moments
    both = has_s & has_t
    # A column that is constant on one side has no scale to match: it is only shifted.
    scale = np.divide(st, ss, out=np.ones_like(ss), where=(ss > 0) & (st > 0) & both)
    A[rows.source] = np.where(both, (A[rows.source] - ms) * scale + mt, A[rows.source])
    return replace(rows.table, numbers=A)
