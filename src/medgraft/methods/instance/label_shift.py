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
