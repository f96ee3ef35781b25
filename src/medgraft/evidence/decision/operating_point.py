"""A threshold, chosen on some patients and judged on others."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medgraft.base import MedgraftError, did_you_mean
from medgraft.evidence.decision.measures import DecisionAccuracy, decision_accuracy
from medgraft.evidence.decision.rates import binary
from medgraft.evidence.interval import jsonable
from medgraft.evidence.metrics.base import Floats, Ints

Rule: TypeAlias = Literal["sensitivity", "specificity", "youden", "cost", "net_benefit"]
NEEDS_VALUE = {
    "sensitivity": "the share of events to be flagged, such as 0.95",
    "specificity": "the share of the others not to be flagged, such as 0.9",
    "cost": "how many false alarms a missed event is worth, such as 10",
    "net_benefit": "the threshold probability, such as 0.1",
}


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold: rows whose probability is at least as high are flagged.

    Made by `choose_threshold`. `report` judges it on other patients.

    Attributes
    ----------
    threshold : float
        Infinite where nobody is to be flagged, minus infinity where everybody is.
    rule : str
        How it was chosen.
    value : float or None
        The rule's number.
    note : str
        What the reader should know, or "".
    """

    threshold: float
    rule: str
    value: float | None = None
    note: str = ""
    chosen_on: frozenset[str] = field(default=frozenset(), repr=False, compare=False)

    def decide(self, p: ArrayLike) -> NDArray[np.bool_]:
        """Return which rows are flagged, (n,), from the probability of the event, (n,) or (n, 2)."""
        guess = np.asarray(p, dtype=float)
        return np.asarray((guess if guess.ndim == 1 else guess[:, 1]) >= self.threshold)

    def report(
        self, y: ArrayLike, p: ArrayLike, *, group: ArrayLike | None = None, level: float = 0.95
    ) -> DecisionAccuracy:
        """Judge the decisions on other patients than those it was chosen on.

        Parameters
        ----------
        y, p, group, level
            As in `decision_accuracy`, with the probability of the event for the decision.

        Raises
        ------
        MedgraftError
            A patient of `group` took part in the choice, or the rows are those of the choice.
        """
        refuse_the_same(self.chosen_on, y, p, group)
        return decision_accuracy(y, self.decide(p), group=group, level=level)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON knows it, without any patient: an infinite threshold becomes None."""
        return {
            "threshold": jsonable(self.threshold),
            "rule": self.rule,
            "value": self.value,
            "note": self.note,
        }


def fingerprints(y: ArrayLike, p: ArrayLike, group: ArrayLike | None) -> frozenset[str]:
    """Return digests of the rows as a whole and of each patient's name, to know them again by."""
    event, chance, _ = binary(y, p, group)
    rows = np.sort(np.stack([event, chance]).T.copy().view([("y", float), ("p", float)]).ravel())
    names = [] if group is None else [str(g) for g in np.unique(np.asarray(group).astype(str))]
    told = [b"rows" + rows.tobytes(), *(b"patient" + name.encode() for name in names)]
    return frozenset(hashlib.blake2b(text, digest_size=8).hexdigest() for text in told)


def refuse_the_same(chosen_on: frozenset[str], y: ArrayLike, p: ArrayLike, group: ArrayLike | None) -> None:
    """Refuse to judge a choice by rows or patients that took part in it."""
    again = len(chosen_on & fingerprints(y, p, group))
    if again:
        who = "these rows" if group is None else f"{again} of these patients"
        raise MedgraftError(
            f"The threshold was chosen on {who}, so that they cannot judge it: split the patients in two, or "
            f"use 'cross_decisions'."
        )


def choose_threshold(
    y: ArrayLike, p: ArrayLike, rule: Rule, value: float | None = None, *, group: ArrayLike | None = None
) -> OperatingPoint:
    r"""Choose the threshold that meets a rule, to be judged on other patients.

    Use it on patients set aside for the choice (or on out-of-fold predictions of the training patients). Not
    on those who are to judge it: `OperatingPoint.report` refuses them, by name where `group` is given both
    times.

    A row is flagged when :math:`p_i \ge t`. The rules:

    - "sensitivity", value v: the highest t with :math:`\widehat{Se}(t)\, G_1/(G_1+1) \ge v`, where
      :math:`G_1` is the number of patients with the event. The factor pays for having chosen: with one row a
      patient the sensitivity among *new* patients is then v or more on average over choices, which of the
      plain share is not true.
    - "specificity", value v: the lowest t with :math:`\widehat{Sp}(t)\, G_0/(G_0+1) \ge v`.
    - "youden": the largest :math:`Se(t) + Sp(t)`.
    - "cost", value c: the least :math:`c\,FN(t) + FP(t)`.
    - "net_benefit", value q: the largest :math:`TP(t)/n - FP(t)/n \cdot q/(1-q)`, which is the rule "cost"
      with :math:`c = (1-q)/q`. For calibrated probabilities its solution is q itself.

    Of equal thresholds the one that flags fewest is taken.

    Parameters
    ----------
    y : (n,) array
        1 with the event, 0 without.
    p : (n,) or (n, 2) array
        Probability of the event.
    rule : {"sensitivity", "specificity", "youden", "cost", "net_benefit"}
    value : float, optional
        The rule's number; none for "youden".
    group : (n,) array, default every row its own
        Patients.

    Returns
    -------
    OperatingPoint

    Raises
    ------
    MedgraftError
        The rule is unknown or its number out of range; a class is missing; the arrays do not fit.

    Notes
    -----
    Cost O(n log n).

    References
    ----------
    Youden 1950, doi:10.1002/1097-0142(1950)3:1<32::AID-CNCR2820030106>3.0.CO;2-3. Vickers and Elkin 2006,
    doi:10.1177/0272989X06295361.

    Examples
    --------
    >>> point = choose_threshold([0, 0, 0, 1, 1, 1], [0.1, 0.2, 0.6, 0.4, 0.7, 0.9], "youden")
    >>> point.threshold
    0.7
    >>> point.report([0, 1, 1, 1], [0.3, 0.8, 0.9, 0.5]).sensitivity.value.__round__(2)
    0.67
    """
    number = _checked(rule, value)
    event, chance, patient = binary(y, p, group)
    n = np.bincount(event, minlength=2)
    if n.min() == 0:
        raise MedgraftError("A threshold needs rows with the event and rows without: one kind is missing.")
    thresholds, tp, fp = _counts(event, chance)
    note = ""
    if rule in ("sensitivity", "specificity"):
        kind = int(rule == "sensitivity")
        people = len(np.unique(patient[event == kind]))
        share = tp / n[1] if kind else 1 - fp / n[0]
        enough = np.flatnonzero(share * people / (people + 1) >= number - 1e-12)
        if len(enough):
            best = int(enough[0] if kind else enough[-1])
        else:
            best = len(thresholds) if kind else 0
            note = (
                f"With {people} patients {'with' if kind else 'without'} the event no threshold promises a "
                f"{rule} of {number:g}: {'everybody' if kind else 'nobody'} is flagged. "
                f"{math.ceil(number / (1 - number) - 1e-9)} are needed."
            )
    else:
        miss = {"youden": n[0] / n[1], "cost": number, "net_benefit": 1 / number - 1 if number else 0}[rule]
        loss = miss * (n[1] - tp) + fp
        best = int(np.flatnonzero(loss <= loss.min() + 1e-9 * n.sum())[0])
        if best == 0:
            note = "It is best to flag nobody."
    t = -math.inf if best == len(thresholds) else float(thresholds[best])
    return OperatingPoint(t, rule, value, note, fingerprints(y, p, group))


def cross_decisions(
    y: ArrayLike,
    p: ArrayLike,
    fold: ArrayLike,
    rule: Rule,
    value: float | None = None,
    *,
    group: ArrayLike | None = None,
) -> NDArray[np.bool_]:
    """Decide on every row by the threshold that the other folds chose.

    Use it when patients are too few to set some aside; judge the result by `decision_accuracy`. Not when a
    single threshold is to be delivered and judged: every fold has its own here, and the figure is that of the
    procedure.

    Parameters
    ----------
    y, p, rule, value, group
        As in `choose_threshold`.
    fold : (n,) array
        At least two; a patient's rows lie in one.

    Returns
    -------
    (n,) bool array

    Raises
    ------
    MedgraftError
        There is one fold only, or a patient has rows in two; and as `choose_threshold`.

    Examples
    --------
    >>> y, p = [0, 1, 0, 1, 0, 1], [0.1, 0.8, 0.3, 0.6, 0.2, 0.9]
    >>> cross_decisions(y, p, [0, 0, 1, 1, 2, 2], "youden").tolist()
    [False, True, False, False, False, True]
    """
    event, chance, patient = binary(y, p, group)
    parts = np.asarray(fold)
    if parts.shape != event.shape or len(np.unique(parts)) < 2:
        raise MedgraftError("'fold' must name one of at least two folds for each row.")
    codes = np.unique(parts, return_inverse=True)[1]
    if len(np.unique(np.stack([patient, codes]), axis=1).T) > len(np.unique(patient)):
        raise MedgraftError(
            "A patient has rows in two folds, and would judge a threshold that it helped to choose."
        )
    out = np.zeros(len(event), dtype=bool)
    for k in range(int(codes.max()) + 1):
        mine = codes == k
        point = choose_threshold(event[~mine], chance[~mine], rule, value, group=patient[~mine])
        out[mine] = point.decide(chance[mine])
    return out


def _counts(event: Ints, chance: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the thresholds, from flagging nobody (infinity) down, with true and false positives at each."""
    order = np.argsort(-chance, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(chance[order])), len(order) - 1)  # one threshold per tie
    tp = np.cumsum(event[order] == 1)[ends].astype(float)
    fp = np.cumsum(event[order] == 0)[ends].astype(float)
    return np.append(np.inf, chance[order][ends]), np.append(0.0, tp), np.append(0.0, fp)


def _checked(rule: str, value: float | None) -> float:
    if rule not in get_args(Rule):
        raise MedgraftError(f"There is no rule '{rule}' for a threshold.{did_you_mean(rule, get_args(Rule))}")
    if (value is None) != (rule not in NEEDS_VALUE):
        what = f"needs {NEEDS_VALUE[rule]}" if rule in NEEDS_VALUE else "takes no number"
        raise MedgraftError(f"The rule '{rule}' {what}.")
    number = 0.0 if value is None else float(value)
    if rule in NEEDS_VALUE and not (0 < number < (math.inf if rule == "cost" else 1)):
        raise MedgraftError(f"The rule '{rule}' needs {NEEDS_VALUE[rule]}; not {value}.")
    return number
