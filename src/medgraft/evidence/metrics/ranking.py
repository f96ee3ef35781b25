"""Metrics that look at order only: is a patient with the event scored above one without?

Rows are compared only within their block. Scores of different fitted models need not share a scale: pooling
the folds of a cross-validation before ranking biases the AUROC (Airola et al. 2011,
doi:10.1016/j.csda.2010.11.018). Blocks count by their number of (weighted) pairs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from medgraft.evidence.metrics.base import CLASSES, Floats, Ints, metric, share

Bools: TypeAlias = NDArray[np.bool_]
PairsFn: TypeAlias = Callable[[Bools, Floats, Floats, Ints], tuple[Floats, Floats]]


def strata(positive: Bools, block: Ints) -> list[Ints]:
    """Return the row numbers of every block that holds both kinds; of all rows if no block does.

    Decided by the rows, never by the weights, so that every resample estimates the same quantity. Empty when
    all rows are of one kind.
    """
    both = [
        rows for b in np.unique(block) if 0 < positive[rows := np.flatnonzero(block == b)].sum() < len(rows)
    ]
    if both:
        return both
    return [np.arange(len(positive))] if 0 < positive.sum() < len(positive) else []


def _classes(y: Floats, p: Floats) -> list[int]:
    """Classes whose order is judged: the event when binary, else each class against the rest."""
    return [1] if p.shape[1] == 2 else [int(k) for k in np.unique(y)]


def ranks(y: Floats, p: Floats, block: Ints) -> Floats:
    """Return each row's rank among the rows it is compared with, (n, classes judged)."""
    out = np.zeros((len(y), p.shape[1]))
    for k in _classes(y, p):
        for rows in strata(y == k, block):
            out[rows, k] = np.unique(p[rows, k], return_inverse=True)[1]
    return out


def concordance(positive: Bools, score: Floats, wt: Floats, rows: Ints) -> tuple[Floats, Floats]:
    """Return the weights of the pairs in the right order (ties half) and of all pairs; `wt` is (n, B)."""
    pos, neg = rows[positive[rows]], rows[~positive[rows]]
    neg = neg[np.argsort(score[neg], kind="stable")]
    below = np.zeros((len(neg) + 1, wt.shape[1]))
    np.cumsum(wt[neg], axis=0, out=below[1:])
    first = np.searchsorted(score[neg], score[pos], side="left")
    last = np.searchsorted(score[neg], score[pos], side="right")
    mine = wt[pos]
    beaten = below[first]
    beaten += below[last]
    return np.einsum("ib,ib->b", mine, beaten) / 2, mine.sum(axis=0) * below[-1]


def precision(positive: Bools, score: Floats, wt: Floats, rows: Ints) -> tuple[Floats, Floats]:
    """Return average precision times pairs, and pairs; `wt` is (n, B)."""
    order = rows[np.argsort(-score[rows], kind="stable")]
    ends = np.append(np.flatnonzero(np.diff(score[order])), len(order) - 1)  # one threshold per tie
    weight = wt[order]
    total = np.cumsum(weight, axis=0)[ends]
    weight *= positive[order, None]
    hits = np.cumsum(weight, axis=0)[ends]
    gained = np.diff(hits, axis=0, prepend=0.0)
    precision = np.divide(hits, total, out=np.zeros_like(hits), where=total > 0)
    negatives = total[-1] - hits[-1]
    return negatives * np.einsum("ib,ib->b", gained, precision), negatives * hits[-1]


def _by_block(
    pairs: PairsFn,
    y: Floats,
    p: Floats,
    w: Floats,
    block: Ints,
) -> Floats:
    wt = w.T  # (n, B): taking rows is then a plain copy
    values = []
    for k in _classes(y, p):
        score, positive = np.ascontiguousarray(p[:, k]), np.asarray(y == k)
        top, bottom = np.zeros(len(w)), np.zeros(len(w))
        for rows in strata(positive, block):
            a, b = pairs(positive, score, wt, rows)
            top += a
            bottom += b
        values.append(share(top, bottom))
    return np.asarray(np.mean(values, axis=0))


@metric(
    "auroc",
    tasks=CLASSES,
    better="higher",
    label="AUROC",
    view=ranks,
    by_class=True,
    bounded=True,
    meaning=(
        "Area under the ROC curve: the chance that a patient with the event gets a higher score than "
        "a patient without it; 1 is perfect, 0.5 is a coin toss."
    ),
)
def auroc(y: Floats, p: Floats, w: Floats, block: Ints) -> Floats:
    r"""Probability that a row with the event is scored above one without, ties counting half.

    .. math:: \frac{\sum_b \sum_{i \in +_b, j \in -_b} w_i w_j ([s_i > s_j] + \frac12 [s_i = s_j])}
                   {\sum_b \sum_{i \in +_b, j \in -_b} w_i w_j}

    over the blocks b that hold both classes; over all rows at once when no block does (leave-one-out). For
    several classes, the mean over one-against-the-rest. nan without a pair. Cost O(n log n + n B).
    """
    return _by_block(concordance, y, p, w, block)


@metric(
    "auprc",
    tasks=CLASSES,
    better="higher",
    label="AUPRC",
    view=ranks,
    by_class=True,
    bounded=True,
    meaning=(
        "Area under the precision-recall curve: of the patients flagged, the share who have the "
        "event, averaged over all thresholds; 1 is perfect, a useless model scores the share with the"
        " event."
    ),
)
def auprc(y: Floats, p: Floats, w: Floats, block: Ints) -> Floats:
    r"""Average precision: the mean, over rows with the event, of the precision at their score.

    .. math:: AP_b = \sum_t (R_t - R_{t-1})\, P_t, \qquad \sum_b \pi_b AP_b / \sum_b \pi_b

    with recall R and precision P at each distinct score t, and the pairs of a block \pi_b as its weight.
    Blocks, several classes and nan as in `auroc`. Chance level is the share of events. Cost O(n log n + n B).
    """
    return _by_block(precision, y, p, w, block)
