"""Predicted masks, measured sample by sample: what a trial keeps of a segmentation is figures, not masks."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from medgraft.base import MedgraftError
from medgraft.cohort.media import open_sample
from medgraft.cohort.segmentation import check_mask
from medgraft.evidence.metrics.overlap import dice, hd95, iou

if TYPE_CHECKING:
    from medgraft.cohort import Split
    from medgraft.trial.tasks import TrainingData

# What a network says of itself that a plan tells.
PLANNED = ("load", "adapt", "freeze", "learning_rates", "batchnorm", "augmentation")
MEASURES = ("dice", "iou", "hd95")  # of a sample: means over the classes that either mask has
MISSED = "missed"  # classes that are in one of the two masks only
_PROBED = 8  # rows whose epoch tells what an epoch costs
EMPTY = "empty"  # 1: the true mask holds nothing


def columns(values: Sequence[int]) -> list[str]:
    """Return the names of the figures of a sample.

    Parameters
    ----------
    values : sequence of int
        Values of the masks, with 0 for the background.

    Examples
    --------
    >>> columns([0, 1, 4])[:6]
    ['dice', 'iou', 'hd95', 'missed', 'empty', 'dice_1']
    """
    return [*MEASURES, MISSED, EMPTY, *(f"{measure}_{v}" for measure in MEASURES for v in values if v)]


def measure(
    truth: NDArray[Any], found: NDArray[Any], values: Sequence[int], spacing: float | tuple[float, ...]
) -> NDArray[np.float64]:
    """Return the figures of one predicted mask, as `columns` names them.

    A class that neither mask has says nothing of how well the others were outlined: it is left out of the
    means, unless both masks hold nothing at all, which is right (Dice 1).
    """
    classes = [v for v in values if v]
    each = [dice(truth, found, classes), iou(truth, found, classes), hd95(truth, found, classes, spacing)]
    known, drawn = (np.array([(mask == v).any() for v in classes]) for mask in (truth, found))
    counted = known | drawn if (known | drawn).any() else np.ones(len(classes), bool)
    means = [part[counted].mean() for part in each]
    return np.concatenate([means, [(known != drawn).sum(), not known.any()], *each])


def outlined(estimator: Any, X: pd.DataFrame, masks: Sequence[str]) -> Iterator[tuple[Any, Any, Any]]:
    """Yield (true mask, predicted mask, spacing) of one row after the other, so that one is in memory.

    The spacing is that of a volume, in mm, and 1 for images.

    Raises
    ------
    MedgraftError
        A mask differs in size from its sample.
    """
    kind = str(X.columns[0])
    for i, text in enumerate(masks):
        (found,) = estimator.predict(X.iloc[[i]])
        truth: NDArray[np.int64] = open_sample("mask", text)  # type: ignore[assignment]
        check_mask(truth, found.shape, text)
        spacing: Any = 1.0
        if kind == "volume":
            spacing = open_sample("volume", str(X[kind].iloc[i])).spacing  # type: ignore[attr-defined]
        yield truth, found, spacing


def figures(
    estimator: Any,
    X: pd.DataFrame,
    masks: Sequence[str],
    values: Sequence[int],
    keep: list[NDArray[Any]] | None = None,
) -> NDArray[np.float64]:
    """Return the figures of an arm on rows, (n, m), as `columns` names them.

    Parameters
    ----------
    estimator : estimator
        Fitted; its ``predict`` gives masks.
    X : DataFrame (n, 1)
    masks : sequence of str
        References to the true masks.
    values : sequence of int
    keep : list, optional
        Takes the predicted masks.
    """
    rows = []
    for truth, found, spacing in outlined(estimator, X, masks):
        rows.append(measure(truth, found, values, spacing))
        if keep is not None:
            keep.append(found.astype(np.uint16))
    return np.array(rows).reshape(len(rows), len(columns(values)))


def notes(part: pd.DataFrame) -> list[str]:
    """Return what is to be known of an arm's figures: where a class was missed, or drawn where none is."""
    if MISSED not in part:
        return []
    said, rows = [], part.groupby("row")[["dice", MISSED, EMPTY]].mean()
    if n := int((rows[MISSED] > 0).sum()):
        said.append(
            f"On {n} of {len(rows)} samples a class is in one mask only, the true or the predicted one: Dice "
            "and IoU of that class are 0, and its HD95 is the diagonal of the sample."
        )
    empty = rows[EMPTY] > 0
    if m := int(empty.sum()):
        drawn = int((rows.loc[empty, "dice"] < 1).sum())
        rest = "." if m == len(rows) else f"; on the others Dice is {rows.loc[~empty, 'dice'].mean():.3f}."
        said.append(
            f"{m} of {len(rows)} true masks hold nothing, so that drawing nothing anywhere would have a mean "
            f"Dice of {m / len(rows):.3f}. Something was drawn on {drawn} of them{rest}"
        )
    return said


def probe(estimator: Any, data: TrainingData, split: Split) -> tuple[float, dict[str, Any]]:
    """Return the CPU seconds of a fit and its predictions, by one epoch on some rows; and what freezes.

    Early stopping may make a fit cheaper, and what is done once in a fit is counted once an epoch: it is an
    upper bound, more or less.
    """
    epochs = estimator.get_params(deep=False).get("epochs", 1)
    once = clone(estimator).set_params(epochs=1) if epochs > 1 else estimator
    fitted, seconds, n = _one_epoch(once, data, split)
    between = time.process_time()
    some = data.X.iloc[split.test[:2]]
    fitted.predict(some)
    each = (time.process_time() - between) / len(some)
    said = getattr(fitted, "report_", {})
    facts = {key: said[key] for key in PLANNED if key in said}
    if isinstance(facts.get("load"), dict):
        facts["load"] = facts["load"]["sentence"]
    return epochs * seconds * len(split.labelled) / n + each * len(split.test), facts


def _one_epoch(estimator: Any, data: TrainingData, split: Split) -> tuple[Any, float, int]:
    """Fit on some rows, or on all where the masks of those hold nothing; return CPU seconds and rows, too."""
    from medgraft.trial.tasks import fit

    before = time.process_time()
    few = replace(split, labelled=split.labelled[:_PROBED])
    try:
        return fit(estimator, data, few), time.process_time() - before, len(few.labelled)
    except MedgraftError:
        if len(few.labelled) == len(split.labelled):
            raise
        before = time.process_time()
        return fit(estimator, data, split), time.process_time() - before, len(split.labelled)
