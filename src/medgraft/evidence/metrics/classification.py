"""Metrics that look at decisions or probabilities, row by row."""

from __future__ import annotations

import numpy as np

from medgraft.evidence.metrics.base import CLASSES, Floats, Ints, metric, share, weighted_mean


def one_hot(codes: Floats | Ints, k: int) -> Floats:
    """Return the (n, k) indicator of each code."""
    return (np.asarray(codes)[:, None] == np.arange(k)).astype(float)


def decisions(y: Floats, p: Floats, block: Ints) -> Floats:
    """Return the indicator (n, K) of the most probable class; the first of equals."""
    return one_hot(p.argmax(axis=1), p.shape[1])


def right(y: Floats, p: Floats, block: Ints) -> Floats:
    """Return whether the most probable class is the row's, (n, 1)."""
    return (p.argmax(axis=1) == y).astype(float)[:, None]


def probabilities(y: Floats, p: Floats, block: Ints) -> Floats:
    """Return the probabilities as they are."""
    return p


@metric(
    "accuracy",
    tasks=CLASSES,
    better="higher",
    label="Accuracy",
    view=right,
    bounded=True,
    meaning="The share of patients whose most probable class is the right one.",
)
def accuracy(y: Floats, p: Floats, w: Floats, block: Ints) -> Floats:
    r"""Share of rows whose most probable class is the true one.

    .. math:: \sum_i w_i [\arg\max_k p_{ik} = y_i] / \sum_i w_i
    """
    return weighted_mean((p.argmax(axis=1) == y).astype(float), w)


@metric(
    "balanced_accuracy",
    tasks=CLASSES,
    better="higher",
    label="Balanced accuracy",
    view=right,
    by_class=True,
    bounded=True,
    meaning=(
        "The share of patients recognised, worked out for each class and then averaged, so that a "
        "rare class counts as much as a common one."
    ),
)
def balanced_accuracy(y: Floats, p: Floats, w: Floats, block: Ints) -> Floats:
    r"""Mean over the classes of the share of their rows that are recognised.

    .. math:: \frac1K \sum_k \frac{\sum_{i: y_i = k} w_i [\hat y_i = k]}{\sum_{i: y_i = k} w_i}

    The classes are those among `y`; nan when only one is, or when one of them has no weight.
    """
    present = np.unique(y).astype(int)
    if len(present) < 2:
        return np.full(len(w), np.nan)
    truth = one_hot(y, p.shape[1])[:, present]
    hits = truth * (p.argmax(axis=1) == y)[:, None]
    return share(w @ hits, w @ truth).mean(axis=1)


@metric(
    "f1",
    tasks=CLASSES,
    better="higher",
    label="F1",
    view=decisions,
    by_class=True,
    bounded=True,
    meaning=(
        "A balance of how many cases are found and how many alarms are true: 1 is perfect, 0 is useless."
    ),
)
def f1(y: Floats, p: Floats, w: Floats, block: Ints) -> Floats:
    r"""Harmonic mean of precision and recall: of the event when binary, else the mean over classes.

    .. math:: F_k = 2\,TP_k / (2\,TP_k + FP_k + FN_k)

    The classes are those among `y`; nan when one of them (the event, if binary) has no weight.
    """
    k = p.shape[1]
    chosen = np.array([1]) if k == 2 else np.unique(y).astype(int)
    truth, guess = one_hot(y, k)[:, chosen], one_hot(p.argmax(axis=1), k)[:, chosen]
    total = w @ truth
    score = share(2 * (w @ (truth * guess)), total + w @ guess)
    return np.where(total > 0, score, np.nan).mean(axis=1)


@metric(
    "brier",
    tasks=CLASSES,
    better="lower",
    label="Brier score",
    view=probabilities,
    meaning="The mean squared distance of the predicted probabilities from what happened: 0 is perfect.",
)
def brier(y: Floats, p: Floats, w: Floats, block: Ints) -> Floats:
    r"""Mean squared distance of the probabilities from what happened.

    .. math:: \sum_i w_i \sum_k (p_{ik} - [y_i = k])^2 / \sum_i w_i

    Halved for two classes, which makes it the squared error of the event's probability (0 to 1).
    """
    loss = ((p - one_hot(y, p.shape[1])) ** 2).sum(axis=1)
    return weighted_mean(loss / 2 if p.shape[1] == 2 else loss, w)


@metric(
    "log_loss",
    tasks=CLASSES,
    better="lower",
    label="Log loss",
    view=probabilities,
    meaning="How surprised the model is by what happened: 0 is perfect, and bold mistakes cost most.",
)
def log_loss(y: Floats, p: Floats, w: Floats, block: Ints) -> Floats:
    r"""Mean surprise at the true class, in nats.

    .. math:: -\sum_i w_i \log p_{i y_i} / \sum_i w_i

    Probabilities are kept a machine epsilon away from 0 and 1, so that one error costs 36 nats, not all.
    """
    eps = np.finfo(float).eps
    own = p[np.arange(len(y)), np.asarray(y, dtype=int)]
    return weighted_mean(-np.log(np.clip(own, eps, 1 - eps)), w)
