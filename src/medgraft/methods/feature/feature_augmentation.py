"""Give every site its own copy of the features beside a common one, and let the learner share."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from medgraft.methods.notes import SOURCES_POOLED
from medgraft.methods.registry import method
from medgraft.methods.rows import Rows
from medgraft.methods.sites import Sited, SiteMethod
from medgraft.methods.splits import Floats, Ints


@method(
    "feature-augmentation",
    family="feature",
    needs=("source", "target-labels"),
    cost="O(n (S p)^2) for S sites with the default learner",
    refs=("Daume 2007, Proc. 45th Annual Meeting of the ACL, 256-263, arXiv:0907.1815",),
)
class FeatureAugmentation(SiteMethod):
    r"""Copy the features once for all sites and once for each, so that the learner finds what is shared.

    Use it when some target patients have labels and a few features mean something else in each site, the
    others the same. Not without target labels: the target's own copy would learn nothing. Not with many
    sites and many features: the table grows by a block a site.

    An encoded row x of site k becomes

    .. math:: (x,\ 0, \dots, 0,\ \underbrace{x, 1}_{\text{block of } k},\ 0, \dots, 0),

    the target's block among them; the 1 gives each site an intercept of its own. With a linear learner and
    its L2 penalty, site k has slopes :math:`\beta + \delta_k`, and :math:`\|\beta\|^2 + \sum_k
    \|\delta_k\|^2` is penalised: the more sites agree, the more goes into :math:`\beta`. New rows are taken
    as target rows.

    Parameters
    ----------
    task, estimator, random_state
        See `TransferEstimator`.

    Attributes
    ----------
    sites_ : list of str
        Names of the sites, the target first; the order of the blocks after the common one. Empty where
        nothing was transferred.
    note_ : str
        Says so when there was no labelled source or target patient and all were pooled.

    Notes
    -----
    Memory O(n p (S + 1)) for n labelled rows. A learner that is not linear may use the copies as it likes.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(400, 2))
    >>> site = np.repeat(["a", "b"], [300, 100])
    >>> turned = np.where(site == "b", -X[:, 1], X[:, 1])  # one feature has the other sign in b
    >>> m = FeatureAugmentation().fit(X, X[:, 0] + turned > 0, domain=site, target="b")
    >>> m.predict([[1.0, -1.0], [-1.0, 1.0], [1.0, 0.5]]).tolist()
    [True, False, True]
    """

    own_learner = False

    def _fit(self, rows: Rows) -> None:
        self.sites_: list[str] = []
        super()._fit(rows)

    def _transfer(self, sited: Sited) -> None:
        rows = callers_codes(sited)
        if not sited.of_site(0).any():
            self.note_ = SOURCES_POOLED
            self._alone(rows)
            return
        self.encoder_ = rows.encoder()
        self.sites_ = list(sited.names)
        rows, site = _labelled_only(rows), sited.site[rows.labelled]
        Z = augmented(self.encoder_.transform(rows.table), site, len(sited.names))
        self._learn(Z, rows, np.ones(len(Z), dtype=bool))

    def _encode(self, X: Any) -> Floats:
        Z = super()._encode(X)
        n_sites = len(self.sites_)
        return augmented(Z, np.zeros(len(Z), dtype=np.intp), n_sites) if n_sites else Z


def callers_codes(sited: Sited) -> Rows:
    """Return the merged rows with the caller's class codes, by which probabilities are laid out."""
    rows = sited.rows
    if not rows.k:
        return rows
    return replace(rows, y=np.where(rows.labelled, sited.classes[np.maximum(rows.y, 0)], -1))


def _labelled_only(rows: Rows) -> Rows:
    # Rows without a label teach nothing here, and the blocks are wide.
    w = rows.labelled
    return replace(
        rows,
        table=rows.table.take(w),
        y=rows.y[w],
        weight=rows.weight[w],
        source=rows.source[w],
        labelled=rows.labelled[w],
        units=rows.units[w],
        index=rows.index[w],
    )


def augmented(Z: Floats, site: Ints, n_sites: int) -> Floats:
    """Lay rows (n, p) out as (n, p + n_sites (p + 1)): the common block, then one a site.

    Examples
    --------
    >>> augmented(np.array([[5.0], [7.0]]), np.array([1, 0]), 2).tolist()
    [[5.0, 0.0, 0.0, 5.0, 1.0], [7.0, 7.0, 1.0, 0.0, 0.0]]
    """
    n, p = Z.shape
    out = np.zeros((n, p + n_sites * (p + 1)))
    out[:, :p] = Z
    for k in range(n_sites):
        here = site == k
        first = p + k * (p + 1)
        out[here, first : first + p] = Z[here]
        out[here, first + p] = 1.0
    return out
