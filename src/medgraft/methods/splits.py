"""Inner splits that keep a patient whole, and that do not depend on the order of the rows."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.intp]

BLOCK = 50_000  # values mixed at once: they fit into a cache
_M1, _M2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def _mix(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Finaliser of splitmix64: every input bit reaches every output bit."""
    x = (x ^ (x >> np.uint64(30))) * _M1
    x = (x ^ (x >> np.uint64(27))) * _M2
    return x ^ (x >> np.uint64(31))


def row_keys(X: NDArray[Any], bits: NDArray[np.uint64] | None = None) -> NDArray[np.uint64]:
    """One number per row that depends on the row's content alone, not on its place.

    Sorting by it gives every permutation of the same rows the same order, so that an inner split is a
    property of the patients and not of the file.

    Parameters
    ----------
    X : array (n, p) of float
        NaN is one value like any other, and -0 equals 0.
    bits : array (n, q) of uint64, optional
        More columns, already numbers of 64 bits.

    Returns
    -------
    array (n,) of uint64

    Examples
    --------
    >>> import numpy as np
    >>> a = np.array([[1.0, np.nan], [0.0, 2.0], [1.0, np.nan]])
    >>> k = row_keys(a)
    >>> bool(k[0] == k[2]), bool(k[0] == k[1])
    (True, False)
    """
    n, width = len(X), X.shape[1] + (0 if bits is None else bits.shape[1])
    columns = _mix(np.arange(1, width + 1, dtype=np.uint64)) | np.uint64(1)
    out = np.empty(n, dtype=np.uint64)
    step = max(BLOCK // max(width, 1), 1)
    for start in range(0, n, step):
        rows = slice(start, start + step)
        clean = np.array(X[rows], dtype=np.float64, order="C") + 0.0
        clean[np.isnan(clean)] = np.nan
        mixed = clean.view(np.uint64) if bits is None else np.hstack([clean.view(np.uint64), bits[rows]])
        out[rows] = (_mix(mixed) * columns).sum(axis=1, dtype=np.uint64)
    return _mix(out)


def units_of(
    keys: NDArray[np.uint64], stratum: Ints | None = None, groups: NDArray[Any] | None = None
) -> Ints:
    """Codes of what may not be torn apart: the patient, or else all copies of one row.

    A copy of a row on both sides of a split is a leak, and keeping copies together makes an integer
    weight mean the same as repeating the row.

    Parameters
    ----------
    keys : array (n,) of uint64
        From `row_keys`.
    stratum : array (n,) of int, optional
        Class of each row: rows of other classes are never copies of each other.
    groups : array (n,), optional
        Patient of each row; when given, it alone decides.

    Returns
    -------
    array (n,) of int
        0 to U-1 in the order of names or keys, so that they do not depend on the order of the rows;
        equal codes stay together.
    """
    if groups is not None:
        return np.unique(groups, return_inverse=True)[1].reshape(-1)
    if stratum is None:
        return np.unique(keys, return_inverse=True)[1].reshape(-1)
    rows = np.rec.fromarrays([keys, stratum])
    return np.unique(rows, return_inverse=True)[1].reshape(-1)


def number_again(units: Ints) -> Ints:
    """Number the units of some rows 0 to U-1 again, in the same order."""
    return np.unique(units, return_inverse=True)[1].reshape(-1)


def inner_folds(
    units: Ints, *, k: int, seed: int, stratum: Ints | None = None, weight: NDArray[Any] | None = None
) -> Ints:
    """Deal whole units to `k` folds, stratified, the same for every order of the rows.

    Units are shuffled with `seed` and dealt round robin stratum by stratum. The
    stratum of a unit is its heaviest one (the rarer overall on a tie).

    Parameters
    ----------
    units : array (n,) of int
        From `units_of`.
    k : int
        Number of folds; with fewer units than folds some folds stay empty.
    seed : int
        Seed of the shuffle.
    stratum : array (n,) of int, optional
        Class codes. Renaming classes changes no split.
    weight : array (n,), optional
        What each row counts for the stratum of its unit; default 1. A row of weight 2 is two rows.

    Returns
    -------
    array (n,) of int
        The fold in which the row is held out.

    Notes
    -----
    Cost O(n + U log U + U K) for U units and K classes.

    Examples
    --------
    >>> import numpy as np
    >>> y = np.array([0, 0, 0, 1, 1, 1])
    >>> f = inner_folds(np.arange(6), k=3, seed=0, stratum=y)
    >>> sorted(f[y == 0].tolist()), sorted(f[y == 1].tolist())
    ([0, 1, 2], [0, 1, 2])
    """
    n_units = int(units.max()) + 1 if len(units) else 0
    order = np.random.default_rng(seed).permutation(n_units)
    kind = _unit_stratum(units, stratum, weight, n_units)[order]
    # Strata in the order in which they turn up, so that their names play no part.
    first = np.unique(kind, return_index=True)[1]
    dealt = np.concatenate([order[kind == kind[i]] for i in np.sort(first)]) if n_units else order
    fold = np.empty(n_units, dtype=np.intp)
    fold[dealt] = np.arange(n_units) % k
    return fold[units]


def forward_folds(units: Ints, when: Floats, *, k: int = 5) -> Ints:
    """Cut calendar time into at most `k` stretches: each is forecast by the units that ended before it.

    Use it in place of `inner_folds` where the model is to forecast: a fold in the middle of its training
    rows is interpolated, which is easier. The rows of stretch f are forecast by a model that learns from the
    units of which every row is of a stretch before f, and from no other row of the target: it has seen
    neither anything later nor, at any time, the units that it forecasts. Stretch 0 is only learned from.

    Stretches end with units, about equally many of their ends in each, so that every stretch has units to
    learn from; a unit that is followed for longer has rows in several. Where all units end at one time there
    is one stretch.

    Parameters
    ----------
    units : array (n,) of int
        From `units_of`: patients; or stretches of time of one patient who is to be forecast.
    when : array (n,)
        Times; a row without one is of stretch 0, as if it came first.
    k : int

    Returns
    -------
    array (n,) of int
        The stretch of each row, none of them empty.

    Examples
    --------
    >>> import numpy as np
    >>> forward_folds(np.array([0, 0, 1, 2]), np.array([5.0, 7.0, 1.0, 2.0]), k=3).tolist()
    [2, 2, 0, 1]

    The first patient's row at time 1 is forecast by nobody, and teaches nobody before that patient has ended.

    >>> forward_folds(np.array([0, 0, 1, 2]), np.array([1.0, 7.0, 1.0, 2.0]), k=3).tolist()
    [0, 2, 0, 1]
    """
    seen = ~np.isnan(when)
    end = np.full(int(units.max()) + 1, -np.inf)
    np.maximum.at(end, units[seen], when[seen])
    ends = np.unique(end[np.unique(units)])
    stretch = np.arange(len(ends)) * min(k, len(ends)) // len(ends)
    cuts = ends[np.flatnonzero(np.diff(stretch))]
    return np.where(seen, np.searchsorted(cuts, when, side="left"), 0).astype(np.intp)


def _unit_stratum(units: Ints, stratum: Ints | None, weight: NDArray[Any] | None, n_units: int) -> Ints:
    if stratum is None:
        return np.zeros(n_units, dtype=np.intp)
    k = int(stratum.max()) + 1
    count = np.bincount(units * k + stratum, weights=weight, minlength=n_units * k).reshape(n_units, k)
    # Rounded on a scale of its own, so that neither the order of the sum nor the unit of weight makes a tie.
    count = np.round(count * (n_units / (float(count.sum()) or 1.0)), 9)
    total = np.round(count.sum(axis=0), 6)
    # A tie goes to the rarer class: it is the one that a split can lose. Of equally rare ones the counts
    # themselves decide, whatever the classes are called.
    turn = np.array(sorted(range(k), key=lambda c: (total[c], count[:, c].tobytes())), dtype=np.intp)
    return np.asarray(turn[np.argmax(count[:, turn], axis=1)])
