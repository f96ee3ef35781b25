"""Conformal prediction from cross-validation: no patient is set aside."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medgraft.base import MedgraftError
from medgraft.evidence.calibration.events import columns
from medgraft.evidence.conformal.quantile import SLACK, Scores, check_alpha, patient_weights
from medgraft.evidence.conformal.scores import Kind, class_scores
from medgraft.evidence.metrics.base import Floats, Ints, metrics
from medgraft.evidence.scores import Scores as Predictions


def _folds(fold: ArrayLike, group: ArrayLike | None, n: int, models: int) -> Ints:
    """Return the fold of each row, refused where a patient is in two or the new predictions lack one."""
    of = np.asarray(fold)
    if of.shape != (n,) or of.dtype.kind not in "iu" or of.min() < 0 or of.max() >= models:
        raise MedgraftError(
            f"'fold' must be {n} numbers from 0 to {models - 1}: whose model of 'new' did not see the row."
        )
    if group is not None:
        pairs = np.unique(np.stack([np.unique(np.asarray(group), return_inverse=True)[1], of]), axis=1)
        if len(np.unique(pairs[0])) < pairs.shape[1]:
            raise MedgraftError("A patient has rows in several folds: split by patient, so that none leaks.")
    return of.astype(np.int64)


def cv_plus(
    y: ArrayLike,
    p: ArrayLike,
    fold: ArrayLike,
    new: ArrayLike,
    *,
    alpha: float = 0.1,
    group: ArrayLike | None = None,
) -> Floats:
    r"""Return intervals for new rows from cross-validated errors: CV+, or the jackknife+.

    Use it where patients are too few to set some aside for calibration. It promises coverage of
    :math:`1 - 2 \alpha` only (with K folds a little less), although 1 - alpha is what it usually has.

    With :math:`\mu_{-f}` the model trained without fold f and :math:`r_i = |y_i - \mu_{-f(i)}(x_i)|`, the
    ends are the :math:`\lfloor \alpha (n + 1) \rfloor`-th smallest of :math:`\mu_{-f(i)}(x) - r_i` and the
    :math:`\lceil (1 - \alpha)(n + 1) \rceil`-th smallest of :math:`\mu_{-f(i)}(x) + r_i`; infinite if n is
    too small. Rows of a patient share the weight of one, as in `ConformalSets`.

    Parameters
    ----------
    y : (n,) array
        Values.
    p : (n,) array
        Predictions of each row by the model that has not seen its patient.
    fold : (n,) int array
        That model, 0..F-1; leave-one-patient-out is the jackknife+.
    new : (m, F) array
        Predictions of the new rows by each of the models.
    alpha : float
    group : (n,) array, default every row its own
        Patients; each in one fold.

    Returns
    -------
    (m, 2) array

    Raises
    ------
    MedgraftError
        The arrays do not fit, or a patient is in several folds.

    Notes
    -----
    Cost O(m n log n). Barber et al. 2021, doi:10.1214/20-AOS1965; several rows a patient: Lee, Barber and
    Willett 2023, arXiv:2306.06342.

    Examples
    --------
    >>> cv_plus([0.0, 0, 0, 0], [1.0, -2, 3, 4], [0, 1, 2, 3], [[5.0, 5, 5, 5]], alpha=0.2).tolist()
    [[1.0, 9.0]]
    """
    check_alpha(alpha)
    truth, guess, made = (np.asarray(a, dtype=float) for a in (y, p, new))
    n = len(truth)
    if truth.shape != (n,) or guess.shape != (n,) or made.ndim != 2:
        raise MedgraftError("CV+ needs y (n,), p (n,) and new (m, F), a prediction by each fold's model.")
    if not all(np.isfinite(a).all() for a in (truth, guess, made)):
        raise MedgraftError("CV+ needs finite labels and predictions: drop the rows without.")
    of = _folds(fold, group, n, made.shape[1])
    w, r = patient_weights(n, group), np.abs(truth - guess)
    one = np.ones(1)
    ends = np.empty((len(made), 2))
    for j, row in enumerate(made[:, of]):
        ends[j, 0] = -Scores.of(r - row, w).threshold(alpha, one)[0]
        ends[j, 1] = Scores.of(row + r, w).threshold(alpha, one)[0]
    return ends


def cv_plus_sets(
    y: ArrayLike,
    p: ArrayLike,
    fold: ArrayLike,
    new: ArrayLike,
    *,
    alpha: float = 0.1,
    score: Kind = "lac",
    group: ArrayLike | None = None,
) -> NDArray[np.bool_]:
    r"""Return sets of classes for new rows from cross-validated probabilities (CV+).

    Use it as `cv_plus`, with the same promise, :math:`1 - 2 \alpha`. Class k is in the set of x if it fits no
    worse than too many true classes did:

    .. math:: \sum_i w_i \, [s_i < s_{-f(i)}(x, k)] < (1 - \alpha)(n + 1)

    with scores as in `ConformalSets`, n patients, and :math:`w_i` one over the rows of a patient.

    Parameters
    ----------
    y : (n,) array
        Class codes 0..K-1.
    p : (n, K) array
        Probabilities of each row by the model that has not seen its patient.
    fold : (n,) int array
        That model, 0..F-1.
    new : (m, F, K) array
        Probabilities of the new rows by each of the models.
    alpha, group
        As in `cv_plus`.
    score : {"lac", "aps", "raps"}

    Returns
    -------
    (m, K) bool array

    Raises
    ------
    MedgraftError
        The arrays do not fit, or a patient is in several folds.

    Notes
    -----
    Cost O(m n K). Romano, Sesia and Candès 2020, arXiv:2006.02544.

    Examples
    --------
    >>> p = [[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.2, 0.8]]
    >>> cv_plus_sets([0, 0, 1, 1], p, [0, 1, 0, 1], [[[0.75, 0.25], [0.75, 0.25]]], alpha=0.25).tolist()
    [[True, False]]
    """
    check_alpha(alpha)
    guess, made = columns(p), np.asarray(new, dtype=float)
    n, k = guess.shape
    truth = Predictions.of(metrics["ece"], y, guess, group=group).y
    if made.ndim != 3 or made.shape[2] != k:
        raise MedgraftError(f"'new' must be (m, F, {k}), of each fold's model, not {made.shape}.")
    of = _folds(fold, group, n, made.shape[1])
    w = patient_weights(n, group)
    own = class_scores(guess, score)[np.arange(n), truth]
    wanted = (1 - alpha) * (w.sum() + 1) * (1 - SLACK)
    scores = class_scores(columns(made.reshape(-1, k)), score).reshape(made.shape)
    return np.array([(w @ (own[:, None] < row[of])) < wanted for row in scores]).reshape(-1, k)
