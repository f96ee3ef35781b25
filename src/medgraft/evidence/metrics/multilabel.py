"""Metrics of several labels at once: `y` is (n, L) of 0 and 1, NaN where unknown; `p` (n, L) probabilities.

What is unknown is left out, label by label.
"""

from __future__ import annotations

import numpy as np

from medgraft.evidence.metrics.base import LABELS, Floats, Ints, metric, share
from medgraft.evidence.metrics.ranking import PairsFn, concordance, precision, strata


def wrong(y: Floats, p: Floats, block: Ints) -> Floats:
    """Return of how many known labels each row is wrong, (n, 1): told from a probability of one half on."""
    return (((p >= 0.5) != (y == 1)) & ~np.isnan(y)).sum(axis=1, dtype=float)[:, None]


def all_right(y: Floats, p: Floats, block: Ints) -> Floats:
    """Return whether a row's known labels are all right, (n, 1)."""
    return (wrong(y, p, block) == 0).astype(float)


def label_ranks(y: Floats, p: Floats, block: Ints) -> Floats:
    """Return each row's rank within the rows that it is compared with, (n, L); 0 where it is unknown."""
    out = np.zeros(p.shape)
    for label in range(y.shape[1]):
        for rows in _known_strata(y[:, label], block):
            out[rows, label] = np.unique(p[rows, label], return_inverse=True)[1]
    return out


def all_ranks(y: Floats, p: Floats, block: Ints) -> Floats:
    """Return the rank of each probability among all of its block, (n, L)."""
    out = np.zeros(p.shape)
    for b in np.unique(block):
        rows = block == b
        out[rows] = np.unique(p[rows], return_inverse=True)[1].reshape(p[rows].shape)
    return np.where(np.isnan(y), 0.0, out)


def _known_strata(y: Floats, block: Ints) -> list[Ints]:
    known = np.flatnonzero(~np.isnan(y))
    return [known[rows] for rows in strata(y[known] == 1, block[known])]


def _by_label(pairs: PairsFn, y: Floats, p: Floats, w: Floats, block: Ints) -> Floats:
    """Mean over the labels of a metric of order; labels that all known rows have, or none, are left out."""
    wt, values = w.T, []
    for label in range(y.shape[1]):
        parts = _known_strata(y[:, label], block)
        top, bottom = np.zeros(len(w)), np.zeros(len(w))
        for rows in parts:
            a, b = pairs(y[:, label] == 1, np.ascontiguousarray(p[:, label]), wt, rows)
            top += a
            bottom += b
        if parts:
            values.append(share(top, bottom))
    return np.asarray(np.mean(values, axis=0)) if values else np.full(len(w), np.nan)


@metric(
    "macro_auroc",
    tasks=LABELS,
    better="higher",
    label="Macro AUROC",
    view=label_ranks,
    by_class=True,
    bounded=True,
    meaning=(
        "The area under the ROC curve of each label, averaged over the labels, so that a rare one "
        "counts as much as a common one; 1 is perfect, 0.5 is a coin toss."
    ),
)
def macro_auroc(y: Floats, p: Floats, w: Floats, block: Ints) -> Floats:
    """AUROC of each label, as in `auroc`, averaged over the labels; a rare label counts as much as another.

    A label that all known rows have, or none, is left out; nan where a label lacks one kind in the weights.
    """
    return _by_label(concordance, y, p, w, block)


@metric(
    "macro_auprc",
    tasks=LABELS,
    better="higher",
    label="Macro AUPRC",
    view=label_ranks,
    by_class=True,
    bounded=True,
    meaning=(
        "The area under the precision-recall curve of each label, averaged over the labels; a useless"
        " model scores the share of patients with a label."
    ),
)
def macro_auprc(y: Floats, p: Floats, w: Floats, block: Ints) -> Floats:
    """Average precision of each label, as in `auprc`, averaged over the labels."""
    return _by_label(precision, y, p, w, block)


@metric(
    "micro_auprc",
    tasks=LABELS,
    better="higher",
    label="Micro AUPRC",
    view=all_ranks,
    bounded=True,
    meaning=(
        "The area under the precision-recall curve of all pairs of a patient and a label taken "
        "together, so that common labels count for more."
    ),
)
def micro_auprc(y: Floats, p: Floats, w: Floats, block: Ints) -> Floats:
    """Average precision of all pairs of a row and a label, ranked together within their block.

    Common labels count for more, and probabilities of different labels are compared with each other.
    """
    known = np.flatnonzero(~np.isnan(y).ravel())
    of = known // y.shape[1]
    truth, score = y.ravel()[known] == 1, p.ravel()[known]
    top, bottom = np.zeros(len(w)), np.zeros(len(w))
    wt = w.T[of]
    for rows in strata(truth, block[of]):
        a, b = precision(truth, score, wt, rows)
        top += a
        bottom += b
    return share(top, bottom)


@metric(
    "subset_accuracy",
    tasks=LABELS,
    better="higher",
    label="Subset accuracy",
    view=all_right,
    bounded=True,
    meaning="The share of patients all of whose labels are right, at a probability of one half.",
)
def subset_accuracy(y: Floats, p: Floats, w: Floats, block: Ints) -> Floats:
    """Share of rows whose known labels are all right, at a probability of one half."""
    return share(w @ all_right(y, p, block)[:, 0], w.sum(axis=1))


@metric(
    "hamming_loss",
    tasks=LABELS,
    better="lower",
    label="Hamming loss",
    view=wrong,
    meaning="The share of labels that are wrong, at a probability of one half: 0 is perfect.",
)
def hamming_loss(y: Floats, p: Floats, w: Floats, block: Ints) -> Floats:
    """Share of known labels that are wrong, at a probability of one half."""
    known = ~np.isnan(y)
    return share(w @ wrong(y, p, block)[:, 0], w @ known.sum(axis=1).astype(float))
