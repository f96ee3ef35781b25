"""How right the answers of a trial's arms are when the least sure ones are left to a human."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medgraft.evidence import Interval
from medgraft.evidence.abstain import risk_coverage
from medgraft.evidence.fairness.mover import mover
from medgraft.studies.kit.run import Run

if TYPE_CHECKING:
    import pandas as pd


def right_by_sureness(predictions: pd.DataFrame, arm: str, seed: int = 0) -> Interval:
    r"""Return the share of right answers, averaged over all shares of rows that may be answered.

    With rows in order of their largest probability it is :math:`1 - \mathrm{AURC}` of the loss 0 or 1; see
    `medgraft.evidence.abstain.risk_coverage`.

    Parameters
    ----------
    predictions : DataFrame
        Of a result, for classes.
    arm : str
    seed : int
    """
    own = predictions[predictions["arm"] == arm]
    P = own[[c for c in own if str(c).startswith("p_")]].to_numpy()
    wrong = (P.argmax(axis=1) != own["y_true"].to_numpy()).astype(float)
    area = risk_coverage(wrong, 1 - P.max(axis=1), group=own["group"].to_numpy(), seed=seed).aurc
    return Interval(1 - area.value, 1 - area.hi, 1 - area.lo)


def answered(run: Run, title: str, predictions: pd.DataFrame, method: str, control: str) -> None:
    """Record `right_by_sureness` of two arms; the interval takes them for independent, and is too wide.

    Parameters
    ----------
    run : Run
    title : str
    predictions : DataFrame
    method, control : str
        Arms.
    """
    found = {arm: right_by_sureness(predictions, arm, run.seed) for arm in (method, control)}
    gap = mover(found[method], found[control])
    run.record(
        title,
        "accuracy over coverage",
        found,
        method=method,
        control=control,
        difference=gap,
        n=int(predictions["group"].nunique()),
        unit="patients" if run.honest else "images",
    )
