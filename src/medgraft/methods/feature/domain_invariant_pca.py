"""Keep the directions in which patients differ within domains, and lose those that tell domains apart."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import eigh

from medgraft.methods.feature.by_site import site_codes
from medgraft.methods.feature.subspace_alignment import check_dimension, dimension
from medgraft.methods.registry import method
from medgraft.methods.rows import Rows
from medgraft.methods.sites import DomainMethod
from medgraft.methods.splits import Floats, Ints
from medgraft.methods.table import InputError


@method(
    "domain-invariant-pca",
    family="feature",
    needs=("source",),
    cost="O(n p min(n, p))",
    refs=(
        "Muandet, Balduzzi and Schoelkopf 2013, arXiv:1301.2115",
        "Ghifary, Balduzzi, Kleijn and Zhang 2017, doi:10.1109/TPAMI.2016.2599532",
    ),
)
class DomainInvariantPCA(DomainMethod):
    r"""Learn on the main directions within domains, those in which the domains' means differ pressed down.

    Use it when several hospitals or batches differ by shifts along few directions and the disease does not
    lie there; it works for a target that has no patients yet. Not when the shift is the disease itself (other
    prevalence): the direction of the disease is then pressed down too.

    With the mean :math:`\mu_d` and the covariance :math:`C_d` of the encoded rows of each of D domains,
    target and sources alike, it solves

    .. math:: \max_W \mathrm{tr}\,W^\top S W \quad\text{with}\quad W^\top (I + \lambda B) W = I, \\
              S = \tfrac1D \textstyle\sum_d C_d, \quad
              B = \tfrac1D \sum_d (\mu_d - \bar\mu)(\mu_d - \bar\mu)^\top,

    by the eigenvectors of :math:`S w = \kappa (I + \lambda B) w`. A row becomes :math:`W^\top x`.
    :math:`\lambda = 0` gives the principal components of the mean covariance within domains; as
    :math:`\lambda` grows, the leading components become orthogonal to all differences of means. The idea is
    that of the papers' kernel methods, here linear and with the penalty in place of their ratio.

    Parameters
    ----------
    task, estimator, random_state
        See `TransferEstimator`.
    penalty : float
        :math:`\lambda`, from 0 on, per unit of variance of the standardised columns.
    n_components : int or float
        Number of components, or the share of the sum of :math:`\kappa` that they must hold.

    Attributes
    ----------
    n_components_ : int
        Number used; 0 where everyone was pooled.
    basis_ : array (p, d)
        W, in encoded features.
    eigenvalues_ : array (d,)
        :math:`\kappa`, the largest first.
    note_ : str
        Says so when fewer than two domains have two different patients and all were pooled.

    Raises
    ------
    InputError
        A setting is out of its range.

    Notes
    -----
    Every domain counts the same, however many patients it has. Labels are not read. With more features than
    rows the problem is solved in the span of the rows, where its solutions lie. Memory O(n p + min(n, p)^2).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(400, 2))
    >>> y = X[:, 0] > 0
    >>> site = np.repeat(["a", "b"], 200)
    >>> X[:200, 1] += 5.0  # the source's device shifts the second column
    >>> m = DomainInvariantPCA(penalty=100.0, n_components=1).fit(X, y, domain=site, target="b")
    >>> bool(abs(m.basis_[1, 0]) < 0.05 * abs(m.basis_[0, 0]))
    True
    """

    def __init__(
        self,
        *,
        task: str = "classification",
        estimator: Any = None,
        random_state: int = 0,
        penalty: float = 10.0,
        n_components: int | float = 0.95,
    ) -> None:
        super().__init__(task=task, estimator=estimator, random_state=random_state)
        self.penalty = penalty
        self.n_components = n_components

    def _fit(self, rows: Rows) -> None:
        check_dimension(self.n_components)
        if not (isinstance(self.penalty, int | float) and 0 <= self.penalty < np.inf):
            raise InputError(f"penalty must be a number from 0 on, not {self.penalty!r}.")
        self.n_components_ = 0
        if rows.source.any():
            site, _ = site_codes(rows, self._domain)
            keys = rows.table.keys()
            usable = [d for d in np.unique(site) if len(np.unique(keys[site == d])) > 1]
            if len(usable) > 1:
                self.encoder_ = rows.encoder()
                Z = self.encoder_.transform(rows.table)
                self._components(Z, rows.weight, site, usable)
        if not self.n_components_:
            self.note_ = "There are no two domains with two different patients each: all were pooled."
            self._alone(rows)
            return
        self._learn(Z @ self.basis_, rows, np.ones(len(Z), dtype=bool))

    def _components(self, Z: Floats, w: Floats, site: Ints, usable: list[int]) -> None:
        V = span(Z, w)
        S, B = scatters(Z if V is None else Z @ V, w, site, usable)
        values, W = eigh(S, np.eye(len(S)) + self.penalty * B)
        values, W = np.maximum(values[::-1], 0.0), W[:, ::-1]
        d = dimension(values, values, self.n_components)
        if not d:
            return
        basis = W[:, :d] if V is None else V @ W[:, :d]
        top = np.take_along_axis(basis, np.abs(basis).argmax(axis=0)[None], axis=0)
        self.basis_ = basis * np.where(top < 0, -1.0, 1.0)
        self.n_components_, self.eigenvalues_ = d, values[:d].copy()

    def _encode(self, X: Any) -> Floats:
        Z = super()._encode(X)
        return Z @ self.basis_ if self.n_components_ else Z


def scatters(Z: Floats, w: Floats, site: Ints, usable: list[int]) -> tuple[Floats, Floats]:
    """Mean covariance within domains S and scatter of their means B (p, p), every domain alike."""
    means, S = [], np.zeros((Z.shape[1],) * 2)
    for d in usable:
        share = w[site == d] / w[site == d].sum()
        mean = share @ Z[site == d]
        A = (Z[site == d] - mean) * np.sqrt(share)[:, None]
        S += A.T @ A / len(usable)
        means.append(mean)
    M = np.array(means) - np.mean(means, axis=0)
    return S, np.asarray(M.T @ M / len(usable))


def span(Z: Floats, w: Floats) -> Floats | None:
    """Orthonormal basis (p, r) of the rows' differences where there are more columns than rows."""
    if Z.shape[1] <= len(Z):
        return None
    _, s, Vt = np.linalg.svd(Z - w @ Z / w.sum(), full_matrices=False)
    return np.asarray(Vt[s > 1e-10 * max(s[0], 1e-300)].T)
