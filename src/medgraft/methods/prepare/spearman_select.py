"""Selection of features that are no copies of each other."""

from __future__ import annotations

from typing import Any

import numpy as np

from medgraft.methods.learners.base import Lesson
from medgraft.methods.prepare.ranks import relevance, standard_ranks
from medgraft.methods.prepare.reduce import Selecting
from medgraft.methods.prepare.registry import step
from medgraft.methods.splits import Floats, Ints
from medgraft.methods.table import InputError

BLOCK = 512  # columns whose correlations are computed at once


@step("spearman-select", around="learner", does="select", refs=("Spearman 1904, doi:10.2307/1412159",))
class SpearmanSelect(Selecting):
    r"""Of features whose ranks go together, keep the one that is closest to the label.

    Use it on radiomics and other features made by the dozen from one thing. Not for features that are many
    but different: it drops nothing there; use ``pca`` or ``lasso-select``. Which of two columns stays is
    chosen by the label of rows that the learner behind it chooses its penalty on, too.

    Columns are visited from the one with most to do with the label to the one with least (:math:`|\rho|` for
    values, the correlation ratio of the ranks for classes); one is dropped where :math:`|\rho|` with a column
    that was kept exceeds the threshold.

    Parameters
    ----------
    estimator, task, random_state
        See `Reducing`.
    threshold : float
        Largest :math:`|\rho|` of Spearman that two columns kept may have, from 0 to 1.

    Attributes
    ----------
    columns_ : array of int
        The columns kept.
    learner_ : estimator
        Fitted on these.

    Raises
    ------
    InputError
        The threshold is not from 0 to 1.

    Notes
    -----
    Ranks are weighted: an integer weight is a repeated row. A column of one value has no correlation and
    stays. Cost O(n p q) with q columns kept; O(512 p) of memory.

    Examples
    --------
    >>> x = np.arange(40.0)
    >>> X = np.column_stack([x + 6 * (x % 3), x, x % 7])
    >>> SpearmanSelect(task="regression").fit(X, np.sqrt(x)).columns_.tolist()
    [1, 2]
    """

    def __init__(
        self,
        estimator: Any = None,
        *,
        threshold: float = 0.9,
        task: str = "classification",
        random_state: int = 0,
    ) -> None:
        self.estimator = estimator
        self.threshold = threshold
        self.task = task
        self.random_state = random_state

    def _kept(self, lesson: Lesson) -> Ints:
        if not 0 <= self.threshold <= 1:
            raise InputError(f"threshold must be from 0 to 1, not {self.threshold!r}.")
        R = standard_ranks(lesson.Z, lesson.weight)
        order = np.argsort(-relevance(R, lesson.y, lesson.weight, lesson.k), kind="stable")
        return order[_unlike(R[:, order] * np.sqrt(lesson.weight)[:, None], self.threshold + 1e-9)]


def _unlike(R: Floats, most: float) -> Ints:
    """Places of the columns (unit length) that go together with none before them that is kept."""
    p = R.shape[1]
    alive = np.ones(p, dtype=bool)
    for start in range(0, p, BLOCK):
        block = np.arange(start, min(start + BLOCK, p))
        block = block[alive[block]]
        near = np.abs(R[:, block].T @ R[:, start:]) > most
        for j, row in zip(block, near, strict=True):
            if alive[j]:
                alive[j + 1 :] &= ~row[j + 1 - start :]
    return np.flatnonzero(alive)
