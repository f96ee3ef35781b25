"""The simplest use of a source: put everyone into one table."""

from __future__ import annotations

import numpy as np

from medgraft.methods.base import TransferEstimator
from medgraft.methods.registry import method
from medgraft.methods.rows import Rows


@method("pooled", family="control", needs=("source",), cost="O(n p^2)", role="control", default=True)
class Pooled(TransferEstimator):
    """Learn from all labelled patients of all domains as if they were one cohort.

    Use it to see whether a cleverer transfer is worth its trouble. Not when domains differ in what a feature
    means.

    Imputing and scaling come from all rows, labelled or not.

    Parameters
    ----------
    task, estimator, random_state
        See `TransferEstimator`.

    Examples
    --------
    >>> X, y = [[0.0], [1.0], [0.2], [0.9]], ["well", "ill", "well", "ill"]
    >>> m = Pooled().fit(X, y, domain=["here", "here", "there", "there"], target="here")
    >>> m.predict([[0.1], [1.1]]).tolist()
    ['well', 'ill']
    """

    def _fit(self, rows: Rows) -> None:
        self.encoder_ = rows.encoder()
        self._learn(self.encoder_.transform(rows.table), rows, np.ones(len(rows.table), dtype=bool))
