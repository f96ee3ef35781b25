"""The naive forecast: tomorrow is as today."""

from __future__ import annotations

from typing import Any

import numpy as np

from medgraft.methods.clock import times
from medgraft.methods.controls.majority import Majority
from medgraft.methods.registry import method
from medgraft.methods.rows import Mask, Rows


@method(
    "last-value", family="control", needs=("time", "target-labels"), cost="O(n)", role="control", default=True
)
class LastValue(Majority):
    """Predict the target's last known value, or class, for everything that follows.

    Use it beside every model that follows patients over time: what changes slowly is hard to forecast better
    than by its last value. Meant for a target of one patient. Not for patients that were never seen.

    Parameters
    ----------
    task : str
        ``"classification"`` or ``"regression"``.
    estimator : None
        Not used; there for the common contract.
    random_state : int
        Not used; there for the common contract.
    time : str, optional
        Column of times; default the first column of numbers. Rows of the same last time are averaged.

    Attributes
    ----------
    shares_ : array (K,)
        Weighted share of each class at the last time (classification).
    mean_ : float
        Weighted mean at the last time (regression).
    note_ : str
        Says so when the target has no labels, or no times, and more rows were counted instead.

    Examples
    --------
    >>> LastValue(task="regression").fit([[1.0], [3.0], [2.0]], [10.0, 30.0, 20.0]).predict([[9.0]]).tolist()
    [30.0]
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

    def _counted(self, rows: Rows) -> Mask:
        where = super()._counted(rows)
        when = np.where(where, times(rows.table, self.time), np.nan)
        if np.isnan(when).all():
            self.note_ = self.note_ or "No labelled row has a time: all of them were counted."
            return where
        return np.asarray(when == np.nanmax(when))
