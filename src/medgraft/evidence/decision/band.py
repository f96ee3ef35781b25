"""Means of patients over thresholds, with an interval at each and a band for all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import stdtrit

from medgraft.base import MedgraftError
from medgraft.evidence.bootstrap import resamples, tail
from medgraft.evidence.interval import check_level, exact_end, jsonable
from medgraft.evidence.metrics.base import Floats, Ints
from medgraft.evidence.score_interval import score_interval

CHUNK = 500  # draws at a time: memory stays bounded for many patients


@dataclass(frozen=True)
class Band:
    """A net benefit, or a difference of two, over thresholds, with its band over patients.

    Attributes
    ----------
    value : (T,) array
        One for each threshold.
    lo, hi : (T,) array
        Interval at each threshold on its own.
    lo_all, hi_all : (T,) array
        Band that holds at all thresholds at once: for those who look for a threshold at which a model is
        better.
    """

    value: Floats
    lo: Floats
    hi: Floats
    lo_all: Floats
    hi_all: Floats

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON knows it: nan becomes None."""
        return {name: [jsonable(x) for x in values] for name, values in vars(self).items()}


def worth(*values: Floats | float) -> Floats:
    """Return all that a row can add at each threshold, (T, K)."""
    return np.stack(np.broadcast_arrays(*values), axis=1)


def bands(
    curves: list[tuple[Floats, Floats]], at: Floats, patient: Ints, n_boot: int, seed: int, level: float
) -> list[Band]:
    """Return the means of the rows with their bands; the net benefit is linear in what patients weigh."""
    check_level(level)
    if n_boot < 2:
        raise MedgraftError(f"A bootstrap needs at least 2 draws, not {n_boot}: use 1000 or more.")
    n = int(patient.max()) + 1
    rows = np.bincount(patient).astype(float)
    sums = np.zeros((n, len(curves) * len(at)))
    np.add.at(sums, patient, np.hstack([gains for gains, _ in curves]))
    draws = np.empty((n_boot, sums.shape[1]))
    for where, weights, _ in resamples(n, 1, n_boot, seed, CHUNK):
        draws[where] = weights.T @ sums / (weights.T @ rows)[:, None]
    out = []
    for (gains, worth), of, drawn in zip(
        curves, *(np.split(a, len(curves), axis=1) for a in (sums, draws)), strict=True
    ):
        value = of.sum(axis=0) / rows.sum()
        lo, hi = _ends(gains, worth, of, rows, level) if n > 1 else np.full((2, len(at)), np.nan)
        out.append(_band(value, lo, hi, drawn, at, n, level))
    return out


def _ends(gains: Floats, worth: Floats, sums: Floats, rows: Floats, level: float) -> tuple[Floats, Floats]:
    """Return the score interval at each threshold, of as many independent rows as patients are worth."""
    n, patients = len(gains), len(rows)
    left = np.ones(gains.shape, dtype=bool)
    count = np.empty(worth.shape)
    for k in range(worth.shape[1]):  # each row counts once, where two of the values are equal, too
        is_k = left & (gains == worth[:, k])
        count[:, k], left = is_k.sum(axis=0), left & ~is_k
    if patients == n:
        return score_interval(worth, count, -float(stdtrit(np.inf, (1 - level) / 2)))
    value = gains.mean(axis=0)
    alone = np.square(gains - value).sum(axis=0)
    over = np.square(sums - rows[:, None] * value).sum(axis=0)
    known = (over > 0) & (alone > 0)
    effect = np.where(known, over / np.where(known, alone, 1.0), n / patients)
    return score_interval(worth, count / effect[:, None], -float(stdtrit(patients - 1, (1 - level) / 2)))


def _band(value: Floats, lo: Floats, hi: Floats, draws: Floats, at: Floats, n: int, level: float) -> Band:
    spread = draws.std(axis=0)
    moves = spread > 1e-12
    if n < 2 or not moves.any():
        return Band(value, lo, hi, lo, hi)
    # Where hardly anybody is flagged resampling sees no spread, but new patients might be: so many of n
    # as none of n allows for (Clopper-Pearson), each worth 1 or t / (1 - t).
    one = np.maximum(1.0, at / (1 - at)) / n
    unseen = n * (1 - exact_end(n, level)) * one
    away = (np.abs(draws - value)[:, moves] / spread[moves]).max(axis=1)
    # Never narrower than at one threshold: few patients need Student's t here as well.
    reach = max(float(np.quantile(away, level)) * np.sqrt(n / (n - 1)), tail(n, level))
    half = np.maximum(reach * np.hypot(spread, one), unseen)  # as if one patient more were flagged
    return Band(value, lo, hi, np.minimum(lo, value - half), np.maximum(hi, value + half))
