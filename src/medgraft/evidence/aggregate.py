"""From slices to patients, from windows to subjects: several predictions of one patient become one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medgraft.base import MedgraftError, did_you_mean
from medgraft.evidence.metrics.base import Floats, Ints

HOW = ("mean", "max", "vote", "noisy-or")
ANY = ("max", "noisy-or")  # a patient is positive if any row is


def check_how(how: str, task: str) -> None:
    """Refuse a way that does not exist, or that the task has no place for.

    Raises
    ------
    MedgraftError

    Examples
    --------
    >>> check_how("mean", "regression")
    """
    if how not in HOW:
        hint = did_you_mean(how, HOW) or f" Choose one of {', '.join(HOW)}."
        raise MedgraftError(f"There is no way '{how}' to aggregate.{hint}")
    able = ("binary", "multilabel") if how in ANY else ("binary", "multiclass", "ordinal", "multilabel")
    if task not in (*able, "regression" if how == "mean" else ""):
        other = "mean" if task == "regression" else "mean or vote"
        if task == "segmentation":
            raise MedgraftError("Outlines are not aggregated: each sample is scored by itself.")
        raise MedgraftError(f"'{how}' cannot aggregate a {task} task: it joins yes and no; use {other}.")


def aggregate(p: ArrayLike, group: ArrayLike, how: str, *, labels: bool = False) -> Floats:
    r"""Join the predictions of each patient.

    Use it where a patient has several slices, windows or photographs and one diagnosis. Not where rows of one
    patient are to differ, as lesions may.

    With :math:`p_1, \dots, p_m` of one patient: "mean" :math:`\frac1m \sum_i p_i`, of values too; "vote" the
    share of rows whose most probable class each is (of several labels: the share of 0.5 or more); "max" the
    largest probability of the event, the most certain positive; "noisy-or" :math:`1 - \prod_i (1 - p_i)`, the
    chance that any is positive if rows err independently, which makes much of many rows.

    Parameters
    ----------
    p : (n, K), (n,) or, with `labels`, (n, L) array
        Class probabilities, values, or a probability for each of several labels.
    group : (n,) array
        Patients.
    how : {"mean", "max", "vote", "noisy-or"}
    labels : bool
        Whether the columns of `p` are labels of their own and not classes.

    Returns
    -------
    (g, K), (g,) or (g, L) array
        One row a patient, in the order of ``np.unique(group)``.

    Raises
    ------
    MedgraftError
        "max" or "noisy-or" of more than two classes, or any but "mean" of values.

    Examples
    --------
    >>> p = np.array([[0.9, 0.1], [0.4, 0.6], [0.7, 0.3]])
    >>> aggregate(p, ["a", "a", "b"], "noisy-or").round(2).tolist()
    [[0.36, 0.64], [0.7, 0.3]]
    """
    guess = np.asarray(p, dtype=float)
    kinds = "regression" if guess.ndim == 1 else "multilabel" if labels else "multiclass"
    check_how(how, "binary" if kinds == "multiclass" and guess.shape[1] == 2 else kinds)
    if guess.ndim == 1:
        return _mean(guess[:, None], _codes(group, len(guess)))[:, 0]
    of = _codes(group, len(guess))
    if how == "mean":
        return _mean(guess, of)
    if how == "vote":
        chosen = guess >= 0.5 if labels else guess.argmax(axis=1)[:, None] == np.arange(guess.shape[1])
        return _mean(chosen.astype(float), of)
    event = guess if labels else guess[:, 1:]
    out = np.zeros((int(of.max()) + 1, event.shape[1]))
    if how == "max":
        np.maximum.at(out, of, event)
    else:
        out[:] = 1.0
        np.multiply.at(out, of, 1.0 - event)
        out = 1.0 - out
    return out if labels else np.hstack([1.0 - out, out])


def aggregate_labels(y: ArrayLike, group: ArrayLike, how: str) -> tuple[Floats, Ints]:
    """Return each patient's label, in the order of ``np.unique(group)``, and how many rows a patient has.

    With "max" and "noisy-or" a patient is positive if any row is (unknown, if none is and one is unknown).

    Raises
    ------
    MedgraftError
        Rows of one patient have different labels, and the way takes them to be one.

    Examples
    --------
    >>> aggregate_labels([0, 1, 0], ["a", "a", "b"], "max")
    (array([1, 0]), array([2, 1]))
    """
    truth = np.asarray(y)
    of = _codes(group, len(truth))
    first = np.unique(of, return_index=True)[1]
    rows = np.bincount(of)
    own = truth[first]
    if how in ANY:
        lowest = np.full(own.shape, -1.0)
        filled = np.where(np.isnan(truth.astype(float)), 0.5, truth.astype(float))
        np.maximum.at(lowest, of, filled)
        joined = np.where(lowest == 0.5, np.nan, lowest)
        return np.asarray(joined.astype(truth.dtype) if truth.dtype.kind in "iu" else joined), rows
    same = (truth == own[of]) | (_missing(truth) & _missing(own[of]))
    differ = np.unique(of[~same.reshape(len(truth), -1).all(axis=1)])
    if len(differ):
        raise MedgraftError(
            f"{len(differ)} of {len(first)} patients have rows with different labels, which '{how}' cannot "
            "join into one: score the rows by themselves (leave out --aggregate), or use max or noisy-or, to "
            "which a patient is positive if any row is."
        )
    return np.asarray(own), rows


def _missing(y: NDArray[Any]) -> NDArray[np.bool_]:
    return np.asarray(np.isnan(y) if y.dtype.kind == "f" else np.zeros(y.shape, dtype=bool))


def _codes(group: ArrayLike, n: int) -> Ints:
    names = np.asarray(group)
    if names.shape != (n,):
        raise MedgraftError(f"'group' has shape {names.shape}, but there are {n} rows: give one per row.")
    return np.asarray(np.unique(names, return_inverse=True)[1].reshape(-1), dtype=np.int64)


def _mean(p: Floats, of: Ints) -> Floats:
    total = np.zeros((int(of.max()) + 1, p.shape[1]))
    np.add.at(total, of, p)
    return np.asarray(total / np.bincount(of)[:, None])
