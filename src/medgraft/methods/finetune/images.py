"""What every method that reads images shares: the estimator contract, rows, classes."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from medgraft.cohort.digest import sample_digest
from medgraft.cohort.media import SEEN
from medgraft.methods.base import TASK_NAMES, classifies, contract_tags, has_proba, refuse_task
from medgraft.methods.multilabel import label_table
from medgraft.methods.registry import TASKS
from medgraft.methods.rows import Rows
from medgraft.methods.splits import Floats, Ints, units_of
from medgraft.methods.table import InputError, Table
from medgraft.sources.pretrained import Pretrained

Progress = Callable[[str, int, int], None]


def kind_of(X: Any) -> str:
    """Return which column of X holds samples: ``"image"``, ``"volume"``, ``"signal"``, ...

    Raises
    ------
    InputError
        X is no DataFrame with such a column.
    """
    found = [kind for kind in SEEN if isinstance(X, pd.DataFrame) and kind in X.columns]
    if not found:
        raise InputError(
            "Methods that read images, volumes, signals, sequences or omics take a DataFrame whose column "
            "'image', 'volume', 'signal', 'sequence' or 'omics' holds paths (sequences themselves)."
        )
    return found[0]


def image_paths(X: Any) -> list[str]:
    """Return the paths in the column of samples; of sequences their letters.

    Raises
    ------
    InputError
        X is no DataFrame with such a column, or a path is missing.
    """
    kind = kind_of(X)
    if X[kind].isna().any():
        row = int(np.flatnonzero(X[kind].isna())[0])
        raise InputError(f"Row {row} has no path in the column '{kind}': drop it or fill it in.")
    return [str(path) for path in X[kind]]


@dataclass(frozen=True)
class Labelled:
    """The rows a fit may learn from.

    Parameters
    ----------
    paths : list of str
    y : array (n,), or (n, L)
        Class codes or values; several labels, NaN where unknown.
    weight : array (n,)
        Positive weights.
    units : array (n,) of int
        Patients; without groups, files with the same content count as one.
    target : array (n,) of bool
        Whether a row is of the target domain.
    target_paths : list of str
        All images of the target domain, with and without a label that may be used.
    """

    paths: list[str]
    y: NDArray[Any]
    weight: Floats
    units: Ints
    target: NDArray[np.bool_]
    target_paths: list[str]

    def take(self, rows: Ints) -> Labelled:
        """Return some of the rows."""
        paths = [self.paths[i] for i in rows]
        return replace(
            self,
            paths=paths,
            y=self.y[rows],
            weight=self.weight[rows],
            units=self.units[rows],
            target=self.target[rows],
        )


class ImageEstimator(BaseEstimator, metaclass=ABCMeta):
    """Base of the methods that open samples themselves; derive from it, and write ``_fit`` and ``_scores``.

    ``fit`` has the signature of `medgraft.methods.TransferEstimator.fit`; X is a DataFrame whose column
    ``image``, ``volume``, ``signal`` or ``omics`` holds paths, or ``sequence`` letters. Labelled rows of all
    domains are learnt from: the network is the source.

    Attributes
    ----------
    classes_ : array (K,)
        Labels, sorted (classification only).
    kind_ : str
        ``"image"``, ``"volume"``, ``"signal"``, ``"sequence"`` or ``"omics"``: what it was fitted on.
    progress : callable or None
        Called with (what, done, total) while the method works; not a setting.
    """

    progress: Progress | None = None
    source: Pretrained | str | None
    kind_: str
    task: str
    supported_tasks: tuple[str, ...] = TASKS  # the registry's decorator sets the method's own

    def __sklearn_tags__(self) -> Any:
        tags = contract_tags(super().__sklearn_tags__(), classifies(self))
        tags.input_tags.allow_nan = False  # a row needs a path
        return tags

    def fit(
        self,
        X: Any,
        y: Any,
        *,
        domain: Any = None,
        target: str | None = None,
        labelled: Any = None,
        sample_weight: Any = None,
        groups: Any = None,
    ) -> Self:
        """Learn from the labelled rows of all domains.

        Parameters
        ----------
        X : DataFrame (n, ...)
            Its column ``image`` or ``volume`` holds absolute paths.
        y : array (n,)
            Labels of any type, or values. Never read where `labelled` is false. For the task "multilabel"
            (n, L) of 0 and 1, NaN where unknown.
        domain, target
            Accepted and checked; every domain's labelled rows are used alike.
        labelled : array (n,) of bool, optional
            Rows whose label may be used; default all.
        sample_weight : array (n,), optional
            Weights, not negative.
        groups : array (n,), optional
            Patient of each row; the inner split keeps a patient whole.

        Returns
        -------
        self

        Raises
        ------
        MedgraftError
            Bad input, a file that is no image, weights that cannot be had.
        """
        several = self.task == "multilabel"
        if self.task not in TASK_NAMES and not several:
            raise InputError(f"task '{self.task}' does not exist: use one of {', '.join(TASK_NAMES)}.")
        if several and "multilabel" not in self.supported_tasks:
            does = ", ".join(self.supported_tasks)
            raise InputError(f"It cannot do multilabel: {type(self).__name__} does {does}.")
        table = label_table(y) if several else None
        paths, self.kind_ = image_paths(X), kind_of(X)
        rows = Rows.of(
            Table.of(pd.DataFrame({"image": paths})),
            y if table is None else np.zeros(len(table)),
            regression=several or not classifies(self),
            domain=domain,
            target=target,
            labelled=labelled,
            sample_weight=sample_weight,
            groups=groups,
        )
        if not several:
            refuse_task(self, rows.k)
        labels = rows.y if table is None else table[rows.index]
        use = rows.labelled
        chosen = [paths[i] for i in rows.index[use]]
        units = rows.units[use] if groups is not None else copies(chosen, self.kind_)
        if rows.classes is not None:
            self.classes_ = rows.classes
        here = [paths[i] for i in rows.index[rows.target]]
        self._fit(Labelled(chosen, labels[use], rows.weight[use], units, rows.target[use], here))
        return self

    @abstractmethod
    def _fit(self, rows: Labelled) -> None:
        """Learn from the labelled rows."""

    @abstractmethod
    def _scores(self, paths: Sequence[str]) -> Floats:
        """Probabilities (n, K), or values (n,)."""

    @available_if(has_proba)
    def predict_proba(self, X: Any) -> Floats:
        """Class probabilities (n, K), in the order of `classes_`; of several labels (n, L), one for each."""
        return self._predict(X)

    def predict(self, X: Any) -> NDArray[Any]:
        """Predicted label or value (n,)."""
        out = self._predict(X)
        if self.task == "multilabel":
            return (out >= 0.5).astype(np.intp)
        return np.asarray(self.classes_[out.argmax(axis=1)]) if classifies(self) else out

    def _predict(self, X: Any) -> Floats:
        check_is_fitted(self)
        paths = image_paths(X)
        if kind_of(X) != self.kind_:
            raise InputError(f"The model was fitted on {self.kind_}s, and these are {kind_of(X)}s.")
        if not paths:
            raise InputError(f"There is no {self.kind_} to predict.")
        return self._scores(paths)

    def _source(self) -> Pretrained:
        """Return the network as it reads what the method is fitted on."""
        return Pretrained.of(self.source).reading(self.kind_)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy, or R2 for regression."""
        measure = accuracy_score if classifies(self) else r2_score
        return float(measure(y, self.predict(X), sample_weight=sample_weight))

    def _tell(self, what: str) -> Callable[[int, int], None]:
        """Return a (done, total) callback for one kind of work."""

        def tell(done: int, total: int) -> None:
            if self.progress is not None:
                self.progress(what, done, total)

        return tell


def copies(paths: Sequence[str], kind: str = "image") -> Ints:
    """Codes of samples with the same content: a copy on both sides of a split would be a leak."""
    first = [int.from_bytes(sample_digest(kind, path)[:8], "little") for path in paths]
    keys = np.array(first, dtype=np.uint64)
    return units_of(keys)


def classes_to_json(classes: NDArray[Any] | None) -> dict[str, Any] | None:
    """Return class labels as plain JSON that keeps their type."""
    if classes is None:
        return None
    kind = "U" if classes.dtype.kind in "OTU" else classes.dtype.str
    return {"dtype": kind, "values": classes.astype(str).tolist() if kind == "U" else classes.tolist()}


def classes_from_json(said: dict[str, Any] | None) -> NDArray[Any] | None:
    """Read what :func:`classes_to_json` wrote."""
    return None if said is None else np.array(said["values"], dtype=said["dtype"])
