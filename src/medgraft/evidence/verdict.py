"""A comparison in plain English."""

from __future__ import annotations

import math

from medgraft.evidence.compare import Comparison
from medgraft.evidence.metrics.base import Metric, as_metric


def _size(x: float, metric: Metric, least: float) -> str:
    """Write a size: three decimals for metrics between 0 and 1, else three digits of the smallest shown."""
    if metric.bounded or "regression" not in metric.tasks or least == 0:
        return f"{abs(x):.3f}"
    return f"{abs(x):.{max(0, 2 - math.floor(math.log10(least)))}f}"


def _side(x: float, size: str) -> str:
    if float(size) == 0:
        return "no different"
    return f"{size} {'higher' if x > 0 else 'lower'}"


def sentence(
    arm: str,
    comparison: Comparison,
    metric: Metric | str,
    n_patients: int | None = None,
    *,
    control: str = "the control",
) -> str:
    """Return the verdict as one sentence for a clinician.

    Parameters
    ----------
    arm : str
        Name of the arm.
    comparison : Comparison
        From `compare`.
    metric : Metric or str
        The metric compared.
    n_patients : int, default those compared
        How many patients to speak of.
    control : str
        Name of the control.

    Examples
    --------
    >>> c = Comparison(0.041, 0.012, 0.071, "helps", 200)
    >>> sentence("l2sp", c, "auroc", 200, control="target-only")
    'l2sp helps: AUROC is 0.041 higher than target-only (95 % interval 0.012 to 0.071, 200 patients).'
    """
    chosen = as_metric(metric)
    n = comparison.n_groups if n_patients is None else n_patients
    people = f"{n} patient{'' if n == 1 else 's'}"
    level = f"{100 * comparison.level:g} %"
    difference, lo, hi = comparison.difference, comparison.lo, comparison.hi
    if math.isnan(difference):
        return (
            f"{arm} is inconclusive: {chosen.label} cannot be computed ({people}). {comparison.note}".strip()
        )
    # Differences may be much smaller than one unit (or much larger): one number of decimals for the three.
    least = max((abs(x) for x in (difference, lo, hi) if math.isfinite(x)), default=0.0)
    size = {x: _size(x, chosen, least) for x in (difference, lo, hi) if math.isfinite(x)}
    than = _side(difference, size[difference])
    than = f"{than} {'from' if than == 'no different' else 'than'} {control}"
    if not (math.isfinite(lo) and math.isfinite(hi)):
        text = f"{arm} is inconclusive: {chosen.label} is {than}, and no interval can be given ({people})."
    elif comparison.verdict == "inconclusive":
        span = f"{_side(lo, size[lo])} to {_side(hi, size[hi])}"
        if lo == hi:
            text = f"{arm} is inconclusive: {chosen.label} is {than} ({people})."
        else:
            text = (
                f"{arm} is inconclusive: {chosen.label} is {than}, "
                f"but the {level} interval runs from {span} ({people})."
            )
    else:
        near, far = sorted((lo, hi), key=abs)
        text = (
            f"{arm} {comparison.verdict}: {chosen.label} is {than} "
            f"({level} interval {size[near]} to {size[far]}, {people})."
        )
    return f"{text} {comparison.note}".strip()
