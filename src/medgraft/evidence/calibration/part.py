"""The patients that teach the calibration, and nothing else."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medgraft.base import MedgraftError


def calibration_part(
    y: ArrayLike, group: ArrayLike | None = None, share: float = 0.5, seed: int = 0
) -> NDArray[np.bool_]:
    """Return which rows are to calibrate: whole patients, classes alike on both sides.

    Use it on rows that the model has not been trained on. Recalibrators and conformal sets are fitted where
    it says True, and everything is scored where it says False: what is scored on the rows it was fitted on
    looks calibrated whatever it is.

    Patients are drawn class by class (a patient with rows of several classes counts to the rarest of them),
    the share of each rounded, so that a class of two patients or more is on both sides.

    Parameters
    ----------
    y : (n,) array
        Labels of classes; for values, their quantiles or a constant.
    group : (n,) array, default every row its own
        Patients.
    share : float
        Of the patients that calibrate, between 0 and 1.
    seed : int
        The same seed gives the same patients.

    Returns
    -------
    (n,) bool array

    Raises
    ------
    MedgraftError
        The arrays differ in length, the share is 0 or 1, or there is one patient only.

    Examples
    --------
    >>> part = calibration_part([0, 0, 1, 1], ["a", "b", "c", "d"])
    >>> int(part.sum()), int(part[:2].sum())
    (2, 1)
    """
    codes = np.unique(np.asarray(y), return_inverse=True)[1]
    n = len(codes)
    who = np.arange(n) if group is None else np.asarray(group)
    if who.shape != (n,):
        raise MedgraftError(f"'group' has shape {who.shape}, but there are {n} rows: give one per row.")
    if not 0 < share < 1:
        raise MedgraftError(f"The share that calibrates lies between 0 and 1, not {share}: use 0.5.")
    unit = np.unique(who, return_inverse=True)[1]
    patients = int(unit.max()) + 1
    if patients < 2:
        raise MedgraftError("One patient cannot both calibrate and be scored: give two or more.")
    rarity = np.argsort(np.argsort(-np.bincount(codes), kind="stable"))  # the rarest class has the highest
    stratum = np.zeros(patients, dtype=np.int64)
    np.maximum.at(stratum, unit, rarity[codes])
    rng = np.random.default_rng(seed)
    taken = np.zeros(patients, dtype=bool)
    for s in np.unique(stratum):
        members = rng.permutation(np.flatnonzero(stratum == s))
        least = 1 if len(members) > 1 else 0
        wanted = min(max(round(share * len(members)), least), len(members) - least)
        taken[members[:wanted]] = True
    if not taken.any() or taken.all():  # every class has one patient
        taken = rng.permutation(patients) < min(max(round(share * patients), 1), patients - 1)
    return np.asarray(taken[unit])
