"""Means of groups of patients: what may be kept where a model would else keep rows."""

from __future__ import annotations

import numpy as np

from medgraft.methods.learners.base import Lesson
from medgraft.methods.splits import Floats, Ints

PATIENTS = 3  # a mean of fewer shows a patient
ROUNDS = 50


def clusters(lesson: Lesson, most: int, seed: int) -> tuple[Floats, Ints, Floats]:
    """Cut the rows into at most `most` clusters of three or more patients, by k-means.

    Parameters
    ----------
    lesson : Lesson
    most : int
    seed : int
        Draws the rows to start from.

    Returns
    -------
    array (c, p)
        Weighted means.
    array (n,) of int
        Cluster of each row.
    array (c,)
        Weights.

    Notes
    -----
    A cluster of fewer patients is dissolved, the smallest first, and its rows go to the nearest of the
    others; with fewer than three patients in all there is one cluster. Cost O(n p c) a round.

    Examples
    --------
    >>> Z = np.repeat([[0.0], [1.0]], 5, axis=0)
    >>> lesson = Lesson(Z, np.zeros(10, int), np.ones(10), np.arange(10), 1)
    >>> np.sort(clusters(lesson, 2, 0)[0].ravel()).tolist()
    [0.0, 1.0]
    """
    Z, w = lesson.Z, lesson.weight
    n_units = int(lesson.units.max()) + 1
    c = max(min(most, n_units // PATIENTS), 1)
    centres = _start(Z, w, c, np.random.default_rng(seed))
    nearest = np.zeros(len(Z), dtype=np.intp)
    for _ in range(ROUNDS + most):
        square = (centres**2).sum(axis=1) - 2.0 * Z @ centres.T
        before, nearest = nearest, square.argmin(axis=1)
        patients = np.array([len(np.unique(lesson.units[nearest == j])) for j in range(len(centres))])
        few = int(patients.argmin())
        if patients[few] < PATIENTS and len(centres) > 1:
            centres = np.delete(centres, few, axis=0)
            continue
        onehot = np.eye(len(centres))[nearest] * w[:, None]
        centres = (onehot.T @ Z) / onehot.sum(axis=0)[:, None]
        if (before == nearest).all():
            break
    onehot = np.eye(len(centres))[nearest] * w[:, None]
    return (onehot.T @ Z) / onehot.sum(axis=0)[:, None], nearest, onehot.sum(axis=0)


def _start(Z: Floats, w: Floats, c: int, rng: np.random.Generator) -> Floats:
    """Rows far from each other, as k-means++ draws them."""
    at = [int(rng.choice(len(Z), p=w / w.sum()))]
    far = ((Z - Z[at[0]]) ** 2).sum(axis=1)
    while len(at) < c and far.max() > 0:
        at.append(int(rng.choice(len(Z), p=w * far / (w @ far))))
        far = np.minimum(far, ((Z - Z[at[-1]]) ** 2).sum(axis=1))
    return Z[at].copy()
