"""When a model may keep silent: risk against coverage, and what several members of it disagree on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from medgraft.base import MedgraftError
from medgraft.evidence.bootstrap import CHUNK, percentiles, resamples
from medgraft.evidence.interval import Interval, check_level
from medgraft.evidence.metrics.base import Floats, share


@dataclass(frozen=True)
class RiskCoverage:
    """The loss on the surest patients, for every share of them.

    Attributes
    ----------
    coverage : (m,) array
        Share of rows that are answered, rising to 1.
    risk : (m,) array
        Mean loss on them.
    aurc : Interval
        Area under the curve: the mean risk over all shares.
    """

    coverage: Floats
    risk: Floats
    aurc: Interval


def _areas(loss: Floats, uncertainty: Floats, w: Floats) -> tuple[Floats, Floats, Floats]:
    """Return coverage and risk at every distinct uncertainty (m, B), and the area (B,); `w` is (n, B)."""
    order = np.argsort(uncertainty, kind="stable")
    starts = np.flatnonzero(np.diff(uncertainty[order], prepend=-np.inf))
    wt = w[order]
    mass = np.add.reduceat(wt, starts, axis=0)
    lost = np.add.reduceat(wt * loss[order, None], starts, axis=0)
    answered = np.cumsum(mass, axis=0)
    risk = share(np.cumsum(lost, axis=0), answered)
    area = share((mass * np.nan_to_num(risk)).sum(axis=0), answered[-1])
    return answered / answered[-1], risk, area


def risk_coverage(
    loss: ArrayLike,
    uncertainty: ArrayLike,
    *,
    group: ArrayLike | None = None,
    n_boot: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> RiskCoverage:
    r"""Return how the loss falls as the model keeps silent on the patients it is least sure of.

    Use it to judge whether uncertainty is of use: if the curve does not rise towards full coverage, the model
    does not know what it does not know. Not to compare models of unlike accuracy: the area is smaller for the
    more accurate one, whatever its uncertainty.

    With rows in order of uncertainty, the risk at coverage c is the mean loss over the surest share c; rows
    of equal uncertainty are answered together. The area is the mean over rows of the risk at which each is
    answered,

    .. math:: \mathrm{AURC} = \frac1n \sum_i \frac{\sum_j \ell_j [u_j \le u_i]}{\sum_j [u_j \le u_i]}

    Its interval resamples patients with all their rows, widened for few of them (see `percentiles` in
    `medgraft.evidence.bootstrap`).

    Parameters
    ----------
    loss : (n,) array
        Of each row: 0 and 1 for right and wrong, a squared error, whatever is to be kept low.
    uncertainty : (n,) array
        Higher is less sure: one less the largest probability, an entropy, the width of an interval.
    group : (n,) array, default every row its own
        Patients.
    n_boot, seed : int
        Draws; the same seed gives the same interval.
    level : float
        Nominal coverage of the interval.

    Returns
    -------
    RiskCoverage

    Raises
    ------
    MedgraftError
        The arrays differ in length, or hold what is not finite.

    Notes
    -----
    Cost O(n n_boot). Geifman and El-Yaniv 2017, arXiv:1705.08500; Geifman, Uziel and El-Yaniv 2019,
    arXiv:1805.08206 (area).

    Examples
    --------
    >>> made = risk_coverage([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4])
    >>> made.risk.round(3).tolist(), made.aurc.value.__round__(3)
    ([0.0, 0.0, 0.333, 0.5], 0.208)
    """
    check_level(level)
    cost, doubt = np.asarray(loss, dtype=float), np.asarray(uncertainty, dtype=float)
    n = len(cost)
    if cost.shape != (n,) or doubt.shape != (n,) or n == 0:
        raise MedgraftError(f"Losses have shape {cost.shape}, uncertainties {doubt.shape}: give one per row.")
    if not (np.isfinite(cost) & np.isfinite(doubt)).all():
        raise MedgraftError("Losses and uncertainties must be finite: drop the rows without.")
    who = np.arange(n) if group is None else np.asarray(group)
    if who.shape != (n,):
        raise MedgraftError(f"'group' has shape {who.shape}, but there are {n} rows: give one per row.")
    unit = np.unique(who, return_inverse=True)[1]
    patients = int(unit.max()) + 1
    coverage, risk, area = _areas(cost, doubt, np.ones((n, 1)))
    draws = np.empty(n_boot)
    for where, weights, _ in resamples(patients, 1, n_boot, seed, max(1, CHUNK // n)):
        draws[where] = _areas(cost, doubt, weights[unit])[2]
    note = "" if patients > 1 else "One patient allows no interval."
    aurc = Interval(float(area[0]), *percentiles(draws, patients, level), level, note)
    return RiskCoverage(coverage[:, 0], risk[:, 0], aurc)


class Disagreement(NamedTuple):
    """Uncertainty of each row (n,), in nats: total = aleatoric + epistemic.

    Attributes
    ----------
    total : (n,) array
        Predictive entropy: of the mean of the members.
    aleatoric : (n,) array
        Mean entropy of the members: what each of them doubts.
    epistemic : (n,) array
        Mutual information: what they disagree on, which more patients could settle.
    """

    total: Floats
    aleatoric: Floats
    epistemic: Floats


def disagreement(p: ArrayLike) -> Disagreement:
    r"""Split the uncertainty of several members into doubt and disagreement.

    Use it for a deep ensemble, Monte Carlo dropout, or the models of cross-validation folds that predict the
    same rows. Not for one model: its disagreement is 0 by definition.

    With :math:`p_m` the probabilities of member m, :math:`\bar p` their mean and H the entropy,

    .. math:: \underbrace{H(\bar p)}_{\text{total}} = \underbrace{\frac1M \sum_m H(p_m)}_{\text{aleatoric}}
              + \underbrace{\frac1M \sum_m \mathrm{KL}(p_m \,\|\, \bar p)}_{\text{epistemic}}

    Parameters
    ----------
    p : (M, n, K) array
        Probabilities by each member.

    Returns
    -------
    Disagreement

    Raises
    ------
    MedgraftError
        The array is not (M, n, K), or its values are no probabilities.

    Notes
    -----
    Cost O(M n K). Depeweg et al. 2018, arXiv:1710.07283; Lakshminarayanan, Pritzel and Blundell 2017,
    arXiv:1612.01474 (ensembles); Gal and Ghahramani 2016, arXiv:1506.02142 (dropout).

    Examples
    --------
    >>> sure_of_opposites, unsure_together = [[[1.0, 0.0]], [[0.0, 1.0]]], [[[0.5, 0.5]], [[0.5, 0.5]]]
    >>> [round(float(x[0]), 3) for x in disagreement(sure_of_opposites)]
    [0.693, 0.0, 0.693]
    >>> [round(float(x[0]), 3) for x in disagreement(unsure_together)]
    [0.693, 0.693, 0.0]
    """
    guess = np.asarray(p, dtype=float)
    if guess.ndim != 3 or 0 in guess.shape:
        raise MedgraftError(f"Probabilities of members have shape (M, n, K), not {guess.shape}.")
    if not (np.isfinite(guess) & (guess >= 0)).all() or np.abs(guess.sum(axis=2) - 1).max() > 1e-4:
        raise MedgraftError("Each member's probabilities are 0 or more and sum to 1 in every row.")
    total, each = _entropy(guess.mean(axis=0)), _entropy(guess).mean(axis=0)
    return Disagreement(total, each, np.maximum(total - each, 0.0))


def _entropy(p: Floats) -> Floats:
    return np.asarray(-(p * np.log(np.where(p > 0, p, 1.0))).sum(axis=-1) + 0.0)
