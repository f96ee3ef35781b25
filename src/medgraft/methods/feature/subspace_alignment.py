"""Turn the source's principal directions into the target's, then learn in the target's subspace."""

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
from medgraft.methods.table import InputError


@method(
    "subspace-alignment",
    family="feature",
    needs=("source", "target-rows"),
    cost="O(n p min(n, p))",
    refs=("Fernando, Habrard, Sebban and Tuytelaars 2013, doi:10.1109/ICCV.2013.368",),
)
class SubspaceAlignment(TransferEstimator):
    r"""Turn the source's main directions of variation into the target's, then learn from everyone.

    Use it when each domain varies along few directions and devices mix the features differently (another
    assay, another montage), and target patients without labels are at hand. Not when a direction of little
    variance decides the outcome: it is dropped. Not when the means themselves carry the disease (other
    prevalence): each side is centred by itself.

    With :math:`P_s, P_t` (p, d) the leading principal directions of the encoded rows of each side, the
    alignment minimises :math:`\|P_s M - P_t\|_F`, so :math:`M = P_s^\top P_t`. A source row becomes
    :math:`(x - \mu_s) P_s M`, a target row :math:`(x - \mu_t) P_t`, both of length d. New rows are taken as
    target rows.

    Parameters
    ----------
    task, estimator, random_state
        See `TransferEstimator`.
    n_components : int or float
        Number of directions, or the share of variance that they must hold on both sides: d is the smallest
        number that does. Never more than the smaller of the two ranks.

    Attributes
    ----------
    n_components_ : int
        The d used.
    centre_ : array (p,)
        Mean of the target, in encoded features.
    basis_ : array (p, d)
        Principal directions of the target.
    alignment_ : array (d, d)
        M.
    note_ : str
        Says so when there was nothing to align and all patients were pooled.

    Raises
    ------
    InputError
        `n_components` is neither a whole number from 1 on nor a share between 0 and 1.

    Notes
    -----
    Memory O(n p + p^2). All sources are taken as one.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(400, 1))
    >>> X = np.hstack([x, -0.5 * x]) + 0.1 * rng.normal(size=(400, 2))
    >>> site = np.repeat(["a", "b"], 200)
    >>> X[:200] += [5.0, -1.0]
    >>> m = SubspaceAlignment().fit(X, x[:, 0] > 0, domain=site, target="b", labelled=site == "a")
    >>> m.n_components_, m.predict([[-1.0, 0.5], [1.0, -0.5]]).tolist()
    (1, [False, True])
    """

    def __init__(
        self,
        *,
        task: str = "classification",
        estimator: Any = None,
        random_state: int = 0,
        n_components: int | float = 0.95,
    ) -> None:
        super().__init__(task=task, estimator=estimator, random_state=random_state)
        self.n_components = n_components

    def _fit(self, rows: Rows) -> None:
        check_dimension(self.n_components)
        self.encoder_ = rows.encoder()
        Z = self.encoder_.transform(rows.table)
        self.n_components_ = 0
        if can_align(rows):
            Z = self._align(Z, rows)
        if not self.n_components_:
            self.note_ = NOT_ALIGNED
        self._learn(Z, rows, np.ones(len(Z), dtype=bool))

    def _align(self, Z: Floats, rows: Rows) -> Floats:
        """Return the aligned coordinates of all rows, or Z as it is where a side does not vary."""
        s, t = (principal(Z[side], rows.weight[side]) for side in (rows.source, rows.target))
        d = dimension(s[2], t[2], self.n_components)
        if not d:
            return Z
        self.n_components_, self.centre_, self.basis_ = d, t[0], t[1][:, :d].copy()
        self.alignment_ = s[1][:, :d].T @ self.basis_
        moved = np.empty((len(Z), d))
        moved[rows.target] = (Z[rows.target] - self.centre_) @ self.basis_
        moved[rows.source] = (Z[rows.source] - s[0]) @ (s[1][:, :d] @ self.alignment_)
        return moved

    def _encode(self, X: Any) -> Floats:
        Z = super()._encode(X)
        return Z if not self.n_components_ else (Z - self.centre_) @ self.basis_


def principal(Z: Floats, weight: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the mean, the principal directions (p, r) with the largest first, and their variances (r,)."""
    c = Covariance.of(Z, weight, 0.0)
    variance = np.maximum(c.values - c.rest, 0.0)
    order = np.argsort(-variance, kind="stable")
    return c.mean, c.V[:, order], variance[order]


def dimension(source: Floats, target: Floats, wanted: int | float) -> int:
    """Return the number of directions for variances sorted downwards; 0 where a side does not vary.

    Examples
    --------
    >>> dimension(np.array([90.0, 8.0, 2.0]), np.array([99.0, 1.0, 0.0]), 0.95)
    2
    >>> dimension(np.array([90.0, 8.0, 2.0]), np.array([99.0, 1.0, 0.0]), 7)
    2
    """
    rank = min(int((v > 1e-9 * v[0]).sum()) if v[0] > 1e-12 else 0 for v in (source, target))
    if wanted >= 1 or not rank:
        return min(int(wanted), rank)
    # The small allowance keeps rounding from asking for one direction more.
    enough = [int((np.cumsum(v) < (wanted - 1e-9) * v.sum()).sum()) + 1 for v in (source, target)]
    return min(max(enough), rank)


def check_dimension(wanted: Any) -> None:
    """Refuse a number of components that is neither a count nor a share."""
    whole = isinstance(wanted, int | np.integer) and not isinstance(wanted, bool) and wanted >= 1
    if not (whole or (isinstance(wanted, float) and 0 < wanted < 1)):
        raise InputError(
            f"n_components must be a whole number from 1 on or a share between 0 and 1, not {wanted!r}."
        )
