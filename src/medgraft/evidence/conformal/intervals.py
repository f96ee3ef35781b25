"""Intervals that hold the value as often as promised."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from medgraft.base import MedgraftError
from medgraft.evidence.conformal.mondrian import Mondrian, subgroups
from medgraft.evidence.conformal.quantile import positive
from medgraft.evidence.metrics.base import Floats


class ConformalIntervals(Mondrian):
    r"""Turn predicted values into intervals that hold the truth with probability 1 - alpha.

    Use it for any regression model. The promise holds on average over new patients who are exchangeable with
    those that calibrated; `ConformalSets` says what becomes of it with several rows a patient, by subgroup,
    and under covariate shift, which are the same here. Not with the rows that the model was trained on.

    Three ways. A predicted value :math:`\mu`, (n,): the interval :math:`\mu \pm q` with scores
    :math:`|y - \mu|`, equally wide for all. With a `scale` :math:`\sigma > 0`, predicted spread of the error:
    :math:`\mu \pm q \sigma` with scores :math:`|y - \mu| / \sigma`. Two predicted quantiles l and u, (n, 2):
    :math:`[l - q, u + q]` with scores :math:`\max(l - y, y - u)` (conformalised quantile regression; where q
    is negative and the ends would cross, both are put in the middle). q is the threshold of `ConformalSets`,
    infinite if the patients are too few.

    Parameters
    ----------
    alpha : float
        Share of intervals that may miss.

    Attributes
    ----------
    note_ : str
        Says which thresholds are infinite, and how many patients are needed.

    Notes
    -----
    Cost O(n log n). Lei et al. 2018, doi:10.1080/01621459.2017.1307116 (absolute, normalised); Romano,
    Patterson and Candès 2019, arXiv:1905.03222 (quantiles); weights as in `ConformalSets`.

    Examples
    --------
    >>> y = np.array([1.0, 2.0, 3.0, 4.0])
    >>> ConformalIntervals(alpha=0.2).fit(y, y + [0.1, -0.2, 0.3, 0.0]).predict([5.0]).tolist()
    [[4.7, 5.3]]
    """

    def __init__(self, alpha: float = 0.1) -> None:
        self.alpha = alpha

    def fit(
        self,
        y: ArrayLike,
        p: ArrayLike,
        group: ArrayLike | None = None,
        *,
        scale: ArrayLike | None = None,
        subgroup: ArrayLike | None = None,
        weight: ArrayLike | None = None,
    ) -> Self:
        """Set the thresholds by the calibration part.

        Parameters
        ----------
        y : (n,) array
            Values.
        p : (n,) or (n, 2) array
            Predicted values, or two quantiles.
        group : (n,) array, default every row its own
            Patients.
        scale : (n,) array, optional
            Predicted spread, above 0.
        subgroup : (n,) array, optional
            The promise holds in each.
        weight : (n,) array, optional
            Density ratio of the rows, new over calibration.

        Raises
        ------
        MedgraftError
            The arrays do not fit each other.
        """
        low, high, unit = _ends(p, scale)
        truth, n = np.asarray(y, dtype=float), len(low)
        if truth.shape != (n,):
            raise MedgraftError(f"There are {truth.shape} labels for {n} predictions: give one per row.")
        self.weighted_, self.scaled_, self.quantiles_ = weight is not None, scale is not None, np.ndim(p) == 2
        scores = np.maximum(low - truth, truth - high) / unit
        self._calibrate(scores, subgroups(subgroup, n), group, positive("weight", weight, n))
        return self

    def predict(
        self,
        p: ArrayLike,
        *,
        scale: ArrayLike | None = None,
        subgroup: ArrayLike | None = None,
        weight: ArrayLike | None = None,
    ) -> Floats:
        """Return the ends of each row's interval, (m, 2).

        Parameters
        ----------
        p, scale, subgroup, weight
            Of the new rows, as in `fit`.

        Raises
        ------
        MedgraftError
            Nothing is calibrated, or something is given here and not in `fit`, or the reverse.
        """
        self._check_fitted()
        low, high, unit = _ends(p, scale)
        if (weight is not None, scale is not None, np.ndim(p) == 2) != (
            self.weighted_,
            self.scaled_,
            self.quantiles_,
        ):
            raise MedgraftError("Give fit and predict the same: a value or two quantiles, scale, weight.")
        m = len(low)
        q = self._threshold(subgroups(subgroup, m), positive("weight", weight, m)) * unit
        ends = np.stack([low - q, high + q], axis=1)
        crossed = ends[:, 0] > ends[:, 1]
        ends[crossed] = ends[crossed].mean(axis=1, keepdims=True)
        return ends

    def to_dict(self) -> dict[str, Any]:
        """Return the thresholds as JSON numbers, of which `from_dict` makes the same intervals.

        Raises
        ------
        MedgraftError
            Nothing is calibrated, or with weights, which make thresholds of single patients.
        """
        saved = self._saved()
        return {"kind": "intervals", "scaled": self.scaled_, "quantiles": self.quantiles_, **saved}

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Self:
        """Return the calibrated intervals that `to_dict` saved.

        Examples
        --------
        >>> fitted = ConformalIntervals(alpha=0.25).fit([1.0, 2.0, 3.0], [1.5, 2.0, 3.25])
        >>> ConformalIntervals.from_dict(fitted.to_dict()).predict([5.0]).tolist()
        [[4.5, 5.5]]
        """
        made = cls(saved["alpha"])
        made.scaled_, made.quantiles_ = bool(saved["scaled"]), bool(saved["quantiles"])
        made._restore(saved)
        return made


def _ends(p: ArrayLike, scale: ArrayLike | None) -> tuple[Floats, Floats, Floats]:
    guess = np.asarray(p, dtype=float)
    if guess.ndim not in (1, 2) or (guess.ndim == 2 and guess.shape[1] != 2) or not np.isfinite(guess).all():
        raise MedgraftError(f"Predictions are (n,) finite values or (n, 2) quantiles, not {guess.shape}.")
    low, high = (guess, guess) if guess.ndim == 1 else guess.T
    if (low > high).any():
        raise MedgraftError("The lower quantile is above the upper in some rows: sort the two.")
    unit = positive("scale", scale, len(guess))
    if (unit == 0).any():
        raise MedgraftError("'scale' must be above 0 in every row: add a small number.")
    return low, high, unit
