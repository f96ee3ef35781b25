"""The paired difference of an arm from its control, and the verdict."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from medgraft.base import MedgraftError
from medgraft.evidence.bootstrap import Replicates, crossed, informative, percentiles, reaching, replicate
from medgraft.evidence.interval import check_level, degenerate, dropped, few, jsonable
from medgraft.evidence.metrics.base import Floats, Ints, Metric, as_metric
from medgraft.evidence.scores import Scores

Verdict: TypeAlias = Literal["helps", "harms", "inconclusive"]

# With five patients all pointing one way, a paired test still has p = 2 * 0.5**5 = 0.06.
FEWEST = 6


@dataclass(frozen=True)
class Comparison:
    """An arm minus its control, on the same patients.

    Attributes
    ----------
    difference : float
        Arm minus control, in the units of the metric.
    lo, hi : float
        Its interval; nan where it cannot be given (`note` says why).
    verdict : {"helps", "harms", "inconclusive"}
        In the metric's own direction.
    n_groups : int
        Patients.
    note : str
        What the reader should know, or "".
    n_differ : int
        Patients on whom the two arms differ, as far as the metric can see.
    level : float
        Nominal coverage.
    margin : float
        The smallest difference that counts.
    """

    difference: float
    lo: float
    hi: float
    verdict: Verdict
    n_groups: int
    note: str = ""
    n_differ: int = 0
    level: float = 0.95
    margin: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON knows it: nan becomes None."""
        return {
            "difference": jsonable(self.difference),
            "ci": [jsonable(self.lo), jsonable(self.hi)],
            "verdict": self.verdict,
            "n_groups": self.n_groups,
            "n_differ": self.n_differ,
            "level": self.level,
            "margin": self.margin,
            "note": self.note,
        }


def differing(
    metric: Metric, scores: Scores, p_arm: Floats, p_control: Floats, fold_control: Ints | None = None
) -> int:
    """Return on how many patients two arms differ, as far as the metric can see.

    A patient counts when the arms' predictions differ and so does what the metric sees of them (being right,
    decision, rank within the block, or probability), summed over the patient's rows and repeats: being right
    once more and once less is no difference. Rows of different classes are summed apart where the metric
    looks at each class on its own, and so are a label's rows that have it and that do not; of numbers any
    change counts. `fold_control` are the control's folds where they are not those of `scores`.
    """
    n = len(scores.y)
    raw = (p_arm != p_control).reshape(n, -1).any(axis=1)
    folds = (scores.fold, scores.fold if fold_control is None else fold_control)
    block, other = (scores.repeat * (fold.max() + 1) + fold for fold in folds)
    seen = np.zeros((scores.n_groups, 1))
    for rows in scores.parts():
        y = scores.y[rows]
        gap = metric.view(y, p_arm[rows], block[rows]) - metric.view(y, p_control[rows], other[rows])
        gap = _apart(y, gap, p_arm.shape[-1] if p_arm.ndim == 2 else 0, metric.by_class)
        seen = seen if seen.shape[1] == gap.shape[1] else np.zeros((scores.n_groups, gap.shape[1]))
        np.add.at(seen, scores.group[rows], gap)
    moved = np.bincount(scores.group, weights=raw, minlength=scores.n_groups) > 0
    return int((moved & (np.abs(seen) > 1e-12).any(axis=1)).sum())


def _apart(y: Floats | Ints, gap: Floats, k: int, by_class: bool) -> Floats:
    """Return differences with a column for everything that must not cancel against something else."""
    if k == 0:  # numbers
        return np.abs(gap)
    if gap.shape[1] == 1 and not by_class:  # a row is right or not, whatever its class
        return gap
    true = [y == c for c in range(k)] if y.ndim == 1 else [y == 1, y != 1]
    return np.hstack([gap * of.reshape(len(y), -1) for of in true])


def judge(metric: Metric, lo: float, hi: float, margin: float) -> Verdict:
    """Return what an interval says: all of it beyond the margin on one side, or nothing."""
    low, high = (lo, hi) if metric.better == "higher" else (-hi, -lo)
    if low > margin:
        return "helps"
    return "harms" if high < -margin else "inconclusive"


@dataclass(frozen=True, eq=False)
class Contrast:
    """What the resamples say of one arm against its control, to be judged at any level.

    Attributes
    ----------
    metric : Metric
    scores : Scores
        Of the arm.
    value : float
        Arm minus control.
    draws : (n_boot,) array
        The same in every resample.
    by_repeat : (R, 1 + n_boot) array
        The same in every repeat, as in `Replicates`.
    differ : int
        Patients on whom the two differ.
    same : bool
        Whether their predictions are equal.
    """

    metric: Metric
    scores: Scores
    value: float
    draws: Floats
    by_repeat: Floats
    differ: int
    same: bool

    @classmethod
    def of(
        cls, metric: Metric, scores: Scores, p_control: Floats, made: Replicates, arm: int, control: int
    ) -> Contrast:
        """Take two arms, by their numbers, out of what was resampled."""
        value, draws, by_repeat = (x[arm] - x[control] for x in made)
        differ = 0 if math.isnan(value) else differing(metric, scores, scores.p, p_control)
        same = np.array_equal(scores.p, p_control)
        return cls(metric, scores, float(value), draws, by_repeat, differ, same)

    def at(self, level: float, margin: float = 0.0) -> Comparison:
        """Return the comparison with an interval of this level."""
        chosen, scores, value, draws = self.metric, self.scores, self.value, self.draws
        n = scores.n_groups
        if math.isnan(value):
            note = f"{chosen.label} is undefined on these rows."
            return Comparison(value, value, value, "inconclusive", n, note, 0, level, margin)
        if self.same:
            note = "The arm and its control predict the same."
            return Comparison(0.0, 0.0, 0.0, "inconclusive", n, note, 0, level, margin)

        known = draws[np.isfinite(draws)]
        informed = min(informative(chosen, scores), self.differ)
        if chosen.bounded and abs(value) == 1.0:
            # Every draw says the same. The better arm is right where the other is wrong with a chance of at
            # least the exact bound q, and the reverse at most 1 - q, so that they differ by 2 q - 1 or more.
            end = 2 * degenerate(chosen, scores, 1.0, level)[0] - 1
            lo, hi = (end, 1.0) if value > 0 else (-1.0, -end)
        elif chosen.bounded and len(known) and known.min() == known.max():
            slack = 1 - degenerate(chosen, scores, 1.0, level)[0]  # as far as an arm that never erred may err
            lo, hi = max(-1.0, value - slack), min(1.0, value + slack)
        else:
            known, fewer = crossed(draws, self.by_repeat, informed)
            lo, hi = percentiles(reaching(known, fewer, informed, level), informed, level)
        verdict, notes = judge(chosen, lo, hi, margin), [dropped(draws), few(self.by_repeat[:, 0])]
        if self.differ < FEWEST:
            verdict = "inconclusive"
            notes.append(
                f"The arms differ on {self.differ} of {n} patients; no verdict is possible under {FEWEST}."
            )
        elif math.isnan(lo):
            notes.append("One patient of a class allows no interval.")
        told = " ".join(filter(None, notes))
        return Comparison(value, lo, hi, verdict, n, told, self.differ, level, margin)


def compare(
    metric: Metric | str,
    y: ArrayLike,
    p_arm: ArrayLike,
    p_control: ArrayLike,
    *,
    group: ArrayLike | None = None,
    repeat: ArrayLike | None = None,
    fold: ArrayLike | None = None,
    n_boot: int = 2000,
    seed: int = 0,
    margin: float = 0.0,
    level: float = 0.95,
) -> Comparison:
    r"""Say whether an arm helps, harms, or neither can be shown, against its control on the same rows.

    Use it for one arm and one control fixed beforehand. Do not scan many arms and report the best verdict:
    with twenty arms that do nothing, one verdict is expected by chance.

    The difference is :math:`\frac1R \sum_r (m_r^{arm} - m_r^{control})`. Both arms see the same draws of
    patients and of repeats, so what is common to them cancels. "helps" means that the whole interval lies
    beyond the margin on the better side, "harms" on the worse.

    The interval is widened (Hesterberg 2015) for the number of patients on whom the arms differ, since the
    others carry no information on the difference (with decisions this comes close to the exact McNemar test),
    and further where the difference hangs on few repeats.
    Under six such patients the verdict is "inconclusive", because no paired test at 5 % could reject.

    Parameters
    ----------
    metric : Metric or str
        What to compare.
    y : (n,) array
        Class codes 0..K-1, or values.
    p_arm, p_control : (n, K) or (n,) array
        Predictions of the two, row by row the same patients.
    group : (n,) array, default every row its own
        Patients.
    repeat, fold : (n,) array, default one
        Repeat of the cross-validation; and within it, rows scored by the same model.
    n_boot : int
        Draws.
    seed : int
        The same seed gives the same answer.
    margin : float
        Smallest difference that counts, in the units of the metric.
    level : float
        Nominal coverage.

    Returns
    -------
    Comparison

    Raises
    ------
    MedgraftError
        The arrays do not fit each other or the metric; the margin is negative.

    Notes
    -----
    Cost O(n n_boot): 10 repeats of 200 rows, 2000 draws, a fifth of a second.

    References
    ----------
    Owen 2007, doi:10.1214/07-AOAS122. Hesterberg 2015, doi:10.1080/00031305.2015.1089789.

    Examples
    --------
    >>> import numpy as np
    >>> y = np.arange(40.0)
    >>> compare("mae", y, y + 1, y + 2, n_boot=200).verdict
    'helps'
    """
    chosen = as_metric(metric)
    check_level(level)
    if not margin >= 0:
        raise MedgraftError(
            f"The margin is the smallest difference that counts, so not {margin}: use 0 or more."
        )
    scores = Scores.of(chosen, y, p_arm, group=group, repeat=repeat, fold=fold)
    other = Scores.of(chosen, y, p_control, group=group, repeat=repeat, fold=fold)
    if scores.p.shape != other.p.shape:
        raise MedgraftError(
            f"The arm predicts shape {scores.p.shape}, its control {other.p.shape}: same classes?"
        )

    made = replicate(chosen, scores, [scores.p, other.p], n_boot=n_boot, seed=seed)
    return Contrast.of(chosen, scores, other.p, made, 0, 1).at(level, margin)
