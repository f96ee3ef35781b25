"""First, do no harm: choose an arm only where it is better than its control by more than noise."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from medgraft.base import MedgraftError, did_you_mean
from medgraft.evidence.bootstrap import informative, replicate
from medgraft.evidence.compare import differing
from medgraft.evidence.interval import jsonable
from medgraft.evidence.metrics.base import Floats, Metric, as_metric
from medgraft.evidence.scores import Scores
from medgraft.evidence.subgroups import inferior

RULES = ("one-se", "family", "best")


@dataclass(frozen=True)
class Choice:
    """The arm to deliver, and why.

    Attributes
    ----------
    name : str
        The arm chosen: a candidate, or the control.
    table : list of dict
        For each arm: "name", "value", "difference" from the control in units of the metric, "se" its standard
        error, "needed" the gain it takes to be chosen, "chosen". None where undefined. "inferior_in" names
        the subgroups for which an arm was passed over.
    reason : str
        One sentence.
    """

    name: str
    table: list[dict[str, Any]] = field(default_factory=list)
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON knows it."""
        return {"name": self.name, "table": [dict(row) for row in self.table], "reason": self.reason}


def _standard_errors(
    metric: Metric, scores: Scores, arms: list[Floats], base: Floats, gains: Floats
) -> Floats:
    """Bootstrap standard errors, freed of their small-sample shortfall; nan where nothing can be known."""
    out = np.full(len(arms), np.nan)
    for a, p in enumerate(arms):
        n = min(informative(metric, scores), differing(metric, scores, p, base))
        known = gains[a][np.isfinite(gains[a])]
        if n >= 2 and len(known) >= 2:
            out[a] = known.std() * math.sqrt(n / (n - 1))
    return out


def _multiple(rule: str, gains: Floats, usable: Any) -> float:
    """How many standard errors a gain must exceed."""
    if rule == "best":
        return 0.0
    if rule == "one-se" or usable.sum() < 2:
        return 1.0
    z = gains[usable][:, np.isfinite(gains).all(axis=0)]
    z = (z - z.mean(axis=1, keepdims=True)) / z.std(axis=1, keepdims=True)
    return float(np.quantile(z.max(axis=0), ndtr(1.0)))


def choose(
    metric: Metric | str,
    y: ArrayLike,
    preds: Mapping[str, ArrayLike],
    control: str,
    *,
    group: ArrayLike | None = None,
    fold: ArrayLike | None = None,
    repeat: ArrayLike | None = None,
    weight: ArrayLike | None = None,
    seed: int = 0,
    rule: str = "one-se",
    n_boot: int = 1000,
    subgroups: Mapping[str, ArrayLike] | None = None,
    margin: float = 0.0,
) -> Choice:
    r"""Choose among arms by their out-of-fold predictions, keeping the control unless one is clearly better.

    Use it on predictions made inside the training part, never on test rows.

    With :math:`\Delta_a` the gain of arm a over the control (in the better direction, paired on the same
    patients) and s its bootstrap standard error over patients, the arm with the best value is chosen if

    .. math:: \Delta_a > c\, s_a, \qquad c = 1 \text{ for "one-se"},

    else the control. A candidate that is truly no better than the control is thus taken in about one case of
    six, and with several candidates more often. The rule "family" holds the one in six for all candidates
    together: c is the 84 % point of their largest standardised gain in the resamples (1 for one candidate).
    "best" is c = 0: what was best inside is taken, be it by chance. It is for those to whom the control is no
    safer than the others, and does not keep from harm.

    Parameters
    ----------
    metric : Metric or str
        What to choose by.
    y : (n,) array
        Class codes 0..K-1, or values.
    preds : mapping of name to (n, K) or (n,) array
        Out-of-fold predictions of every arm, the control among them.
    control : str
        Name of the control.
    group : (n,) array, default every row its own
        Patients.
    fold, repeat : (n,) array, default one
        Inner fold: rows scored by the same model; and its repeat, if the inner split is repeated.
    weight : (n,) array, default all equal
        What each row counts.
    seed : int
        The same seed gives the same choice.
    rule : {"one-se", "family", "best"}
        See above.
    n_boot : int
        Draws.
    subgroups : mapping of name to (n,) array, optional
        Attributes of the patients (sex, site, ...): an arm that is shown to be inferior to the control in one
        of their subgroups is passed over; see `medgraft.evidence.subgroups.inferior`.
    margin : float
        The non-inferiority margin of subgroups, in units of the metric.

    Returns
    -------
    Choice

    Raises
    ------
    MedgraftError
        The control is not among the predictions; the rule is unknown; arrays do not fit.

    Notes
    -----
    The rule of one standard error goes back to Breiman et al. (1984), Classification and Regression Trees,
    section 3.4.3. The largest standardised difference: Romano and Wolf 2005, doi:10.1198/016214504000000539.

    Examples
    --------
    >>> import numpy as np
    >>> y = np.arange(40.0)
    >>> noise = np.resize([1.0, -2.0, 3.0], 40)
    >>> choose("mae", y, {"target-only": y + noise, "l2sp": y + noise / 2}, "target-only").name
    'l2sp'
    """
    chosen = as_metric(metric)
    if control not in preds:
        raise MedgraftError(f"The control '{control}' has no predictions.{did_you_mean(control, preds)}")
    if rule not in RULES:
        raise MedgraftError(f"There is no rule '{rule}': use one of {', '.join(RULES)}.")
    told = {"group": group, "fold": fold, "repeat": repeat, "weight": weight}
    scores = {k: Scores.of(chosen, y, p, **told) for k, p in preds.items()}
    first = scores[control]
    if wrong := [k for k, s in scores.items() if s.p.shape != first.p.shape]:
        raise MedgraftError(f"'{wrong[0]}' and the control '{control}' do not predict the same classes.")

    names = [k for k in preds if k != control]
    arms = [scores[k].p for k in names]
    values, draws, _ = replicate(chosen, first, [first.p, *arms], n_boot=n_boot, seed=seed)
    differences = values[1:] - values[0]
    gains = chosen.sign * (draws[1:] - draws[0])
    errors = _standard_errors(chosen, first, arms, first.p, gains)
    usable = np.isfinite(errors) & np.isfinite(differences) & (errors > 0)
    needed = _multiple(rule, gains, usable) * errors

    patients = first.group
    worse = (
        inferior(
            chosen,
            y,
            {k: s.p for k, s in scores.items()},
            control,
            subgroups,
            group=patients,
            weight=first.weight,
            margin=margin,
            n_boot=n_boot,
            seed=seed,
        )
        if subgroups
        else {}
    )
    allowed = np.array([not worse.get(k) for k in names], dtype=bool)
    usual = np.where(np.isfinite(differences) & allowed, chosen.sign * differences, -np.inf)
    best = int(np.argmax(usual)) if allowed.any() else -1
    wins = best >= 0 and bool(chosen.sign * differences[best] > needed[best])  # nan never wins
    name = names[best] if wins else control
    rows = [
        (control, values[0], 0.0, 0.0, 0.0),
        *zip(names, values[1:], differences, errors, needed, strict=True),
    ]
    keys = ("value", "difference", "se", "needed")
    table: list[dict[str, Any]] = [
        {"name": k, **dict(zip(keys, map(jsonable, row), strict=True)), "chosen": k == name}
        for k, *row in rows
    ]
    for row in table:
        if worse.get(row["name"]):
            row["inferior_in"] = worse[row["name"]]
    reason = _reason(chosen, control, table, table[best + 1], wins) if best >= 0 or not names else ""
    return Choice(name, table, _passed_over(reason, control, worse))


def _passed_over(reason: str, control: str, worse: Mapping[str, list[str]]) -> str:
    """Add to the reason which arms were not considered because they fail some patients."""
    told = [f"{k} (among {', '.join(where)})" for k, where in worse.items() if where]
    if not told:
        return reason
    said = f"Worse than the control for some patients, and so passed over: {'; '.join(told)}."
    return f"{reason or f'The control {control} is kept: every candidate fails some patients.'} {said}"


def _reason(
    metric: Metric, control: str, table: list[dict[str, Any]], best: dict[str, Any], wins: bool
) -> str:
    kept = f"The control {control} is kept"
    if len(table) == 1:
        return f"{kept}: there is no other candidate."
    if table[0]["value"] is None:
        return f"{kept}: {metric.label} is undefined on the inner folds, so nothing can be compared."
    step = abs(best["difference"])
    side = "higher" if best["difference"] > 0 else "lower"
    if wins:
        asked = f", more than the {best['needed']:.2g} asked for" if best["needed"] else ""
        return (
            f"{best['name']} is chosen: its inner {metric.label} ({best['value']:.3g}) is {step:.2g} {side} "
            f"than that of the control {control}{asked}."
        )
    if not metric.sign * best["difference"] > 0:
        return f"{kept}: no candidate has a better inner {metric.label} than {table[0]['value']:.3g}."
    if best["needed"] is None:
        return f"{kept}: {best['name']}, the best candidate, differs from it on too few patients to tell."
    return (
        f"{kept}: the inner {metric.label} of {best['name']}, the best candidate, is {step:.2g} {side}, "
        f"but more than {best['needed']:.2g} is asked for."
    )
