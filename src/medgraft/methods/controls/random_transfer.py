"""The control for methods that choose source patients' rows: choose as many by lot."""

from __future__ import annotations

from typing import Any

import numpy as np

from medgraft.methods.base import TransferEstimator
from medgraft.methods.registry import method
from medgraft.methods.rows import Rows
from medgraft.methods.table import InputError


@method("random-transfer", family="control", needs=("source",), cost="O(n p^2)", role="control")
class RandomTransfer(TransferEstimator):
    """Learn from the target's labelled rows and a share of the source's labelled rows drawn by lot.

    Use it beside a method that chooses source rows by their value, with the share that the method kept: a
    choice that does no better than the lot is no choice. Not as a method of its own.

    Imputing and scaling come from the drawn rows and all target rows.

    Parameters
    ----------
    task, estimator, random_state
        See `TransferEstimator`; the random state also seeds the lot.
    proportion : float
        Share of the distinct labelled source rows to draw, above 0 and at most 1; rounded up to whole rows.
        Copies of a row are drawn together.

    Attributes
    ----------
    weights_ : array (n,)
        1 for rows that were learned from, else 0.

    Raises
    ------
    InputError
        A proportion outside 0 to 1.

    Notes
    -----
    Rows are numbered by their content, so that their order in the file does not touch the lot.

    Examples
    --------
    >>> X, y = [[0.0], [1.0], [0.2], [0.9]], ["well", "ill", "well", "ill"]
    >>> m = RandomTransfer(proportion=0.5).fit(X, y, domain=["a", "a", "t", "t"], target="t")
    >>> m.weights_.sum()
    np.float64(3.0)
    """

    def __init__(
        self,
        *,
        task: str = "classification",
        estimator: Any = None,
        random_state: int = 0,
        proportion: float = 0.5,
    ) -> None:
        super().__init__(task=task, estimator=estimator, random_state=random_state)
        self.proportion = proportion

    def _fit(self, rows: Rows) -> None:
        if not 0 < self.proportion <= 1:
            raise InputError(f"proportion must be above 0 and at most 1, not {self.proportion}.")
        at = np.flatnonzero(rows.source & rows.labelled)
        known, row = np.unique(rows.table.keys()[at], return_inverse=True)
        drawn = np.random.default_rng(self.random_state).permutation(len(known)) < np.ceil(
            self.proportion * len(known) - 1e-9
        )
        where = rows.target
        where[at] = drawn[row]
        self.weights_ = np.zeros(rows.n_given)
        self.weights_[rows.index[where & rows.labelled]] = 1.0
        self.encoder_ = rows.encoder(where)
        self._learn(self.encoder_.transform(rows.table), rows, where)
