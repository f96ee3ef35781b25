"""Bring probabilities to another prevalence."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize
from scipy.special import log_softmax

from medgraft.base import MedgraftError
from medgraft.evidence.calibration.em import em_shares
from medgraft.evidence.calibration.events import columns
from medgraft.evidence.calibration.recalibrator import Recalibrator
from medgraft.evidence.metrics.base import Floats, Ints
from medgraft.evidence.metrics.classification import one_hot

ROUNDS = 10_000


def shares(values: ArrayLike, name: str) -> Floats:
    """Return class shares (K,), checked; one number is the share of class 1 of two."""
    given = np.atleast_1d(np.asarray(values, dtype=float))
    given = np.array([1 - given[0], given[0]]) if given.size == 1 else given
    if given.ndim != 1 or not np.isfinite(given).all() or (given <= 0).any() or abs(given.sum() - 1) > 1e-6:
        raise MedgraftError(
            f"'{name}' must be shares above 0 that sum to 1, one for each class, or the share of the event."
        )
    return np.asarray(given / given.sum())


class PriorShift(Recalibrator):
    r"""Correct probabilities for a population in which the classes are more or less frequent.

    Use it where a model goes to a place with another prevalence and patients of one class look the same in
    both (label shift). Not where they look different: recalibrate on labels there (`Platt`).

    .. math:: q_k \propto p_k r_k, \qquad r_k = \pi_k^{new} / \pi_k^{old}

    In three ways: `of` the two prevalences, where the new one is known; ``unlabelled(p, old)``, which reads
    the new one off unlabelled patients; and ``fit(p, y, group)`` from few labelled ones, by maximum
    likelihood in r, which for two classes changes the intercept of the logit and nothing else. The fit needs
    each class once, and counts each patient once.

    Attributes
    ----------
    ratio_ : (K,) array
        r, up to a factor.

    Notes
    -----
    Cost O(n K) a step. Saerens, Latinne and Decaestecker 2002, doi:10.1162/089976602753284446; for the
    intercept, Steyerberg et al. 2004, doi:10.1002/sim.1844.

    Examples
    --------
    >>> PriorShift.of(old=0.5, new=0.1).transform([0.5]).tolist()
    [0.1]
    >>> PriorShift().fit([0.5, 0.5, 0.5, 0.5], [0, 0, 0, 1]).transform([0.5]).round(6).tolist()
    [0.25]
    """

    kind = "prior-shift"
    state = ("ratio_",)
    ratio_: Floats

    @classmethod
    def of(cls, old: ArrayLike, new: ArrayLike) -> Self:
        """Return the correction from one prevalence to another.

        Parameters
        ----------
        old, new : float or (K,) arrays
            Share of the event, or of each class.

        Raises
        ------
        MedgraftError
            They are no shares, or of different classes.
        """
        before, after = shares(old, "old"), shares(new, "new")
        if before.shape != after.shape:
            raise MedgraftError(f"'old' has {len(before)} classes, 'new' {len(after)}: give the same.")
        made = cls()
        made.classes_, made.ratio_ = len(before), after / before
        return made

    @classmethod
    def unlabelled(cls, p: ArrayLike, old: ArrayLike, group: ArrayLike | None = None) -> Self:
        """Return the correction to the prevalence that unlabelled patients seem to have (`em_prevalence`).

        Parameters
        ----------
        p : (n,) or (n, K) array
            Probabilities of patients of the new place, uncorrected.
        old : float or (K,) array
            Share of the event, or of each class, in training.
        group : (n,) array, default every row its own
            Patients.
        """
        return cls.of(old, np.maximum(em_prevalence(p, old, group), 1e-12))

    def _fit(self, p: Floats, y: Ints, w: Floats) -> None:
        truth = one_hot(y, p.shape[1])
        absent = np.flatnonzero(truth.sum(axis=0) == 0)
        if len(absent):
            raise MedgraftError(
                f"Class {absent[0]} has no labelled row to tell its prevalence by: label one, or use "
                "PriorShift.of with a prevalence that is known."
            )
        with np.errstate(divide="ignore"):
            logs = np.maximum(np.log(p), -700.0)

        def loss(b: Floats) -> tuple[float, Floats]:
            new = log_softmax(logs + b, axis=1)
            gradient = w @ (np.exp(new) - truth)
            return float(-(w @ (new * truth).sum(axis=1))), gradient

        options = {"maxiter": ROUNDS, "ftol": 0.0, "gtol": 1e-9 * w.sum()}
        found = minimize(loss, np.zeros(p.shape[1]), jac=True, method="L-BFGS-B", options=options).x
        self.ratio_ = np.exp(found - found.mean())

    def _map(self, p: Floats) -> Floats:
        made = p * self.ratio_
        return np.asarray(made / made.sum(axis=1, keepdims=True))


def em_prevalence(p: ArrayLike, old: ArrayLike, group: ArrayLike | None = None) -> Floats:
    r"""Return the class shares of unlabelled patients, read off their probabilities.

    Use it under label shift where the probabilities are calibrated for the old shares. Not where they are
    not: an overconfident model moves the shares too far.

    It maximises :math:`\sum_i w_i \log \sum_k \pi_k p_{ik} / \pi_k^{old}` over shares :math:`\pi`, a concave
    problem, by expectation maximisation, each patient counting once.

    Parameters
    ----------
    p : (n,) or (n, K) array
        Probabilities under the old shares.
    old : float or (K,) array
        Share of the event, or of each class, in training.
    group : (n,) array, default every row its own
        Patients.

    Returns
    -------
    (K,) array

    Raises
    ------
    MedgraftError
        The shares or the arrays do not fit.

    Notes
    -----
    Cost O(n K) a round, at most 10 000 rounds. Saerens, Latinne and Decaestecker 2002,
    doi:10.1162/089976602753284446.

    Examples
    --------
    >>> em_prevalence([0.1, 0.1, 0.1, 0.9], 0.5).round(4).tolist()
    [0.8125, 0.1875]
    """
    guess, before = columns(p), shares(old, "old")
    if len(before) != guess.shape[1]:
        raise MedgraftError(
            f"'old' has {len(before)} classes, the probabilities {guess.shape[1]}: give both."
        )
    n = len(guess)
    unit = np.unique(np.arange(n) if group is None else np.asarray(group), return_inverse=True)[1]
    if unit.shape != (n,):
        raise MedgraftError(f"'group' has shape {unit.shape}, but there are {n} rows: give one per row.")
    w = 1 / np.bincount(unit)[unit]
    return em_shares(guess, before, w, tol=1e-12)
