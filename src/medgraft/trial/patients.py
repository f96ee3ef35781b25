"""Slices to patients, windows to subjects: the predictions of a patient's rows are joined before scoring."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from medgraft.base import MedgraftError
from medgraft.evidence.aggregate import aggregate, aggregate_labels, check_how

if TYPE_CHECKING:
    from medgraft.trial.design import Design

WHERE = ["arm", "budget", "repeat", "fold"]  # within these a patient is predicted by one model


def joined(design: Design, how: str | None) -> Design:
    """Return the design with its way to aggregate; refuse what cannot be, before anything is fitted.

    Raises
    ------
    MedgraftError
        There is no such way, no column of patients, or patients have rows with different labels.
    """
    if how is None:
        return design
    check_how(how, design.data.task)
    if design.data.group is None:
        raise MedgraftError(
            f"--aggregate {how} joins the rows of a patient: say with --group which column names patients."
        )
    if design.kind == "time-ordered":
        raise MedgraftError(
            "--aggregate has no place in --folds time, where each record of a patient is forecast by itself."
        )
    domains = design.data.domains
    # All rows of the target, not only those tested: the guard compares arms on the others.
    own = np.flatnonzero(np.ones(design.data.n, bool) if design.target is None else domains == design.target)
    aggregate_labels(design.data.y[own], design.data.groups[own], how)
    return replace(design, aggregate=how)


def by_patient(frame: pd.DataFrame, how: str) -> pd.DataFrame:
    """Return predictions with one row for each patient that an arm predicted in a fold.

    Parameters
    ----------
    frame : DataFrame
        As ``predictions.parquet``, a row for each sample.
    how : str
        See `medgraft.evidence.aggregate`.

    Returns
    -------
    DataFrame
        With the same columns: ``row`` is the first of the patient's rows, and ``rows`` tells how many there
        are.
    """
    shown = [c for c in frame.columns if c == "value" or c.startswith("p_")]
    true = [c for c in frame.columns if c == "y_true" or c.startswith("y_true_")]
    labels = "y_true" not in true
    parts = []
    for _, part in frame.groupby(WHERE, sort=False, observed=True):
        part = part.sort_values("row", kind="stable")
        group = part["group"].to_numpy()
        p = part[shown].to_numpy(dtype=float)
        p = aggregate(p[:, 0] if shown == ["value"] else p, group, how, labels=labels)
        y = part[true].to_numpy() if labels else part["y_true"].to_numpy()
        y, rows = aggregate_labels(y, group, how)
        first = np.unique(group, return_index=True)[1]
        joined = part.iloc[first].copy()
        joined[shown], joined[true] = p.reshape(len(first), -1), y.reshape(len(first), -1)
        joined["rows"] = rows
        parts.append(joined.sort_values("row", kind="stable"))
    return pd.concat(parts, ignore_index=True).astype({c: frame[c].dtype for c in true})


def aggregated(how: str | None, part: pd.DataFrame) -> dict[str, Any]:
    """Return what a result says of the aggregation: the way, and how many samples it joined."""
    if how is None:
        return {}
    return {"aggregate": {"how": how, "rows": int(part.drop_duplicates("row")["rows"].sum())}}
