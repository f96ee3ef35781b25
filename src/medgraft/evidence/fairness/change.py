"""What transfer changes for subgroups: who gains and who loses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from medgraft.base import MedgraftError
from medgraft.evidence.compare import FEWEST as FEWEST_DIFFERING
from medgraft.evidence.compare import Comparison, compare
from medgraft.evidence.fairness.cells import FEWEST, cells
from medgraft.evidence.fairness.mover import p_value
from medgraft.evidence.interval import Interval, jsonable
from medgraft.evidence.metrics.base import Metric, as_metric
from medgraft.evidence.paired.difference import patients
from medgraft.evidence.paired.holm import holm

Outcome: TypeAlias = Literal["gains", "loses", "unclear"]


@dataclass(frozen=True)
class SubgroupChange:
    """What an arm changes for one subgroup.

    Attributes
    ----------
    subgroup : str
    n_patients : int
    comparison : Comparison
        Arm minus control, on its patients.
    p_adjusted : float
        Holm's p-value over all subgroups compared; 1 where no test is possible.
    outcome : {"gains", "loses", "unclear"}
        By the adjusted p-value.
    """

    subgroup: str
    n_patients: int
    comparison: Comparison
    p_adjusted: float
    outcome: Outcome

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON knows it."""
        return {
            "subgroup": self.subgroup,
            "n_patients": self.n_patients,
            **self.comparison.to_dict(),
            "p_adjusted": jsonable(self.p_adjusted),
            "outcome": self.outcome,
        }


def gains_by_subgroup(
    metric: Metric | str,
    y: ArrayLike,
    p_arm: ArrayLike,
    p_control: ArrayLike,
    attributes: Mapping[str, ArrayLike],
    *,
    group: ArrayLike | None = None,
    repeat: ArrayLike | None = None,
    fewest: int = FEWEST,
    n_boot: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> list[SubgroupChange]:
    r"""Say which subgroups gain by an arm and which lose, against its control on the same rows.

    Use it for an arm and a control fixed beforehand. "unclear" is not "no loss": in a small subgroup a real
    loss is rarely shown. The guard, which must not miss one, errs on the other side: see
    `medgraft.evidence.subgroups.inferior`.

    Within each subgroup the paired difference is that of `compare`; its p-value is the one that fits its
    interval, :math:`2 \Phi(-z |\Delta| / h)` with h the half of the interval towards zero, and they are
    adjusted together by Holm's method. Subgroups of different attributes
    overlap: Holm holds whatever the dependence.

    Parameters
    ----------
    metric : Metric or str
        What to compare.
    y, p_arm, p_control, group, repeat
        As in `compare`. Folds are joined.
    attributes : mapping of name to (n,) array
        Protected attributes, site, label budget; each level is a subgroup, and so is each intersection of
        two.
    fewest : int
        Subgroups of fewer patients are left out; see `cells`.
    n_boot, seed, level
        As in `compare`.

    Returns
    -------
    list of SubgroupChange
        The worst served first.

    Raises
    ------
    MedgraftError
        As `compare` and `cells`.

    Notes
    -----
    Cost: that of `compare` for each subgroup.

    References
    ----------
    Holm 1979, Scandinavian Journal of Statistics 6, 65-70.

    Examples
    --------
    >>> import numpy as np
    >>> y, sex = np.zeros(60), np.repeat(["f", "m"], 30)
    >>> control = 1 + 0.1 * (np.arange(60) % 3)
    >>> arm = np.where(sex == "f", 1.5, 0.5)
    >>> got = gains_by_subgroup("mae", y, arm, control, {"sex": sex}, n_boot=200)
    >>> [(c.subgroup, c.outcome) for c in got]
    [('sex=f', 'loses'), ('sex=m', 'gains')]
    """
    chosen = as_metric(metric)
    arrays = [np.asarray(a) for a in (y, p_arm, p_control)]
    n = len(arrays[0])
    who = patients(group, n)
    compared = []
    for cell in _subgroups(attributes, n, group, fewest):
        t, a, c = (x[cell.rows] for x in arrays)
        again = None if repeat is None else np.asarray(repeat)[cell.rows]
        how: dict[str, Any] = {"group": who[cell.rows], "repeat": again, "n_boot": n_boot, "seed": seed}
        compared.append((cell, compare(chosen, t, a, c, level=level, **how)))
    tested = [p_of(c) for _, c in compared]
    adjusted = holm(tested).tolist() if tested else []
    out = []
    for (cell, c), p in zip(compared, adjusted, strict=True):
        better = chosen.sign * c.difference > 0
        outcome: Outcome = "unclear" if not p < 1 - level else "gains" if better else "loses"
        out.append(SubgroupChange(cell.name, cell.n_patients or 0, c, float(p), outcome))
    return sorted(out, key=lambda s: np.nan_to_num(chosen.sign * s.comparison.difference))


def p_of(c: Comparison) -> float:
    """Return the two-sided p-value that fits a comparison's interval; 1 where no verdict is possible."""
    if c.n_differ < FEWEST_DIFFERING:
        return 1.0
    return p_value(Interval(c.difference, c.lo, c.hi, c.level))


def _subgroups(
    attributes: Mapping[str, ArrayLike], n: int, group: ArrayLike | None, fewest: int
) -> list[Any]:
    found = cells(attributes, group=group, fewest=fewest)
    if len(found[0].rows) != n:
        raise MedgraftError(f"Attributes have {len(found[0].rows)} rows, labels {n}: give one per row.")
    return [c for c in found if c.shown and c.of]
