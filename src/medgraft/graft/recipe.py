"""What is to be fitted on the patients of a place, and whether they are enough for it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError, did_you_mean
from medgraft.evidence.calibration import Platt, PriorShift, Recalibrator, Temperature, VectorScaling
from medgraft.evidence.conformal import ConformalIntervals, ConformalSets, patients_needed
from medgraft.evidence.decision.operating_point import NEEDS_VALUE, Rule
from medgraft.methods.splits import inner_folds, number_again

METHODS = ("auto", "intercept", "temperature", "vector", "platt", "none")
FOLDS = 5
FEWEST = 20  # patients in all: under it five folds judge nothing
EACH = 10  # patients of the rarest class for every number that is fitted to a class
_MAKE: dict[str, type[Recalibrator]] = {
    "temperature": Temperature,
    "vector": VectorScaling,
    "platt": Platt,
    "intercept": PriorShift,
}
_TWO = ("platt", "intercept")


def crossed(n: int) -> int:
    """Return of how many patients n are left when the largest of the folds is set aside.

    Examples
    --------
    >>> crossed(9), crossed(19)
    (12, 24)
    """
    return math.ceil(n * FOLDS / (FOLDS - 1))


def each_needs(level: float) -> int:
    """Return how many patients sets at a level need, in all or, promised for each class, of each.

    Examples
    --------
    >>> each_needs(0.9), each_needs(0.95)
    (12, 24)
    """
    return crossed(patients_needed(round(1 - level, 12)))


@dataclass(frozen=True)
class Recipe:
    """What is to be fitted.

    Attributes
    ----------
    method : str
        One of `METHODS`.
    level : float or None
        Share of sets or intervals that are to hold the truth.
    by_class : bool or None
        Whether this is promised for each class; None until `settled` has counted the patients.
    rule : {"sensitivity", "specificity", "cost"} or None
        By which a threshold is chosen.
    value : float
        The rule's number.
    prevalence : float or None
        Of the place, where only the intercept is corrected.
    """

    method: str = "auto"
    level: float | None = 0.9
    by_class: bool | None = None
    rule: Rule | None = None
    value: float = 0.0
    prevalence: float | None = None

    def folds(self, p: NDArray[Any], y: NDArray[Any], unit: NDArray[Any]) -> NDArray[Any]:
        """Return the fold of each row: whole patients, classes alike."""
        return inner_folds(number_again(unit), k=FOLDS, seed=0, stratum=None if p.ndim == 1 else y)

    def recalibrator(self, p: NDArray[Any], y: NDArray[Any], unit: NDArray[Any]) -> Recalibrator | None:
        """Fit the recalibrator on probabilities (n, K), codes (n,) and patients (n,)."""
        if self.method == "none":
            return None
        made = _MAKE[self.method]().fit(p, y, unit)
        if isinstance(made, PriorShift) and self.prevalence is not None:
            w = 1 / np.bincount(unit)[unit]
            made.ratio_ = made.ratio_ * PriorShift.of(float(w @ y / w.sum()), self.prevalence).ratio_
        return made

    def out_of_fold(self, p: NDArray[Any], y: NDArray[Any], unit: NDArray[Any]) -> NDArray[Any]:
        """Return the probabilities as recalibrators tell them that have not seen the patient."""
        out, fold = p.copy(), self.folds(p, y, unit)
        for f in np.unique(fold) if self.method != "none" else ():
            new = fold == f
            fitted = self.recalibrator(p[~new], y[~new], unit[~new])
            out[new] = p[new] if fitted is None else fitted.transform(p[new])
        return out

    def conformal(
        self, p: NDArray[Any], y: NDArray[Any], unit: NDArray[Any]
    ) -> ConformalSets | ConformalIntervals | None:
        """Fit the thresholds of sets of what is told, or of intervals where `p` are values (n,).

        A patient who has taught the recalibrator fits it better than a new one will, and sets would be too
        small: scores are taken out of fold.
        """
        if self.level is None:
            return None
        alpha = round(1 - self.level, 12)  # 1 - 0.9 is a little less than 0.1
        if p.ndim == 1:
            return ConformalIntervals(alpha).fit(y, p, unit)
        return ConformalSets(alpha, by_class=bool(self.by_class)).fit(self.out_of_fold(p, y, unit), y, unit)


def checked(recipe: Recipe, classes: list[str] | None, prevalence: float | None) -> Recipe:
    """Refuse what these predictions have no place for.

    Raises
    ------
    MedgraftError
        The method is unknown or not for so many classes; a level or a share is none; nothing is asked for.
    """
    method, k = recipe.method, 0 if classes is None else len(classes)
    if method not in METHODS:
        hint = did_you_mean(method, METHODS) or f" There are {', '.join(METHODS)}."
        raise MedgraftError(f"There is no recalibration '{method}'.{hint}")
    if recipe.level is not None and not 0 < recipe.level < 1:
        raise MedgraftError(
            f"--sets is the share of patients whose set holds the truth, such as 0.9, or 0 for no sets; "
            f"not {recipe.level:g}."
        )
    if k == 0 and (method not in ("auto", "none") or recipe.by_class):
        raise MedgraftError("This graft predicts a number, which gets an interval and no recalibration.")
    if k != 2 and (recipe.rule is not None or prevalence is not None or method in _TWO):
        what = "a number" if k == 0 else f"{k} classes"
        raise MedgraftError(
            f"This graft predicts {what}: a threshold, a prevalence, --method platt and --method intercept "
            "are for two classes."
        )
    if recipe.rule is not None and not 0 < recipe.value < (math.inf if recipe.rule == "cost" else 1):
        raise MedgraftError(
            f"A threshold by {recipe.rule} needs {NEEDS_VALUE[recipe.rule]}; not {recipe.value:g}."
        )
    if prevalence is not None and not 0 < prevalence < 1:
        raise MedgraftError(
            f"--prevalence is the share of patients with the event, such as 0.1, not {prevalence}."
        )
    if prevalence is not None and method not in ("auto", "intercept"):
        raise MedgraftError(
            f"--prevalence moves the intercept and nothing else: leave out --method {method}, or it."
        )
    if prevalence is not None and recipe.by_class is False and recipe.level is not None:
        raise MedgraftError(
            "A promise for all patients together holds at the prevalence of these patients alone: leave out "
            "--no-by-class, or --prevalence."
        )
    if prevalence is not None:  # a promise for each class holds whatever the prevalence
        return replace(recipe, method="intercept", by_class=True, prevalence=prevalence)
    if k == 0:
        recipe = replace(recipe, method="none")
    if recipe.method == "none" and recipe.level is None and recipe.rule is None:
        raise MedgraftError("There is nothing to fit: ask for a recalibration, for sets or for a threshold.")
    return recipe


def settled(recipe: Recipe, y: NDArray[Any], unit: NDArray[Any], classes: list[str] | None) -> Recipe:
    """Return the recipe with its method and its promise chosen, if the patients are enough for all of it.

    "auto" takes ten patients of the rarest class for every number that is fitted to a class: from 20 on
    Platt's curve (two classes) or vector scaling (more), which have two; with fewer, from 10 patients outside
    the commonest class on, one number in all: the intercept (two classes) or the temperature (more). Where
    nothing is said of classes, sets are promised for each as soon as each has patients enough for that: sets
    for all together hold the rarer class less often.

    Parameters
    ----------
    recipe : Recipe
        From `checked`.
    y : (n,) array
        Codes, or values.
    unit : (n,) int array
        Patients.
    classes : list of str or None

    Raises
    ------
    MedgraftError
        The patients are too few; the sentence says how many are needed.
    """
    n = len(np.unique(unit))
    known = 0 if recipe.level is None else each_needs(recipe.level)
    least = max(FEWEST, known)
    if n < least:
        raise MedgraftError(f"There are {n} labelled patients, and {least} are needed: label more.")
    if classes is None:
        return replace(recipe, by_class=False)
    who = np.unique(np.stack([y.astype(np.int64), unit]), axis=1)
    count = np.bincount(who[0], minlength=len(classes))
    rare, common = int(count.argmin()), int(count.argmax())
    if count[common] == count.sum():
        raise MedgraftError(
            f"All patients are of the class '{classes[common]}': patients of another are needed, too."
        )
    outside = len(np.unique(who[1][who[0] != common]))
    if recipe.method == "auto":
        two, one = ("platt", "intercept") if len(classes) == 2 else ("vector", "temperature")
        recipe = replace(recipe, method=two if count[rare] >= 2 * EACH else one)
    if recipe.method in ("platt", "vector"):
        _enough(int(count[rare]), 2 * EACH, classes[rare], f"--method {recipe.method}", "auto")
    elif recipe.method in ("temperature", "intercept") and outside < EACH:
        raise MedgraftError(
            f"{outside} patients are not of the class '{classes[common]}', and a recalibration needs {EACH}: "
            "label more, or give --method none."
        )
    if recipe.by_class is None:
        recipe = replace(recipe, by_class=bool(count[rare] >= known))
    elif recipe.by_class and recipe.level is not None:
        _enough(int(count[rare]), known, classes[rare], "a promise for each class")
    if recipe.rule == "cost":
        _enough(int(count[rare]), EACH, classes[rare], "a threshold by cost")
    elif recipe.rule is not None:
        kind = int(recipe.rule == "sensitivity")
        needed = crossed(math.ceil(recipe.value / (1 - recipe.value) - 1e-9))
        _enough(int(count[kind]), needed, classes[kind], f"a {recipe.rule} of {recipe.value:g}")
    return recipe


def _enough(count: int, needed: int, name: str, what: str, instead: str = "") -> None:
    if count < needed:
        other = f", or use --method {instead}" if instead else ", or ask for less"
        raise MedgraftError(
            f"{count} patients are of the class '{name}', and {what} needs {needed} of it: label more{other}."
        )
