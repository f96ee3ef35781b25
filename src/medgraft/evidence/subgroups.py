"""Subgroups of patients, and whom an arm serves worse than its control does."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from medgraft.evidence.bootstrap import informative, replicate
from medgraft.evidence.compare import FEWEST as FEWEST_DIFFERING
from medgraft.evidence.compare import differing
from medgraft.evidence.metrics.base import Floats, Metric
from medgraft.evidence.scores import Scores

FEWEST = 10
ONE_SIDED = 1.645  # the 95 % point of the normal distribution


def levels(values: ArrayLike, max_values: int = 5) -> NDArray[np.str_]:
    """Name the subgroup of each row, (n,): the value itself, or a third where there are many numbers.

    Parameters
    ----------
    values : (n,) array
        Words, bools or numbers; a missing value is a subgroup of its own, "missing".
    max_values : int
        Numbers with more distinct values than this are cut at their terciles.

    Examples
    --------
    >>> levels(["f", "m", None]).tolist()
    ['f', 'm', 'missing']
    >>> levels([20, 30, 40, 50, 60, 70]).tolist()
    ['to 36.7', 'to 36.7', 'to 53.3', 'to 53.3', 'above', 'above']
    """
    column = pd.Series(values)
    gap = column.isna().to_numpy()
    numeric = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    if numeric and column.nunique() > max_values:
        x = column.to_numpy(dtype=float, na_value=np.nan)
        low, high = np.nanquantile(x, [1 / 3, 2 / 3])
        names = np.where(x <= low, f"to {low:.3g}", np.where(x <= high, f"to {high:.3g}", "above"))
    else:
        names = np.array([f"{v:g}" if isinstance(v, float) else str(v) for v in column])
    return np.asarray(np.where(gap, "missing", names), dtype=str)


def inferior(
    metric: Metric,
    y: ArrayLike,
    preds: Mapping[str, Floats],
    control: str,
    subgroups: Mapping[str, ArrayLike],
    *,
    group: ArrayLike | None = None,
    weight: ArrayLike | None = None,
    margin: float = 0.0,
    n_boot: int = 1000,
    seed: int = 0,
) -> dict[str, list[str]]:
    r"""Name the subgroups in which each arm is worse than the control by more than a margin.

    Arm a is inferior in subgroup g when even the upper end of a one-sided 95 % interval says so,
    :math:`\Delta_{ag} + 1.645\, s_{ag} < -m`, with :math:`\Delta_{ag}` its gain there over the control
    (paired, in the better direction) and s the bootstrap standard error over patients, widened for those on
    whom the two do not differ. Arms that differ on fewer than six patients of a subgroup are not compared in
    it, as in `compare`: below that no paired test could tell. No correction is made for the number of
    subgroups: in doubt an arm is passed over.

    Parameters
    ----------
    metric : Metric
    y : (n,) array
    preds : mapping of name to array
        Out-of-fold predictions of every arm, the control among them.
    control : str
    subgroups : mapping of name to (n,) array
        Attributes, cut by `levels`. Subgroups of fewer than ten patients, or on which the metric is
        undefined, say nothing.
    group : (n,) array, optional
        Patients.
    weight : (n,) array, optional
        What each row counts.
    margin : float
        m, in units of the metric.

    Returns
    -------
    dict of str to list of str
        For each arm, such as ``["sex=f"]``.

    Examples
    --------
    >>> from medgraft.evidence import as_metric
    >>> y, sex = np.zeros(40), np.repeat(["f", "m"], 20)
    >>> preds = {"c": np.ones(40) + 0.1 * (np.arange(40) % 2), "a": np.where(sex == "f", 2.0, 0.0)}
    >>> inferior(as_metric("mae"), y, preds, "c", {"sex": sex})
    {'a': ['sex=f']}
    """
    y = np.asarray(y)
    people = np.arange(len(y)) if group is None else np.asarray(group)
    counts = np.ones(len(y)) if weight is None else np.asarray(weight)
    names = [k for k in preds if k != control]
    found: dict[str, list[str]] = {name: [] for name in names}
    for attribute, values in subgroups.items():
        of = levels(values)
        for level in np.unique(of):
            rows = of == level
            if len(np.unique(people[rows])) < FEWEST or (names and rows.all()):
                continue
            # Folds are joined: within one a subgroup is too small to be scored alone.
            scores = [
                Scores.of(metric, y[rows], preds[k][rows], group=people[rows], weight=counts[rows])
                for k in (control, *names)
            ]
            values_, draws, _ = replicate(metric, scores[0], [s.p for s in scores], n_boot=n_boot, seed=seed)
            n = informative(metric, scores[0])
            for a, name in enumerate(names, start=1):
                gains = metric.sign * (draws[a] - draws[0])
                gains = gains[np.isfinite(gains)]
                differ = differing(metric, scores[0], scores[a].p, scores[0].p)
                informed = min(n, differ)
                if differ < FEWEST_DIFFERING or informed < 2 or len(gains) < 2:
                    continue
                se = gains.std() * np.sqrt(informed / (informed - 1))
                if metric.sign * (values_[a] - values_[0]) + ONE_SIDED * se < -margin - 1e-12:
                    found[name].append(f"{attribute}={level}")
    return found
