"""What a metric is, and the registry of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError, Registry

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
MetricFn: TypeAlias = Callable[[Floats, Floats, Floats, Ints], Floats]
ViewFn: TypeAlias = Callable[[Floats, Floats, Ints], Floats]

ORDERED = ("ordinal",)
CLASSES = ("binary", "multiclass", *ORDERED)
LABELS = ("multilabel",)
REGRESSION = ("regression",)
OUTLINES = ("segmentation",)


@dataclass(frozen=True)
class Metric:
    """A number that says how good predictions are, with everything needed to judge it.

    Use `value` for one number. `fn` is for those who bootstrap: it takes many weight vectors at once.

    Attributes
    ----------
    name : str
        The registry name, as in ``--metric NAME``.
    tasks : tuple of str
        The tasks it can judge: "binary", "multiclass", "regression", "ordinal", "multilabel",
        "segmentation".
    better : {"higher", "lower"}
        The direction of improvement.
    label : str
        The name that a reader of the report knows.
    meaning : str
        One line for that reader: what the number is, and what a good and a useless model score.
    fn : callable
        ``fn(y, p, w, block) -> (B,)``: labels `y` (n,), class codes or values; `p` (n, K) probabilities or
        (n,) values; `w` (B, n) non-negative weights; `block` (n,) integer, rows scored by the same model.
        An integer weight is exactly that many copies of the row. Not a number where it is undefined.
    view : callable
        ``view(y, p, block) -> (n, d)``: the part of the predictions that the metric can see. Two arms with
        equal views have equal metrics under any weights.
    by_class : bool
        Whether every class must be present, so that the rarest class limits the information.
    bounded : bool
        Whether 0 and 1 are the worst and best values that any model can reach.
    """

    name: str
    tasks: tuple[str, ...]
    better: Literal["higher", "lower"]
    label: str
    fn: MetricFn
    view: ViewFn
    by_class: bool = False
    bounded: bool = False
    meaning: str = ""

    @property
    def sign(self) -> float:
        """+1 where higher is better, -1 where lower is."""
        return 1.0 if self.better == "higher" else -1.0

    def value(
        self,
        y: Floats | Ints,
        p: Floats,
        sample_weight: Floats | None = None,
        block: Ints | None = None,
    ) -> float:
        """Return the metric of one set of predictions.

        Parameters
        ----------
        y : (n,) array
            Class codes 0..K-1, or values.
        p : (n, K) or (n,) array
            Class probabilities, or predicted values.
        sample_weight : (n,) array, default all ones
            Non-negative weights.
        block : (n,) int array, default one block
            Rows scored by the same fitted model.

        Returns
        -------
        float
            Not a number where the metric is undefined (one class only, for instance).

        Examples
        --------
        >>> import numpy as np
        >>> from medgraft.evidence.metrics import metrics
        >>> metrics["mae"].value(np.array([1.0, 2.0]), np.array([1.5, 2.0]))
        0.25
        """
        n = len(y)
        w = np.ones((1, n)) if sample_weight is None else np.asarray(sample_weight, dtype=float)[None]
        blocks = np.zeros(n, dtype=np.int64) if block is None else np.asarray(block)
        return float(self.fn(np.asarray(y), np.asarray(p, dtype=float), w, blocks)[0])


metrics: Registry[Metric] = Registry("metric", packages=("medgraft.evidence.metrics",))


def metric(
    name: str,
    *,
    tasks: tuple[str, ...],
    better: Literal["higher", "lower"],
    label: str,
    meaning: str,
    view: ViewFn,
    by_class: bool = False,
    bounded: bool = False,
) -> Callable[[MetricFn], MetricFn]:
    """Register a function as a metric and leave the function unchanged.

    Parameters
    ----------
    name, tasks, better, label, meaning, view, by_class, bounded
        As in `Metric`.
    """

    def register(fn: MetricFn) -> MetricFn:
        metrics.add(name, Metric(name, tasks, better, label, fn, view, by_class, bounded, meaning))
        return fn

    return register


def as_metric(metric: Metric | str) -> Metric:
    """Return the metric itself, or look its name up."""
    return metric if isinstance(metric, Metric) else metrics[metric]


def default_metric(task: str) -> str:
    """Return the metric that a task is judged by when the user names none.

    AUROC for a binary task, because it needs no threshold; balanced accuracy for several classes, because
    rare classes count as much as common ones; mean absolute error for regression, because it is in the units
    of the label; quadratic kappa for levels in order, because a mistake by two levels is worse than one by
    one; macro AUROC for several labels; Dice for segmentation.

    Raises
    ------
    MedgraftError
        There is no such task.

    Examples
    --------
    >>> default_metric("binary")
    'auroc'
    """
    defaults = {
        "binary": "auroc",
        "multiclass": "balanced_accuracy",
        "regression": "mae",
        "ordinal": "quadratic_kappa",
        "multilabel": "macro_auroc",
        "segmentation": "dice",
    }
    if task not in defaults:
        raise MedgraftError(f"There is no task '{task}': use one of {', '.join(defaults)}.")
    return defaults[task]


def share(part: Floats, whole: Floats) -> Floats:
    """Divide, with nan (and no warning) where the whole is nothing."""
    out = np.full(np.broadcast_shapes(part.shape, whole.shape), np.nan)
    np.divide(part, whole, out=out, where=whole > 0)
    return out


def weighted_mean(x: Floats, w: Floats) -> Floats:
    """Return sum_i w_bi x_i / sum_i w_bi for every weight vector b."""
    return share(w @ x, w.sum(axis=1))
