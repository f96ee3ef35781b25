"""Recalibrators that know nothing but order: isotonic regression and Venn-Abers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.isotonic import IsotonicRegression

from medgraft.evidence.calibration.recalibrator import Recalibrator
from medgraft.evidence.metrics.base import Floats, Ints


class Isotonic(Recalibrator):
    r"""Fit the rising curve of least squared error.

    Use it where calibration patients are many, 500 or more, and the curve may be anything that rises. Not
    with fewer: it follows chance, and says 0 and 1. `VennAbers` is its careful sister. Not in what leaves the
    house: its corners are predictions of calibration patients.

    .. math:: \min_{q_1 \le q_2 \le \dots} \sum_i w_i (q_i - o_i)^2, \qquad p_1 \le p_2 \le \dots

    with weights that count each patient once, straight between its steps. Of several classes each is fitted
    against the others, and the results divided by their sum; where that is 0, the row stays as it was.

    Attributes
    ----------
    x_, y_ : lists of K arrays (one, for two classes)
        Corners of the curve of each class: numbers of patients, though without names.

    Notes
    -----
    Cost O(K n log n). Zadrozny and Elkan 2002, doi:10.1145/775047.775151.

    Examples
    --------
    >>> curve = Isotonic().fit([0.1, 0.3, 0.6, 0.9], [0, 1, 0, 1])
    >>> curve.transform([0.1, 0.3, 0.5, 0.9]).tolist()
    [0.0, 0.5, 0.5, 1.0]
    """

    kind = "isotonic"
    state = ("x_", "y_")
    x_: list[Floats]
    y_: list[Floats]

    def _fit(self, p: Floats, y: Ints, w: Floats) -> None:
        self.x_, self.y_ = [], []
        for k in [1] if p.shape[1] == 2 else range(p.shape[1]):
            curve = IsotonicRegression(y_min=0.0, y_max=1.0).fit(p[:, k], y == k, sample_weight=w)
            self.x_.append(curve.X_thresholds_)
            self.y_.append(curve.y_thresholds_)

    def _map(self, p: Floats) -> Floats:
        if p.shape[1] == 2:
            event = np.interp(p[:, 1], self.x_[0], self.y_[0])
            return np.stack([1 - event, event], axis=1)
        made = np.stack([np.interp(p[:, k], self.x_[k], self.y_[k]) for k in range(p.shape[1])], axis=1)
        total = made.sum(axis=1, keepdims=True)
        return np.asarray(np.where(total > 0, made / np.where(total > 0, total, 1.0), p))


class VennAbers(Recalibrator):
    r"""Give two probabilities, one of which is calibrated whatever the model (inductive Venn-Abers).

    Use it for two classes where the width of :math:`[p_0, p_1]` is to say how little is known: with few
    calibration patients near a prediction it is wide. Not for several classes, nor in what leaves the house:
    it keeps every prediction of the calibration patients.

    The rising curve of least squared error is fitted twice for every new prediction, with the new row put
    among the calibration rows as no event and as event; :math:`p_0` and :math:`p_1` are its values there. If
    calibration and new patients are exchangeable, with one row each, the one that belongs to what really
    happens is perfectly calibrated. ``transform`` gives the single probability :math:`p_1 / (1 - p_0 + p_1)`,
    least bad for log loss.

    Where patients have several rows these share one count, and the guarantee is approximate.

    Attributes
    ----------
    at_ : (m,) array
        Distinct calibration predictions: numbers of patients, though without names.
    low_, high_ : (2 m + 1,) arrays
        :math:`p_0, p_1` below, at, and between them, in order.

    Notes
    -----
    Cost O(m) in the fit where steps are short, O(m^2) at worst; O(log m) a prediction. Vovk, Petej and
    Fedorova 2015, arXiv:1511.00213.

    Examples
    --------
    >>> careful = VennAbers().fit([0.2, 0.4, 0.6, 0.8], [0, 0, 1, 1])
    >>> careful.interval([0.7]).round(3).tolist()
    [[0.5, 1.0]]
    >>> careful.transform([0.7]).round(3).tolist()
    [0.667]
    """

    kind = "venn-abers"
    state = ("at_", "low_", "high_")
    binary = True
    at_: Floats
    low_: Floats
    high_: Floats

    def _fit(self, p: Floats, y: Ints, w: Floats) -> None:
        self.at_, tie = np.unique(p[:, 1], return_inverse=True)
        mass = np.bincount(tie, weights=w).astype(float)
        total = np.bincount(tie, weights=w * (y == 1)).astype(float)
        self.low_, self.high_ = (_with_new_row(total, mass, label) for label in (0.0, 1.0))

    def interval(self, p: ArrayLike) -> Floats:
        """Return :math:`p_0` and :math:`p_1` of the event for each row, (n, 2).

        Parameters
        ----------
        p : (n,) or (n, 2) array
            Probability of the event, or of both classes.
        """
        event = self._checked(p)[:, 1]
        place = np.searchsorted(self.at_, event, side="left") + np.searchsorted(self.at_, event, side="right")
        return np.stack([self.low_[place], self.high_[place]], axis=1)

    def _map(self, p: Floats) -> Floats:
        low, high = self.interval(p).T
        event = high / (1 - low + high)
        return np.stack([1 - event, event], axis=1)


class Block(NamedTuple):
    """Scores that share one value of the curve, and the block before them."""

    sum: float
    mass: float
    before: Block | None


def _chains(total: Floats, mass: Floats, rising: bool) -> list[Block]:
    """Return, after each score in turn, the last block of the best rising (falling) steps so far."""
    made: list[Block] = []
    for i, (s, w) in enumerate(zip(total.tolist(), mass.tolist(), strict=True)):
        before = made[i - 1] if i else None
        while before and (before.sum * w >= s * before.mass) == rising:
            s, w, before = s + before.sum, w + before.mass, before.before
        made.append(Block(s, w, before))
    return made


def _with_new_row(total: Floats, mass: Floats, label: float) -> Floats:
    """Return the rising curve's value at a new row of this label, below, at and between the scores."""
    left = [None, *_chains(total, mass, True)]
    right = [*_chains(total[::-1], mass[::-1], False)[::-1], None]
    out = np.empty(2 * len(total) + 1)
    for place in range(len(out)):
        j, at = divmod(place, 2)
        s, w = (label + total[j], 1 + mass[j]) if at else (label, 1.0)
        low, high = left[j], right[j + at]
        while True:  # what is higher on the left, or lower on the right, joins the block of the new row
            if low and low.sum * w >= s * low.mass:
                s, w, low = s + low.sum, w + low.mass, low.before
            elif high and high.sum * w <= s * high.mass:
                s, w, high = s + high.sum, w + high.mass, high.before
            else:
                break
        out[place] = s / w
    return out
