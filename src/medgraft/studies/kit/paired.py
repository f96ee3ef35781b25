"""Two arms of one trial, paired on the same test rows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from medgraft.evidence import Comparison, compare
from medgraft.evidence.metrics import metrics
from medgraft.trial.assemble import scores

if TYPE_CHECKING:
    from medgraft.trial import Result

_SOURCE = re.compile(r"[:,]source=([^,+]+)")


def paired(result: Result, method: str, other: str, seed: int = 0) -> Comparison:
    """Return what one arm of a trial differs from another: by patient, on the rows that both were tested on.

    Parameters
    ----------
    result : Result
    method, other : str
        Names of arms.
    seed : int
        Of the bootstrap.
    """
    name = str(result.data["metric"])
    frame = result.predictions
    frame = frame[frame["budget"] == result.data["budget"]]
    one, two = (frame[frame["arm"] == arm] for arm in (method, other))
    (y, p), (_, q) = scores(one, name), scores(two, name)
    where = {column: one[column].to_numpy() for column in ("group", "repeat", "fold")}
    return compare(metrics[name], y, p, q, **where, seed=seed)


def probe_of(arms: Sequence[str], method: str) -> str | None:
    """Return the linear probe that a method is to be seen beside: of its own network.

    Parameters
    ----------
    arms : sequence of str
    method : str
        None is returned where it is one itself, or there is none. Where it names no network, the first.

    Examples
    --------
    >>> arms = ["linear-probe:source=a", "linear-probe:source=b", "finetune:source=b,epochs=3"]
    >>> probe_of(arms, "finetune:source=b,epochs=3")
    'linear-probe:source=b'
    """
    plain = [arm for arm in arms if arm.startswith("linear-probe") and "+" not in arm]
    if not plain or method in plain:
        return None
    used = _SOURCE.findall(method)
    return next((arm for arm in plain if not used or _SOURCE.findall(arm) == used), None)


def beside_probe(result: Result, method: str, seed: int = 0) -> dict[str, Any] | None:
    """Return what a method gains over its linear probe, as an account keeps it.

    To beat a network from random weights on few patients is easy; to beat a linear model on frozen features
    is not.

    Parameters
    ----------
    result : Result
    method : str
    seed : int
    """
    name = probe_of([a["name"] for a in result.arms], method)
    if name is None:
        return None
    gap = paired(result, method, name, seed)
    return {"name": name, "difference": gap.difference, "ci": [gap.lo, gap.hi], "verdict": gap.verdict}
