"""Permutation importance: how much worse predictions are when a column's values are dealt out anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from medgraft.base import MedgraftError
from medgraft.evidence.compare import Comparison, compare
from medgraft.evidence.metrics.base import Metric, as_metric, default_metric
from medgraft.methods.explain.blocks import block_names, blocks_of
from medgraft.methods.explain.columns import ColumnModel
from medgraft.methods.explain.scores import place_of
from medgraft.methods.splits import Floats, Ints, units_of


@dataclass(frozen=True)
class Importance:
    """What a column, or a block of columns, is worth to a metric.

    Attributes
    ----------
    column : str
    loss : float
        The metric as it is against the metric with the column dealt out anew; above 0 where the column
        helps, whichever way the metric runs.
    lo, hi : float
        Interval of `loss` over patients and deals.
    comparison : Comparison
        As it was made: "helps" where the column does.
    """

    column: str
    loss: float
    lo: float
    hi: float
    comparison: Comparison


def permutation_importance(
    model: Any,
    data: Any,
    y: ArrayLike,
    *,
    metric: Metric | str | None = None,
    group: ArrayLike | None = None,
    repeats: int = 5,
    blocks: Sequence[Any] | None = None,
    random_state: int = 0,
    n_boot: int = 2000,
) -> list[Importance]:
    r"""Say how much worse a model predicts when the values of a column are dealt out among patients anew.

    Use it on labelled patients that the model did not learn from. Not on its training rows, where noise
    that was learnt looks important; and not column by column where several say the same, since each is then
    dispensable: put these into one block.

    With the metric m and R deals of column j, among patients with all their rows,

    .. math:: I_j = \frac1R \sum_r \pm \big( m(y, f(X)) - m(y, f(X^{(j, r)})) \big)

    with the sign by which better is more. The interval is that of `medgraft.evidence.compare`: paired,
    over patients and deals.

    Parameters
    ----------
    model : estimator or Graft
        Any that reads a table.
    data : DataFrame, Cohort or path
        The patients (n).
    y : array (n,)
        Their labels, as the model names them, or values; of several labels (n, L) of 0 and 1.
    metric : Metric or str, optional
        Default that of the task.
    group : array (n,), optional
        Patients; default each row its own. The r-th row of a patient gets the value of the r-th row of
        another one (in turn, where that has fewer).
    repeats : int
        Deals.
    blocks : sequence of p names, optional
        Columns with one name are dealt out together; default each by itself, or 64 clusters of more columns.
    random_state : int
        Of deals and the bootstrap.
    n_boot : int
        Draws of the bootstrap.

    Returns
    -------
    list of Importance
        The largest loss first.

    Raises
    ------
    MedgraftError
        A label is no class of the model, or shapes do not match.

    Notes
    -----
    Cost: repeats predictions of the data a column or block. Source: Breiman 2001,
    doi:10.1023/A:1010933404324 (of trees); Fisher, Rudin and Dominici 2019, arXiv:1801.01489.

    Examples
    --------
    >>> from medgraft.methods.controls.pooled import Pooled
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame(rng.normal(size=(60, 2)), columns=["dose", "noise"])
    >>> m = Pooled(task="regression").fit(X, 3 * X["dose"])
    >>> [i.column for i in permutation_importance(m, X, 3 * X["dose"], n_boot=200)]
    ['dose', 'noise']
    """
    columns = ColumnModel.of(model)
    X = columns.frame(data).reset_index(drop=True)
    if repeats < 1:
        raise MedgraftError(f"A column must be dealt out once or more often, not {repeats} times.")
    truth, task = _truth(columns, y, len(X))
    chosen = as_metric(default_metric(task) if metric is None else metric)
    block = blocks_of(X, blocks, seed=random_state)
    who = units_of(np.empty(0, dtype=np.uint64), groups=_patients(group, len(X)))
    plain = columns.predict(X)
    deals = [deal(who, np.random.default_rng([random_state, r])) for r in range(repeats)]
    found = []
    for k, name in enumerate(block_names([str(c) for c in X.columns], block)):
        dealt = [columns.predict(_dealt(X, block == k, rows)) for rows in deals]
        result = compare(
            chosen,
            np.concatenate([truth] * repeats),
            _shape(np.concatenate([plain] * repeats), columns),
            _shape(np.concatenate(dealt), columns),
            group=np.tile(who, repeats),
            repeat=np.repeat(np.arange(repeats), len(X)),
            n_boot=n_boot,
            seed=random_state,
        )
        ends = sorted((chosen.sign * result.lo, chosen.sign * result.hi))
        found.append(Importance(name, chosen.sign * result.difference, ends[0], ends[1], result))
    return sorted(found, key=lambda i: -i.loss)


def deal(who: Ints, rng: np.random.Generator) -> Ints:
    """Return the row (n,) whose value each row gets: that of another patient's, row for row.

    Examples
    --------
    >>> deal(np.array([0, 0, 1, 1]), np.random.default_rng(3)).tolist()
    [2, 3, 0, 1]
    """
    rows = list(_rows(who))
    order = rng.permutation(len(rows))
    out = np.empty(len(who), dtype=np.intp)
    for mine, other in zip(rows, order, strict=True):
        theirs = rows[other]
        out[mine] = theirs[np.arange(len(mine)) % len(theirs)]
    return out


def _rows(who: Ints) -> Iterator[Ints]:
    order = np.argsort(who, kind="stable")
    yield from np.split(order, np.flatnonzero(np.diff(who[order])) + 1)


def _patients(group: ArrayLike | None, n: int) -> NDArray[Any]:
    names = np.arange(n) if group is None else np.asarray(group)
    if names.shape != (n,):
        raise MedgraftError(f"'group' has shape {names.shape}, but there are {n} rows: give one per row.")
    return names


def _truth(columns: ColumnModel, y: ArrayLike, n: int) -> tuple[NDArray[Any], str]:
    """Return labels as the metrics read them, and the task."""
    given = np.asarray(y)
    if len(given) != n:
        raise MedgraftError(f"There are {len(given)} labels for {n} rows: give one for each.")
    if given.ndim == 2:
        return given.astype(float), "multilabel"
    if not columns.names:
        return given.astype(float), "regression"
    codes = np.array([place_of(label, columns.names) for label in given.tolist()])
    task = columns.graft.manifest["task"] if columns.graft is not None else None
    return codes, task or ("binary" if len(columns.names) == 2 else "multiclass")


def _dealt(X: pd.DataFrame, which: NDArray[np.bool_], rows: Ints) -> pd.DataFrame:
    made = X.copy()
    for j in np.flatnonzero(which):
        made.isetitem(int(j), X.iloc[:, int(j)].array.take(rows))
    return made


def _shape(p: Floats, columns: ColumnModel) -> Floats:
    return p if columns.names else p[:, 0]
