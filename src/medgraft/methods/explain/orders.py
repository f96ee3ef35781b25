"""Shapley values of any model: columns enter in random orders, and the model is asked after each."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from medgraft.methods.explain.columns import ColumnModel
from medgraft.methods.splits import Floats, Ints

ORDERS = 10  # random orders of the columns, each there and back
FEW_ORDERS = (((0,),), ((0, 1),), ((0, 1, 2), (1, 0, 2), (0, 2, 1)))  # with their reverses all there are
CELLS = 30_000_000  # of a table that is predicted at once


def by_orders(
    columns: ColumnModel, X: pd.DataFrame, B: pd.DataFrame, block: Ints, seed: int
) -> tuple[Floats, Floats, Floats]:
    """Return values (n, m, K), their standard errors, and the background's mean (K,).

    Orders are walked as row numbers: a block's columns are taken from the row whose number stands there, so
    that words and gaps need no numbers of their own.
    """
    ask = _asker(columns, pd.concat([B, X], ignore_index=True), block)
    m, rng = int(block.max()) + 1, np.random.default_rng(seed)
    values, error = [], []
    for row in range(len(B), len(B) + len(X)):
        pairs = _orders(m, rng)
        each = np.array([[_walk(ask, order, row, len(B)) for order in pair] for pair in pairs]).mean(axis=1)
        values.append(each.mean(axis=0))
        exact = m <= len(FEW_ORDERS)
        error.append(np.zeros_like(each[0]) if exact else each.std(axis=0, ddof=1) / len(pairs) ** 0.5)
    return np.array(values), np.array(error), columns.predict(B).mean(axis=0)


def _orders(m: int, rng: np.random.Generator) -> list[list[Ints]]:
    """Return orders of m columns in pairs, there and back: all of few columns, else random ones."""
    if m <= len(FEW_ORDERS):
        found = [np.array(order) for order in FEW_ORDERS[m - 1]]
    else:
        found = [rng.permutation(m) for _ in range(ORDERS)]
    return [[order, order[::-1]] for order in found]


def _walk(ask: Callable[[Floats], Floats], order: Ints, row: int, background: int) -> Floats:
    """Return what each block (m, K) adds where blocks enter in an order, on average over the background."""
    m = len(order)
    entered = np.argsort(order)[None] < np.arange(m + 1)[:, None]  # (states, blocks)
    number = np.where(entered[:, None], row, np.arange(background)[None, :, None])
    mean = ask(number.reshape(-1, m)).reshape(m + 1, background, -1).mean(axis=1)
    out = np.empty((m, mean.shape[1]))
    out[order] = np.diff(mean, axis=0)
    return out


def _asker(columns: ColumnModel, both: pd.DataFrame, block: Ints) -> Callable[[Floats], Floats]:
    """Return the model as a function of row numbers (a, m)."""
    plain = len(set(both.dtypes)) == 1 and isinstance(both.dtypes.iloc[0], np.dtype)
    values = both.to_numpy() if plain else None
    members = [np.flatnonzero(block == k) for k in range(int(block.max()) + 1)]

    def mixed(rows: Ints) -> pd.DataFrame:
        if values is None:
            made = {j: both.iloc[:, j].array.take(rows[:, k]) for j, k in enumerate(block)}
            return pd.DataFrame(made).set_axis(both.columns, axis=1)
        out = np.empty((len(rows), values.shape[1]), dtype=values.dtype)
        for k, mine in enumerate(members):
            out[:, mine] = values[:, mine][rows[:, k]]
        return pd.DataFrame(out, columns=both.columns)

    def ask(number: Floats) -> Floats:
        rows, size = np.asarray(number).astype(np.intp), max(1, CELLS // len(block))
        parts = [columns.predict(mixed(rows[k : k + size])) for k in range(0, len(rows), size)]
        return np.concatenate(parts)

    return ask
