"""What the methods for label shift share: the target's class shares, and when they cannot be known."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from medgraft.methods.base import TransferEstimator
from medgraft.methods.rows import Rows
from medgraft.methods.splits import Floats, Ints, inner_folds, number_again


class LabelShift(TransferEstimator):
    """Base of the methods that estimate the target's class shares from its unlabelled rows.

    Derive from it and implement ``_shares(Z, rows, train)``, which returns the target's shares, or None where
    they cannot be told; ``_finish`` makes the model from them.
    """

    def _fit(self, rows: Rows) -> None:
        self.encoder_ = rows.encoder()
        Z = self.encoder_.transform(rows.table)
        where = rows.labelled
        train = np.bincount(rows.y[where], weights=rows.weight[where], minlength=rows.k)
        train = train / train.sum()
        self.shares_ = train.copy()
        if rows.k == 1 or not rows.source.any() or not (rows.target & ~rows.labelled).any():
            self.note_ = "Class shares need a source and unlabelled target patients: all were pooled."
        else:
            shares = self._shares(Z, rows, train)
            if shares is not None:
                self.shares_ = shares
        self._finish(Z, rows, self.shares_ / np.maximum(train, 1e-300))

    @abstractmethod
    def _shares(self, Z: Floats, rows: Rows, train: Floats) -> Floats | None:
        """Shares (K,) of the classes among the target's unlabelled rows."""

    @abstractmethod
    def _finish(self, Z: Floats, rows: Rows, ratio: Floats) -> None:
        """Fit the model, given the ratio (K,) of target to training shares."""

    def _out_of_fold(self, Z: Floats, rows: Rows) -> tuple[Floats, Ints]:
        """Probabilities (m, K) of labelled rows by fits without their patients, and these rows."""
        at = np.flatnonzero(rows.labelled)
        units = number_again(rows.units[at])
        fold = inner_folds(units, k=5, seed=self.random_state, stratum=rows.y[at], weight=rows.weight[at])
        out = np.full((len(at), rows.k), np.nan)
        for f in np.unique(fold):
            held = fold == f
            if held.all():
                continue
            train = np.zeros(len(Z), dtype=bool)
            train[at[~held]] = True
            self._learn(Z, rows, train)
            out[held] = self._full(self.learner_.predict_proba(Z[at[held]]), self.learner_.classes_)
        known = np.isfinite(out).all(axis=1)
        return out[known], at[known]


def em_shares(p: Floats, train: Floats, weight: Floats | None = None, tol: float = 1e-10) -> Floats:
    r"""Class shares under which probabilities, brought over from other shares, agree with themselves.

    It maximises the likelihood :math:`\sum_i w_i \log \sum_c \pi_c \, p_{ic} / q_c` over shares
    :math:`\pi`, q being the training shares, by expectation maximisation; the problem is concave.

    Parameters
    ----------
    p : array (n, K)
        Probabilities of target rows by a classifier trained under the shares `train`.
    train : array (K,)
    weight : array (n,), optional
    tol : float
        Largest change of a share at which the steps end; at most 10 000 of them.

    Examples
    --------
    >>> em_shares(np.array([[0.9, 0.1]] * 3 + [[0.1, 0.9]]), np.array([0.5, 0.5])).round(3).tolist()
    [0.812, 0.188]
    """
    w = np.ones(len(p)) if weight is None else weight
    w = w / w.sum()
    A = np.divide(p, train, out=np.zeros_like(p), where=train > 0)
    shares = train.copy()
    for _ in range(10_000):
        part = A * shares
        part /= np.maximum(part.sum(axis=1, keepdims=True), 1e-300)
        new = w @ part
        done = np.abs(new - shares).max() < tol
        shares = new / new.sum()
        if done:
            break
    return np.asarray(shares)
