"""Shapley values: what each input column of a table adds to a patient's prediction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from medgraft.base import MedgraftError
from medgraft.methods.explain.blocks import block_names, blocks_of
from medgraft.methods.explain.columns import ColumnModel, linear_rule, owners, tree_rule
from medgraft.methods.explain.orders import by_orders
from medgraft.methods.explain.registry import explanation
from medgraft.methods.explain.scores import place_of
from medgraft.methods.explain.tree_values import by_trees
from medgraft.methods.splits import Floats, Ints

BACKGROUND, FEW = 100, 20  # background rows that are kept; of tables wider than WIDE
WIDE = 1000


@dataclass(frozen=True, eq=False)
class ColumnValues:
    """What columns added to the predictions of some rows.

    Attributes
    ----------
    columns : list of str
        Input columns, or blocks of them.
    values : array (n, m)
        What each added; with `base` they sum to `score`.
    error : array (n, m)
        Standard errors over random orders; 0 where values are exact.
    base, score : array (n,)
        The mean over the background, and the row's own.
    targets : list
        The class of each row that is explained; None for values.
    unit : str
        ``"log-odds"``, ``"score"`` (before the softmax), ``"chance"`` or ``"value"``.
    way : str
        ``"linear"``, ``"trees"`` or ``"orders"``: how it was computed.
    block : array (p,) of int
        Which of `columns` each input column belongs to.
    """

    columns: list[str]
    values: Floats
    error: Floats
    base: Floats
    score: Floats
    targets: list[Any]
    unit: str
    way: str
    block: Ints


@explanation("shap", title="Shapley values", explains="columns")
def shap_values(
    model: Any,
    rows: Any,
    background: Any,
    *,
    target: Any = None,
    group: ArrayLike | None = None,
    blocks: Sequence[Any] | None = None,
    estimate: bool = True,
    random_state: int = 0,
) -> ColumnValues:
    r"""Share a prediction out over the input columns, against what patients have on average.

    Use it to tell a patient's prediction column by column, in the columns as they were given: words are not
    split into levels. Not for what would happen if a column were changed in the patient (the model knows no
    causes), nor to rank columns of which several say the same: they share what they say.

    With the model's output f, a set S of columns taken from the patient x and all others from a background
    row b,

    .. math:: \phi_j = \sum_{S \not\ni j} \frac{|S|!\,(p - |S| - 1)!}{p!}
              \big(v(S \cup j) - v(S)\big), \qquad v(S) = \frac1B \sum_b f(x_S, b_{\bar S})

    which sum to f(x) minus the mean over the background. Where the model is a linear rule on encoded
    columns, :math:`\phi_j = \sum_{k \in j} \beta_k (z_k - \bar z_k)` exactly, in log-odds (several classes:
    in scores before the softmax); where it is trees, exactly per encoded column by shap's tree explainer,
    then summed over the columns of one variable; else an estimate over 10 random orders in which columns
    enter, there and back, with its standard error (exact for three columns or fewer).

    Parameters
    ----------
    model : estimator or Graft
        Any that reads a table; of images with columns beside them the image counts as a column. Of a method
        on views of signals, sequences or omics the columns are those of the views.
    rows : DataFrame, Cohort or path
        The patients (n) to explain.
    background : DataFrame, Cohort or path
        Patients to compare with. A graft holds none, so they must be given: best the training cohort.
    target : label, optional
        The class; default, for each row, the one that is predicted.
    group : array (rows of the background,), optional
        Patients: one row of each is kept.
    blocks : sequence of p names, optional
        Columns with one name enter and leave together. Default each column by itself; where an estimate is
        needed and there are more than 64 columns, 64 clusters of columns that move together.
    estimate : bool
        False: refuse where the values would be an estimate and there are more than 1,000 columns.
    random_state : int
        Of the background rows that are kept (100, or 20 of more than 1,000 columns), and of orders.

    Returns
    -------
    ColumnValues

    Raises
    ------
    MedgraftError
        There is no such class, no background, columns break the contract, (trees) shap is not installed, or
        an estimate would take minutes and was not asked for.

    Notes
    -----
    Cost: linear O(n p); trees O(trees depth) a row and background row; else 20 (p + 1) B predictions a row.
    Sources: Shapley 1953; Strumbelj and Kononenko 2014, doi:10.1007/s10115-013-0679-x (random orders);
    Lundberg and Lee 2017, arXiv:1705.07874; Lundberg et al. 2020, doi:10.1038/s42256-019-0138-9 (trees).

    Examples
    --------
    >>> from medgraft.methods.controls.pooled import Pooled
    >>> X = pd.DataFrame({"age": [40.0, 50.0, 60.0, 70.0] * 5, "sex": ["f", "m"] * 10})
    >>> m = Pooled(task="regression").fit(X, 2 * X["age"])
    >>> found = shap_values(m, X.iloc[[3]], X)
    >>> found.columns, found.way, found.values.round(0).tolist()
    (['age', 'sex'], 'linear', [[30.0, 0.0]])
    """
    columns = ColumnModel.of(model)
    X = columns.frame(rows).reset_index(drop=True)
    B = _kept(columns.frame(background).reset_index(drop=True), group, random_state)
    p = columns.predict(X)
    codes = p.argmax(axis=1) if columns.names else np.zeros(len(X), dtype=np.intp)
    if target is not None:
        if not columns.names:
            raise MedgraftError("This model predicts a value, which has no classes: leave target out.")
        codes = np.full(len(X), place_of(target, columns.names))
    found = _inside(columns, X, B)
    if found is None:
        if not estimate and X.shape[1] > WIDE:
            raise MedgraftError(
                "The model is neither a linear rule nor trees, and an estimate for its "
                f"{X.shape[1]:,} columns would take minutes: take one of these, or {WIDE:,} columns at most."
            )
        block = blocks_of(B, blocks, seed=random_state)
        values, error, base = by_orders(columns, X, B, block, random_state)
        found = _Found(values, base, p, "chance" if columns.names else "value", "orders")
    else:
        # Exact for each column, so that columns are put together only where that was asked for.
        block = blocks_of(B, blocks, most=B.shape[1])
        found.values = _summed(found.values, block)
        error = np.zeros_like(found.values)
    n = np.arange(len(X))
    return ColumnValues(
        block_names([str(c) for c in X.columns], block),
        found.values[n, :, codes],
        error[n, :, codes],
        found.base[codes],
        found.score[n, codes],
        [columns.names[k] if columns.names else None for k in codes],
        found.unit,
        found.way,
        block,
    )


@dataclass
class _Found:
    """Values (n, p, K), the background's mean (K,), scores (n, K), and what they are."""

    values: Floats
    base: Floats
    score: Floats
    unit: str
    way: str


def _kept(background: pd.DataFrame, group: ArrayLike | None, seed: int) -> pd.DataFrame:
    """Return one row a patient, and at most as many patients as are affordable."""
    n = len(background)
    if n == 0:
        raise MedgraftError("There are no background patients to compare with: give some.")
    rng = np.random.default_rng(seed)
    order = rng.permutation(n)
    if group is not None:
        names = np.asarray(group)
        if names.shape != (n,):
            raise MedgraftError(f"'group' has shape {names.shape}, but there are {n} background rows.")
        order = order[np.sort(np.unique(names[order].astype(str), return_index=True)[1])]
    most = FEW if background.shape[1] > WIDE else BACKGROUND
    return background.iloc[np.sort(order[:most])].reset_index(drop=True)


def _inside(columns: ColumnModel, X: pd.DataFrame, B: pd.DataFrame) -> _Found | None:
    """Return exact values where the model is an encoder with a linear rule or trees, else None."""
    parts = columns.encoded()
    if parts is None:
        return None
    encoder, learner = parts
    ZX, ZB = encoder.transform(_as_read(columns, X)), encoder.transform(_as_read(columns, B))
    rule = linear_rule(columns, learner, ZB)
    if rule is not None:
        coef, bias = rule
        each = (ZX - ZB.mean(axis=0))[:, :, None] * coef.T[None]
        unit = "value" if not columns.names else "log-odds" if len(columns.names) == 2 else "score"
        own = _summed(each, owners(encoder), X.shape[1])
        return _Found(own, ZB.mean(axis=0) @ coef.T + bias, ZX @ coef.T + bias, unit, "linear")
    trees = tree_rule(columns, learner)
    if trees is None:
        return None
    each, base, score = by_trees(trees, ZX, ZB, max(1, len(columns.names)))
    return _Found(_summed(each, owners(encoder), X.shape[1]), base, score, trees.unit, "trees")


def _as_read(columns: ColumnModel, frame: pd.DataFrame) -> Any:
    return columns.model._read(
        frame
        if columns.graft is not None or hasattr(columns.model, "feature_names_in_")
        else frame.to_numpy(),
        columns.model.encoder_.number_,
    )


def _summed(values: Floats, owner: Ints, p: int | None = None) -> Floats:
    """Sum values (n, q, K) over the columns of one owner."""
    count = int(owner.max()) + 1 if p is None else p
    out = np.zeros((count, len(values), values.shape[2]))
    np.add.at(out, owner, np.moveaxis(values, 1, 0))
    return np.moveaxis(out, 0, 1)
