"""An arm's predictions as the arrays that evidence asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from medgraft.report.read import Run
from medgraft.trial.attributes import PREFIX

CLASSES = ("binary", "multiclass", "ordinal")


@dataclass(frozen=True)
class Arrays:
    """What one arm predicted at the headline budget, a row for each test row and repeat.

    Attributes
    ----------
    name : str
    y : (n,) or (n, L) array
        Class codes, values, or labels; of outlines zeros.
    p : (n, K) or (n,) array
        Probabilities, values; of outlines the metric of each.
    group, repeat, fold : (n,) array
        As in `medgraft.evidence.interval`.
    by : dict of str to (n,) array
        The protected attributes, and the site where several are tested.
    """

    name: str
    y: np.ndarray
    p: np.ndarray
    group: np.ndarray
    repeat: np.ndarray
    fold: np.ndarray
    by: dict[str, np.ndarray]

    @property
    def where(self) -> dict[str, Any]:
        """The arguments `group`, `repeat` and `fold`."""
        return {"group": self.group, "repeat": self.repeat, "fold": self.fold}

    def first(self) -> Arrays:
        """Return the first repeat alone, in which each row is tested once."""
        keep = self.repeat == self.repeat.min()
        return Arrays(
            self.name,
            self.y[keep],
            self.p[keep],
            self.group[keep],
            self.repeat[keep],
            self.fold[keep],
            {k: v[keep] for k, v in self.by.items()},
        )


def arrays(run: Run, name: str) -> Arrays | None:
    """Return the predictions of an arm in the order of repeats, folds and rows; None where there are none."""
    table, metric = run.predictions, run.result["metric"]
    if table is None:
        return None
    table = table[table["arm"] == name]
    needed = {"group", "repeat", "fold"}
    if table.empty or not needed <= set(table.columns):
        return None
    table = table.sort_values(["repeat", "fold", "row"], kind="stable")
    several = [c for c in table.columns if c.startswith("y_true_")]
    shown = [c for c in table.columns if c == "value" or c.startswith("p_")]
    y: Any
    p: Any
    if metric in table:
        y, p = np.zeros(len(table)), table[metric].to_numpy(dtype=float)
    elif not shown:
        return None
    else:
        y = table[several].to_numpy() if several else table["y_true"].to_numpy()
        p = table[shown].to_numpy(dtype=float)
        p = p[:, 0] if shown == ["value"] else p
    group, repeat, fold = (table[c].to_numpy() for c in ("group", "repeat", "fold"))
    return Arrays(name, y, p, group, repeat, fold, _attributes(table))


def _attributes(table: pd.DataFrame) -> dict[str, np.ndarray]:
    named = [c for c in map(str, table.columns) if c.startswith(PREFIX)]
    found = {c.removeprefix(PREFIX): table[c].to_numpy(dtype=str) for c in named}
    if "domain" in table and table["domain"].nunique() > 1:
        found["site"] = table["domain"].to_numpy(dtype=str)
    return {k: v for k, v in found.items() if len(np.unique(v)) > 1}


def folds_of_patients(group: np.ndarray, fold: np.ndarray, parts: int = 5) -> np.ndarray:
    """Return the folds, or where there is one only, patients dealt into parts by their number.

    Examples
    --------
    >>> folds_of_patients(np.array([0, 0, 1, 2]), np.zeros(4), parts=2).tolist()
    [0, 0, 1, 0]
    """
    if len(np.unique(fold)) > 1:
        return fold
    return np.asarray(np.unique(group, return_inverse=True)[1] % parts)
