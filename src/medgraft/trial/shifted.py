"""How unlike source and target are: measured once a trial, told beside harm or benefit, used by no arm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from medgraft.evidence.shift import FEWEST, shift
from medgraft.methods.encode import TableEncoder
from medgraft.methods.finetune.features import BackboneFeatures

if TYPE_CHECKING:
    from medgraft.trial.trial import Trial

_MOST_COLUMNS = 2000  # of omics the first so many: the classifier must stay a matter of seconds


def source_shift(trial: Trial) -> dict[str, Any] | None:
    """Return the shift between source and target rows, and its sentences.

    None where there is no source, fewer than ten patients on a side, or nothing to measure it by: of images
    and volumes the features of the trial's network, which its audit has computed already.
    """
    d, data = trial.design, trial.design.data
    if d.target is None or data.domains is None or d.kind == "time-ordered":
        return None
    own = data.domains == d.target
    sides = [np.flatnonzero(~own), np.flatnonzero(own)]
    if min(len(np.unique(data.groups[rows])) for rows in sides) < FEWEST:
        return None
    if data.kind == "table":
        X = TableEncoder().fit_transform(data.X.iloc[:, :_MOST_COLUMNS])
    elif trial.bench.views is not None:
        X = TableEncoder().fit_transform(trial.bench.views.transform(data.X).iloc[:, :_MOST_COLUMNS])
    elif data.kind == "image" and trial.network is not None:
        X = BackboneFeatures(trial.network, device=trial.bench.device).transform(data.X)
    else:
        return None
    y: list[Any] = [None, None]
    if trial.task in ("binary", "multiclass", "ordinal", "regression"):
        names = data.y if data.classes is None else np.array(data.classes)[data.y]
        y = [names[rows] for rows in sides]
    s, t = sides
    who = data.groups
    found = shift(X[s], X[t], *y, group_source=who[s], group_target=who[t], seed=d.seed)
    return {**found.to_dict(), "sentences": found.sentences()}
