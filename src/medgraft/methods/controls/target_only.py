"""The control of the whole question: the same learner, without any source."""

from __future__ import annotations

from medgraft.methods.base import TransferEstimator
from medgraft.methods.registry import method
from medgraft.methods.rows import Rows
from medgraft.methods.table import InputError


@method(
    "target-only", family="control", needs=("target-labels",), cost="O(n p^2)", role="control", default=True
)
class TargetOnly(TransferEstimator):
    """Learn from the target's labelled patients alone: the model you would have without transfer.

    Use it as the control of every transfer when the target has labels. Not when it has none (use
    ``source-only``).

    Nothing of the source is seen, not in scaling nor in imputing either: those come from the target's
    training rows, labelled or not. (The names of classes come from all labelled rows; a class without a
    labelled target patient gets probability zero.)

    Parameters
    ----------
    task, estimator, random_state
        See `TransferEstimator`.

    Raises
    ------
    InputError
        No target row has a label.

    Examples
    --------
    >>> X, y = [[0.0], [1.0], [5.0], [9.0]], [0, 1, 1, 0]
    >>> m = TargetOnly().fit(X, y, domain=["here", "here", "there", "there"], target="here")
    >>> m.predict([[-1.0], [2.0]]).tolist()
    [0, 1]
    """

    def _fit(self, rows: Rows) -> None:
        if not (rows.target & rows.labelled).any():
            raise InputError(
                "target-only needs labelled patients of the target and there is none: label some, or use"
                " source-only."
            )
        self.encoder_ = rows.encoder(rows.target)
        self._learn(self.encoder_.transform(rows.table), rows, rows.target)
