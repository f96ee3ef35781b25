"""What a yes/no decision is worth: sensitivity, specificity, predictive values, likelihood ratios."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from medgraft.base import MedgraftError
from medgraft.evidence.decision.rates import binary, rate, ratio_of_rates
from medgraft.evidence.interval import Interval


@dataclass(frozen=True)
class DecisionAccuracy:
    """Sensitivity and its kin of one decision, each with its interval over patients.

    Attributes
    ----------
    sensitivity, specificity : Interval
        Share of the rows with the event that are flagged, of those without that are not.
    ppv, npv : Interval
        Share of the flagged rows with the event, of the others without. They hold where the event is as
        frequent as in these rows.
    lr_positive, lr_negative : Interval
        Likelihood ratios, sensitivity / (1 - specificity) and (1 - sensitivity) / specificity: by what a
        flag, or its absence, multiplies the odds of the event.
    prevalence, flagged : Interval
        Share of rows with the event; share of rows flagged.
    n, n_patients : int
        Rows, patients.
    """

    sensitivity: Interval
    specificity: Interval
    ppv: Interval
    npv: Interval
    lr_positive: Interval
    lr_negative: Interval
    prevalence: Interval
    flagged: Interval
    n: int
    n_patients: int

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON knows it: nan and infinity become None."""
        out: dict[str, Any] = {
            name: value.to_dict() for name, value in vars(self).items() if isinstance(value, Interval)
        }
        return {**out, "n": self.n, "n_patients": self.n_patients}

    def sentence(self) -> str:
        """Say it in natural numbers, for a clinician.

        Examples
        --------
        >>> import numpy as np
        >>> y = np.repeat([1, 0], [20, 80])
        >>> flag = np.repeat([True, False, True, False], [16, 4, 8, 72])
        >>> print(decision_accuracy(y, flag).sentence())
        Of 100 patients, 24 are flagged: 16 with the event and 8 without; of 20 with the event 4 are missed. \
To find one with the event, 1.5 must be flagged (95 % interval 1.2 to 2.1).
        """
        rows = "patients" if self.n == self.n_patients else "rows"
        events = round(self.prevalence.value * self.n)
        flags = round(self.flagged.value * self.n)
        hits = round(self.sensitivity.value * events) if events else 0
        text = (
            f"Of {self.n} {rows}, {flags} are flagged: {hits} with the event and {flags - hits} without; "
            f"of {events} with the event {events - hits} are missed."
        )
        if not hits:
            return text
        span = ""
        if math.isfinite(self.ppv.lo) and self.ppv.lo > 0:
            level = f"{100 * self.ppv.level:g} %"
            span = f" ({level} interval {1 / self.ppv.hi:.1f} to {1 / self.ppv.lo:.1f})"
        return f"{text} To find one with the event, {1 / self.ppv.value:.1f} must be flagged{span}."


def decision_accuracy(
    y: ArrayLike, flagged: ArrayLike, *, group: ArrayLike | None = None, level: float = 0.95
) -> DecisionAccuracy:
    r"""Judge yes/no decisions on test rows, with intervals over patients.

    Use it for decisions made without looking at these rows: by a threshold chosen elsewhere
    (`choose_threshold`), or by `cross_decisions`. Not for a threshold tuned on the same rows: sensitivity and
    specificity would be too good, and no interval repairs that.

    With :math:`d_i` the decision, sensitivity is :math:`\sum y_i d_i / \sum y_i`, and so on: each row counts
    the same. Intervals of shares are Wilson's, of likelihood ratios the log method's, both widened for
    patients with several rows; see `rate` and `ratio_of_rates` in `medgraft.evidence.decision.rates`.

    Parameters
    ----------
    y : (n,) array
        1 with the event, 0 without.
    flagged : (n,) bool array
        The decision.
    group : (n,) array, default every row its own
        Patients.
    level : float
        Nominal coverage.

    Returns
    -------
    DecisionAccuracy
        nan where a share has no row to be taken of.

    Raises
    ------
    MedgraftError
        Lengths differ, or labels or decisions are not 0 and 1.

    Notes
    -----
    Cost O(n log n).

    References
    ----------
    Wilson 1927, doi:10.1080/01621459.1927.10502953. Simel et al. 1991, doi:10.1016/0895-4356(91)90128-V.

    Examples
    --------
    >>> got = decision_accuracy([1, 1, 1, 1, 0, 0, 0, 0], [1, 1, 1, 0, 0, 0, 0, 1])
    >>> got.sensitivity.value, got.lr_positive.value
    (0.75, 3.0)
    """
    event, told, patient = binary(y, flagged, group)
    if not np.isin(told, (0.0, 1.0)).all():
        raise MedgraftError(
            "'flagged' must be yes or no for each row: turn probabilities into decisions first."
        )
    decision = told == 1
    has, none, every = event == 1, event == 0, np.ones(len(event), dtype=bool)

    def share(hit: Any, of: Any) -> Interval:
        return rate(hit, of, patient, level)

    return DecisionAccuracy(
        sensitivity=share(decision, has),
        specificity=share(~decision, none),
        ppv=share(has, decision),
        npv=share(none, ~decision),
        lr_positive=ratio_of_rates(decision, has, none, patient, level),
        lr_negative=ratio_of_rates(~decision, has, none, patient, level),
        prevalence=share(has, every),
        flagged=share(decision, every),
        n=len(event),
        n_patients=int(patient.max()) + 1,
    )
