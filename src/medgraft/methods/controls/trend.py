"""The naive forecast that looks at the calendar alone: a line through the target's own past."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.linear_model import LinearRegression
from sklearn.utils.validation import check_is_fitted

from medgraft.methods.base import TransferEstimator
from medgraft.methods.clock import times
from medgraft.methods.controls.majority import poor_score
from medgraft.methods.registry import method
from medgraft.methods.rows import Rows
from medgraft.methods.splits import Floats
from medgraft.methods.table import Table


@method("trend", family="control", needs=("time", "target-labels"), cost="O(n)", role="control", default=True)
class Trend(TransferEstimator):
    r"""Predict from time alone, by a line fitted to the target's own past.

    Use it beside ``last-value``: a model of many features that forecasts no better than the line has learnt
    nothing from them. Meant for a target of one patient. Not for long forecasts: a line goes on for ever.

    The line :math:`a + b t` has the least squared error on the target's labelled rows; for classes, the
    log-odds are such a line (`LogisticLearner`).

    Parameters
    ----------
    task, estimator, random_state
        See `TransferEstimator`.
    time : str, optional
        Column of times; default the first column of numbers. A row without a time counts as the mean time.

    Attributes
    ----------
    centre_, scale_ : float
        Mean and standard deviation of the times fitted to.
    note_ : str
        Says so when the target has no labels and the line is fitted to all domains.

    Examples
    --------
    >>> m = Trend(task="regression").fit([[1.0], [2.0], [3.0]], [10.0, 20.0, 30.0])
    >>> m.predict([[9.0]]).round(6).tolist()
    [90.0]
    """

    def __init__(
        self,
        *,
        task: str = "classification",
        estimator: Any = None,
        random_state: int = 0,
        time: str | None = None,
    ) -> None:
        super().__init__(task=task, estimator=estimator, random_state=random_state)
        self.time = time

    def __sklearn_tags__(self) -> Any:
        return poor_score(super().__sklearn_tags__())

    def _fit(self, rows: Rows) -> None:
        where = rows.labelled & rows.target
        if not where.any():
            where = rows.labelled
            self.note_ = "No target patient has a label: the line was fitted to all domains."
        self.number_ = list(rows.table.number)
        when, w = times(rows.table, self.time), rows.weight
        seen = where & ~np.isnan(when)
        self.centre_, self.scale_ = 0.0, 1.0
        if seen.any():
            self.centre_ = float(np.average(when[seen], weights=w[seen]))
            self.scale_ = float(np.sqrt(np.average((when[seen] - self.centre_) ** 2, weights=w[seen]))) or 1.0
        Z = self._line(rows.table)
        if rows.k or self.estimator is not None:
            self._learn(Z, rows, where)
        else:
            self.learner_ = LinearRegression().fit(Z[where], rows.y[where], w[where])

    def _line(self, table: Table) -> Floats:
        when = times(table, self.time)
        return np.where(np.isnan(when), 0.0, (when - self.centre_) / self.scale_)[:, None]

    def _encode(self, X: Any) -> Floats:
        check_is_fitted(self)
        return self._line(self._read(X, self.number_))
