"""Many arms against one control, judged together."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata

from medgraft.base import MedgraftError, did_you_mean
from medgraft.evidence.bootstrap import replicate
from medgraft.evidence.compare import Comparison, Contrast, Verdict
from medgraft.evidence.interval import check_level, jsonable
from medgraft.evidence.metrics.base import Floats, Metric, as_metric
from medgraft.evidence.paired.holm import holm
from medgraft.evidence.scores import Scores

STEPS = 30  # of the bisection: p-values to nine decimals


@dataclass(frozen=True)
class Member:
    """One arm of a family.

    Attributes
    ----------
    alone : Comparison
        What `compare` says of the arm, as if it were the only one.
    lo, hi : float
        Its part of the simultaneous intervals.
    p_value : float
        Of the arm alone.
    p_adjusted : float
        By Holm, over the family.
    verdict : {"helps", "harms", "inconclusive"}
        By the adjusted p-value.
    """

    alone: Comparison
    lo: float
    hi: float
    p_value: float
    p_adjusted: float
    verdict: Verdict

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON knows it: nan becomes None."""
        return {
            "alone": self.alone.to_dict(),
            "ci": [jsonable(self.lo), jsonable(self.hi)],
            "p_value": self.p_value,
            "p_adjusted": self.p_adjusted,
            "verdict": self.verdict,
        }


def bootstrap_p(contrast: Contrast, margin: float = 0.0) -> float:
    r"""Return the smallest :math:`\alpha` at which the interval of level :math:`1 - \alpha` gives a verdict.

    Found by bisection, since intervals of higher levels hold those of lower ones. Where d patients differ it
    is never below :math:`2^{1-d}`, the smallest p-value that a paired test of d patients can have; 1 where
    `compare` never gives a verdict.
    """
    low, high = 0.0, 1.0
    if contrast.at(1e-9, margin).verdict == "inconclusive":
        return 1.0
    for _ in range(STEPS):
        alpha = (low + high) / 2
        if contrast.at(1 - alpha, margin).verdict == "inconclusive":
            low = alpha
        else:
            high = alpha
    return max(high, 2.0 ** (1 - contrast.differ))


def joint_level(draws: Floats, level: float) -> float:
    r"""Return the level of single intervals that makes them hold together; `draws` are (arms, n_boot).

    A resample is outside when any of its arms is among the lowest or highest :math:`\beta/2` of that arm's
    draws; :math:`\beta` is such that no more than :math:`\alpha` of the resamples are (Mandel and Betensky
    2008). Between the level itself, for arms that move together, and Bonferroni's.
    """
    moving = draws[draws.min(axis=1, initial=math.inf) < draws.max(axis=1, initial=-math.inf)]
    if len(moving) < 2:
        return level
    below, above = (rankdata(side, method="max", axis=1) for side in (moving, -moving))
    depth = np.minimum(below, above).min(axis=0) / (draws.shape[1] + 1)
    beta = 2 * float(np.quantile(depth, 1 - level, method="lower"))
    return float(np.clip(1 - beta, level, 1 - (1 - level) / len(moving)))


def family(
    metric: Metric | str,
    y: ArrayLike,
    preds: Mapping[str, ArrayLike],
    control: str,
    *,
    group: ArrayLike | None = None,
    repeat: ArrayLike | None = None,
    fold: ArrayLike | None = None,
    n_boot: int = 5000,
    seed: int = 0,
    margin: float = 0.0,
    level: float = 0.95,
) -> dict[str, Member]:
    r"""Judge many arms against one control so that a false verdict on any of them is rare.

    Use it for a trial of several arms whose best is to be spoken of. With twenty arms that do nothing, one
    verdict of `compare` is expected by chance; of this family, one in twenty trials. Not for one arm that was
    fixed beforehand, which it would make pay for the others.

    The p-value of an arm is the smallest :math:`\alpha` at which its interval of level :math:`1 - \alpha`,
    that of `compare`, lies beyond the margin; the verdict goes by the p-values after `holm`. All arms see the
    same resamples, so their simultaneous intervals know how the arms move together: they hold all true
    differences at once with the chance `level` (see `joint_level`), and are narrower than Bonferroni's. Holm
    steps down and these intervals do not, so near the border an arm may have a verdict and an interval that
    still touches zero, or the reverse.

    Parameters
    ----------
    metric : Metric or str
        What to compare.
    y : (n,) array
        Class codes 0..K-1, or values.
    preds : mapping of name to (n, K) or (n,) array
        Predictions of every arm, the control among them, row by row the same patients.
    control : str
        Its name.
    group : (n,) array, default every row its own
        Patients.
    repeat, fold : (n,) array, default one
        Repeat of the cross-validation; and within it, rows scored by the same model.
    n_boot : int
        Draws. Small p-values need many: below 1 / n_boot the tail is that of its farthest draw.
    seed : int
        The same seed gives the same answer, and that of `compare` with as many draws.
    margin : float
        Smallest difference that counts, in the units of the metric.
    level : float
        Nominal coverage of all intervals together; 1 - level is the chance of any false verdict.

    Returns
    -------
    dict of str to Member
        Of every arm but the control, in the order given.

    Raises
    ------
    MedgraftError
        The control is not among the arms, or is alone; the arrays do not fit each other or the metric.

    Notes
    -----
    Cost O(arms n n_boot).

    References
    ----------
    Holm 1979, Scandinavian Journal of Statistics 6, 65-70. Mandel and Betensky 2008,
    doi:10.1016/j.csda.2007.07.005.

    Examples
    --------
    >>> import numpy as np
    >>> y = np.arange(40.0)
    >>> noise = np.random.default_rng(0).normal(size=(2, 40))
    >>> got = family("mae", y, {"control": y + 2, "a": y + 1 + noise[0], "b": y + 2 + noise[1]}, "control")
    >>> {name: arm.verdict for name, arm in got.items()}
    {'a': 'helps', 'b': 'inconclusive'}
    """
    chosen = as_metric(metric)
    check_level(level)
    if control not in preds:
        raise MedgraftError(f"There is no arm '{control}' to be the control.{did_you_mean(control, preds)}")
    names = [name for name in preds if name != control]
    if not names:
        raise MedgraftError("A family needs an arm beside its control: give at least two predictions.")
    if not margin >= 0:
        raise MedgraftError(
            f"The margin is the smallest difference that counts, so not {margin}: use 0 or more."
        )
    scores = {
        name: Scores.of(chosen, y, preds[name], group=group, repeat=repeat, fold=fold)
        for name in (*names, control)
    }
    base = scores[control].p
    odd = [name for name in names if scores[name].p.shape != base.shape]
    if odd:
        raise MedgraftError(
            f"Arm '{odd[0]}' predicts shape {scores[odd[0]].p.shape}, its control {base.shape}: same classes?"
        )

    made = replicate(chosen, scores[control], [s.p for s in scores.values()], n_boot=n_boot, seed=seed)
    contrasts = [Contrast.of(chosen, scores[name], base, made, i, -1) for i, name in enumerate(names)]
    draws = np.array([c.draws for c in contrasts if not math.isnan(c.value)]).reshape(-1, n_boot)
    together = joint_level(draws[:, np.isfinite(draws).all(axis=0)], level)
    p = [bootstrap_p(c, margin) for c in contrasts]
    out = {}
    for name, contrast, single, adjusted in zip(names, contrasts, p, holm(p).tolist(), strict=True):
        wide = contrast.at(together, margin)
        found: Verdict = "inconclusive"
        if adjusted <= 1 - level + 1e-12 and not math.isnan(contrast.value):
            found = "helps" if chosen.sign * contrast.value > 0 else "harms"
        out[name] = Member(contrast.at(level, margin), wide.lo, wide.hi, single, adjusted, found)
    return out
