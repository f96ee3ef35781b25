"""Nonconformity of every class: how badly it fits the probabilities."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
from scipy.stats import rankdata

from medgraft.base import MedgraftError, did_you_mean
from medgraft.evidence.metrics.base import Floats

Kind: TypeAlias = Literal["lac", "aps", "raps"]
KINDS = ("lac", "aps", "raps")


def class_scores(p: Floats, kind: str, penalty: float = 0.1, free: int = 1) -> Floats:
    r"""Return the score of every class in every row, (n, K): the higher, the less it fits.

    "lac": :math:`1 - p_k`. "aps": the probability of all classes that are more probable, and half of its own,
    :math:`a_k = \sum_j p_j \, ([p_j > p_k] + \frac12 [p_j = p_k])`. "raps":
    :math:`a_k + \lambda (o_k - f)_+`, with :math:`o_k` the number of classes at least as probable,
    :math:`\lambda` the `penalty`, f of them `free`.

    The half is the mean of the random share of the papers: nothing is random here, so that the same patient
    has the same set tomorrow. With all of its own the least probable class would score 1 in every row, and
    such ties make sets of everything.

    Examples
    --------
    >>> class_scores(np.array([[0.5, 0.375, 0.125]]), "aps").tolist()
    [[0.25, 0.6875, 0.9375]]
    """
    if kind == "lac":
        return 1 - p
    if kind not in KINDS:
        hint = did_you_mean(kind, KINDS) or f" Use one of {', '.join(KINDS)}."
        raise MedgraftError(f"There is no conformal score '{kind}'.{hint}")
    first, last = (rankdata(-p, method=end, axis=1).astype(np.int64) for end in ("min", "max"))
    total = np.cumsum(-np.sort(-p, axis=1), axis=1)
    total = np.concatenate([np.zeros((len(p), 1)), total], axis=1)
    scores = (np.take_along_axis(total, first - 1, axis=1) + np.take_along_axis(total, last, axis=1)) / 2
    return scores + penalty * np.maximum(last - free, 0) if kind == "raps" else scores
