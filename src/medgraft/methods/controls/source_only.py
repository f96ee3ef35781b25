"""The control for an unlabelled target: the source's model as it is."""

from __future__ import annotations

import numpy as np

from medgraft.methods.base import TransferEstimator
from medgraft.methods.registry import method
from medgraft.methods.rows import Rows


@method("source-only", family="control", needs=("source",), cost="O(n p^2)", role="control", default=True)
class SourceOnly(TransferEstimator):
    """Learn from the source's labelled patients alone, and apply the model to the target unchanged.

    Use it as the control when the target has no labels, and to see how far a foreign model carries. Not as
    the control of the question whether transfer pays when the target has labels (that is ``target-only``).

    Imputing and scaling come from the source's rows, as in a model that arrives from elsewhere.

    Parameters
    ----------
    task, estimator, random_state
        See `TransferEstimator`.

    Attributes
    ----------
    note_ : str
        Says so when there is no labelled source and the target's labels are used instead.

    Examples
    --------
    >>> X, y = [[0.0], [1.0], [5.0], [9.0]], [0, 1, 1, 0]
    >>> m = SourceOnly().fit(X, y, domain=["here", "here", "there", "there"], target="here")
    >>> m.predict([[4.0], [10.0]]).tolist()
    [1, 0]
    """

    def _fit(self, rows: Rows) -> None:
        where = rows.source
        if not (where & rows.labelled).any():
            where = np.ones(len(rows.table), dtype=bool)
            self.note_ = "There is no labelled source patient: the target's own labels were used."
        self.encoder_ = rows.encoder(where)
        self._learn(self.encoder_.transform(rows.table), rows, where)
