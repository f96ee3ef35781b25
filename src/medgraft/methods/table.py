"""Reading what a caller hands over: numbers and words, told apart once and checked."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.utils import check_array

from medgraft.base import MedgraftError
from medgraft.methods.splits import Floats, Ints, row_keys


class InputError(MedgraftError, ValueError):
    """A user's mistake in what was given to an estimator; also a ValueError, as scikit-learn expects."""


@dataclass(frozen=True)
class Table:
    """Rows as two blocks: numbers (NaN where missing) and words (codes into levels, -1 where missing).

    Parameters
    ----------
    names : list of str
        Column names in the caller's order.
    number : list of bool
        Whether the column is a number (true) or a word.
    numbers : array (n, number columns) of float64
    codes : array (n, word columns) of int
    levels : list of list of str
        Sorted words of each word column.
    """

    names: list[str]
    number: list[bool]
    numbers: Floats
    codes: Ints
    levels: list[list[str]]

    def __len__(self) -> int:
        return len(self.numbers)

    @classmethod
    def of(cls, X: Any, number: list[bool] | None = None) -> Table:
        """Read an array or a DataFrame; `number` fixes the kinds (those seen in training).

        Numbers: integer and float columns. Words: bool, string and category columns. Object columns are
        numbers if every value in them is one.
        """
        if isinstance(X, cls):
            return X
        if not isinstance(X, pd.DataFrame):
            X = _array(X)
            if X.dtype.kind in "fiub":
                plain = number is None or all(number)
                if plain and X.dtype.kind != "b":
                    return cls([f"x{j}" for j in range(X.shape[1])], [True] * X.shape[1], *_numbers_only(X))
            X = pd.DataFrame(X, columns=[f"x{j}" for j in range(X.shape[1])])
        if X.shape[0] == 0 or X.shape[1] == 0:
            raise InputError(
                f"Found {X.shape[0]} sample(s) and {X.shape[1]} feature(s): at least 1 is required."
            )
        names = [str(c) for c in X.columns]
        if (number is None or all(number)) and _all_numbers(X):
            # Of omics there are ten thousands: one column at a time takes seconds.
            return cls(names, [True] * len(names), *_numbers_only(_finite(X, names)))
        columns = [X.iloc[:, j] for j in range(X.shape[1])]
        kinds = [_is_number(c, n) for c, n in zip(columns, names, strict=True)] if number is None else number
        numbers = np.empty((X.shape[0], sum(kinds)))
        codes = np.empty((X.shape[0], len(kinds) - sum(kinds)), dtype=np.intp)
        levels: list[list[str]] = []
        i = 0
        for column, name, is_number in zip(columns, names, kinds, strict=True):
            if is_number:
                numbers[:, i] = _floats(column, name)
                i += 1
            else:
                codes[:, len(levels)], words = _words(column)
                levels.append(words)
        return cls(names, kinds, numbers, codes, levels)

    def take(self, rows: NDArray[Any]) -> Table:
        """The same columns for some rows."""
        return Table(self.names, self.number, self.numbers[rows], self.codes[rows], self.levels)

    def keys(self, extra: Floats | None = None) -> NDArray[np.uint64]:
        """One number per row from its content (see `row_keys`), `extra` (n,) included."""
        # Words count by their letters: a code would depend on the words of the other rows.
        words = [_word_keys(w)[self.codes[:, j]] for j, w in enumerate(self.levels)]
        numbers = self.numbers if extra is None else np.column_stack([self.numbers, extra])
        return row_keys(numbers, np.column_stack(words) if words else None)


def _word_keys(words: list[str]) -> NDArray[np.uint64]:
    """One number per word, and a last one (index -1) for a missing word."""
    digests = [hashlib.blake2b(w.encode(), digest_size=8).digest() for w in [*words, "\0 missing"]]
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)


def _array(X: Any) -> NDArray[Any]:
    if issparse(X):
        raise TypeError("Sparse data was passed, but dense data is required: use X.toarray().")
    A = np.asarray(X)
    if A.dtype.kind in "OUS":
        A = check_array(A.astype(object), dtype=None, ensure_all_finite=False)
        return np.asarray(A)
    return np.asarray(check_array(A, dtype="numeric", ensure_all_finite="allow-nan", input_name="X"))


def _numbers_only(A: NDArray[Any]) -> tuple[Floats, Ints, list[list[str]]]:
    return A.astype(np.float64), np.empty((len(A), 0), dtype=np.intp), []


def _all_numbers(X: pd.DataFrame) -> bool:
    return all(isinstance(kind, np.dtype) and kind.kind in "fiu" for kind in set(X.dtypes))


def _finite(X: pd.DataFrame, names: list[str]) -> Floats:
    values = X.to_numpy(dtype=np.float64)
    if (bad := np.isinf(values).any(axis=0)).any():
        raise _infinite(names[int(bad.argmax())])
    return np.ascontiguousarray(values)  # sums depend on the order in memory, to the last digit


def _infinite(name: str) -> InputError:
    return InputError(
        f"Input X contains infinity in column '{name}': replace it by a number or leave it empty."
    )


def _is_number(column: pd.Series[Any], name: str) -> bool:
    kind = column.dtype
    if pd.api.types.is_bool_dtype(kind) or isinstance(kind, pd.CategoricalDtype):
        return False
    if pd.api.types.is_numeric_dtype(kind):
        return True
    if pd.api.types.is_datetime64_any_dtype(kind) or pd.api.types.is_timedelta64_dtype(kind):
        raise InputError(f"Column '{name}' holds dates: turn it into a number (for example days) first.")
    if pd.api.types.is_object_dtype(kind):
        inferred = pd.api.types.infer_dtype(column, skipna=True)
        return inferred in ("integer", "floating", "mixed-integer-float", "decimal")
    return False


def _floats(column: pd.Series[Any], name: str) -> Floats:
    try:
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError):
        try:
            values = pd.to_numeric(column).to_numpy(dtype=np.float64, na_value=np.nan)
        except (TypeError, ValueError):
            raise InputError(
                f"Column '{name}' must hold numbers, as in training, but holds words: mend that column."
            ) from None
    if np.isinf(values).any():
        raise _infinite(name)
    return np.asarray(values)


def _words(column: pd.Series[Any]) -> tuple[Ints, list[str]]:
    raw = column.astype(object) if column.dtype != object else column
    code, unique = pd.factorize(raw.to_numpy(), use_na_sentinel=True)
    for value in unique:
        if not np.isscalar(value):
            raise TypeError(f"argument must be a string or a real number, not '{type(value).__name__}'")
    words = [str(u) for u in unique]
    levels = sorted(set(words))
    place = {w: i for i, w in enumerate(levels)}
    to = np.array([*(place[w] for w in words), -1], dtype=np.intp)
    return to[code], levels
