"""Calibration curves from the predictions of a run, for results that do not hold them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from medgraft.evidence import reliability


def from_predictions(table: pd.DataFrame, task: str) -> dict[str, Any]:
    """Return the calibration of every arm.

    Parameters
    ----------
    table : DataFrame
        Predictions at one label budget.
    task : {"binary", "multiclass", "regression"}

    Returns
    -------
    dict
        By arm, in the form of :func:`medgraft.evidence.reliability`.
    """
    out = {}
    for arm, part in table.groupby("arm", sort=False, observed=True):
        true = [c for c in part.columns if c == "y_true" or c.startswith("y_true_")]
        y = part[true].to_numpy() if len(true) > 1 else part["y_true"].to_numpy()
        who = part["group"].to_numpy() if "group" in part else part["row"].to_numpy()
        if task == "regression":
            out[str(arm)] = means(y.astype(float), part["value"].to_numpy(dtype=float), who)
        else:
            columns = [c for c in part.columns if c.startswith("p_")]
            p = part[columns].to_numpy(dtype=float)
            if task == "multilabel":
                known = ~np.isnan(y)
                out[str(arm)] = reliability(
                    y[known].astype(int), p[known], group=np.broadcast_to(who[:, None], y.shape)[known]
                )
                continue
            out[str(arm)] = reliability(y, p, group=who)
    return out


def means(y: np.ndarray, p: np.ndarray, group: np.ndarray, bins: int = 10) -> dict[str, Any]:
    """Return mean label against mean prediction in bins of equal numbers of rows.

    The interval is mean ± 1.96 standard errors over patients (their rows averaged first); a bin of a single
    patient has none.

    Examples
    --------
    >>> y = np.array([1.0, 3.0, 5.0, 7.0])
    >>> [b["observed"] for b in means(y, y, np.arange(4), bins=2)["bins"]]
    [2.0, 6.0]
    """
    order = np.argsort(p, kind="stable")
    points = []
    for rows in np.array_split(order, min(bins, len(order))):
        frame = pd.DataFrame({"y": y[rows], "p": p[rows], "who": group[rows]})
        each = frame.groupby("who")["y"].mean()
        middle = float(frame["y"].mean())
        half = 1.96 * float(each.std(ddof=1)) / np.sqrt(len(each)) if len(each) > 1 else float("nan")
        points.append(
            {
                "n": len(rows),
                "patients": len(each),
                "predicted": float(frame["p"].mean()),
                "observed": middle,
                "lo": middle - half,
                "hi": middle + half,
            }
        )
    return {"bins": points, "n": len(y), "of": "value"}
