"""What was predicted and what happened, checked once for everything in this package."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logit

from medgraft.base import MedgraftError
from medgraft.evidence.metrics.base import Floats, Ints, metrics
from medgraft.evidence.metrics.calibration import confidence
from medgraft.evidence.scores import Scores

# A probability nearer to 0 or 1 has a logit that would outweigh all others.
EDGE = 1e-6


class Events(NamedTuple):
    """The probability of something (n,), whether it happened (n,), and whose row it is (n,), from 0."""

    predicted: Floats
    happened: Floats
    group: Ints


def columns(p: ArrayLike) -> Floats:
    """Return probabilities as (n, K): those of an event alone become two columns.

    Raises
    ------
    MedgraftError
        They are not finite, not between 0 and 1, or do not sum to 1.

    Examples
    --------
    >>> columns([0.25]).tolist()
    [[0.75, 0.25]]
    """
    guess = np.asarray(p, dtype=float)
    guess = np.stack([1 - guess, guess], axis=1) if guess.ndim == 1 else guess
    if guess.ndim != 2 or guess.shape[1] < 2 or len(guess) == 0:
        raise MedgraftError(
            f"Probabilities have shape {np.shape(p)}: give one of the event, or one of each class, in a row."
        )
    if not (np.isfinite(guess) & (guess >= 0) & (guess <= 1)).all():
        raise MedgraftError("Probabilities lie between 0 and 1 and none is missing: these do not.")
    if np.abs(guess.sum(axis=1) - 1).max() > 1e-4:
        raise MedgraftError("The probabilities of the classes must sum to 1 in every row: divide by the sum.")
    return guess


def events(y: ArrayLike, p: ArrayLike, *, group: ArrayLike | None = None, of: int | None = None) -> Events:
    """Return what was predicted of each row and what happened.

    Parameters
    ----------
    y : (n,) array
        Class codes 0..K-1.
    p : (n,) or (n, K) array
        Probability of class 1, or of each class.
    group : (n,) array, default every row its own
        Patients.
    of : int, optional
        This class against the others. By default the event where there are two classes, else the most
        probable class and whether it was right.

    Raises
    ------
    MedgraftError
        The arrays do not fit each other, or there is no such class.

    Examples
    --------
    >>> events([0, 2], [[0.8, 0.1, 0.1], [0.3, 0.5, 0.2]]).happened.tolist()
    [1.0, 0.0]
    """
    guess = columns(p)
    scores = Scores.of(metrics["ece"], y, guess, group=group)
    if of is None:
        return Events(*confidence(scores.y, guess), scores.group)
    if not 0 <= of < guess.shape[1]:
        raise MedgraftError(f"There is no class {of}: the classes are 0 to {guess.shape[1] - 1}.")
    return Events(guess[:, of], (scores.y == of).astype(float), scores.group)


def logits(p: Floats) -> Floats:
    """Return log-odds, of probabilities kept a millionth away from 0 and 1."""
    return np.asarray(logit(np.clip(p, EDGE, 1 - EDGE)))


def check_bins(bins: int) -> None:
    """Refuse fewer than one bin."""
    if bins < 1:
        raise MedgraftError(f"Calibration needs at least one bin, not {bins}.")
