"""What every segmentation method shares: the estimator contract, rows, masks."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from medgraft.methods.finetune.images import Progress, copies
from medgraft.methods.rows import Rows
from medgraft.methods.segment.cases import Case, Marked, open_case, open_mask, values_in
from medgraft.methods.table import InputError, Table

if TYPE_CHECKING:
    import torch


class SegmentEstimator(BaseEstimator, metaclass=ABCMeta):
    """Base of the methods that outline; derive from it, and write ``_fit`` and ``_probabilities``.

    ``fit`` has the signature of `medgraft.methods.TransferEstimator.fit`. X is a DataFrame whose column
    ``image`` or ``volume`` holds references to samples, and y their masks: references, or arrays of whole
    numbers on the samples' own grids. ``predict`` gives a list of masks, on these grids again.

    Attributes
    ----------
    classes_ : array (K,) of int
        Values of the training masks, sorted; the first is 0, the background.
    kind_ : str
        ``"image"`` or ``"volume"``.
    progress : callable or None
        Called with (what, done, total) while the method works; not a setting.
    """

    progress: Progress | None = None
    kinds: tuple[str, ...] = ("image", "volume")  # what the method reads
    supported_tasks: tuple[str, ...] = ("segmentation",)
    task: str
    classes_: NDArray[np.int64]
    kind_: str

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
        """Learn from the outlined rows of all domains.

        Parameters
        ----------
        X : DataFrame (n, ...)
            Its column ``image`` or ``volume`` holds references.
        y : sequence of n
            Masks: references to files, or arrays of whole numbers. Never read where `labelled` is false.
        domain, target
            Accepted and checked; every domain's outlined rows are used alike.
        labelled : array (n,) of bool, optional
            Rows whose mask may be used; default all.
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
            Bad input, a file that cannot be opened, a mask of another size than its sample, masks without
            anything in them, weights that cannot be had.
        """
        if self.task != "segmentation":
            raise InputError(f"task '{self.task}' is not what this method does: use segmentation.")
        kind, refs = self._references(X)
        masks = list(y) if y is not None else []
        rows = Rows.of(
            Table.of(pd.DataFrame({"sample": refs})),
            None if y is None else np.zeros(len(masks)),
            regression=True,
            domain=domain,
            target=target,
            labelled=labelled,
            sample_weight=sample_weight,
            groups=groups,
        )
        use = rows.index[rows.labelled]
        chosen, given = [refs[i] for i in use], [masks[i] for i in use]
        found, share = [np.zeros(1, np.int64)], np.zeros(len(use))
        for i, (ref, mask) in enumerate(zip(chosen, given, strict=True)):
            opened = open_mask(mask)
            found.append(values_in(opened, ref))
            share[i] = (opened != 0).mean()
        self.classes_ = np.unique(np.concatenate(found))
        if self.classes_[0] < 0 or len(self.classes_) < 2:
            raise InputError(
                "The masks hold no class above 0, which is the background: nothing can be learnt."
            )
        self.kind_ = kind
        units = rows.units[rows.labelled] if groups is not None else copies(chosen)
        self._fit(Marked(kind, chosen, given, self.classes_, share, rows.weight[rows.labelled], units))
        return self

    @abstractmethod
    def _fit(self, rows: Marked) -> None:
        """Learn from the outlined rows."""

    @abstractmethod
    def _probabilities(self, case: Case) -> NDArray[np.float32]:
        """Probabilities (K, ...) on the grid of a sample."""

    @abstractmethod
    def state(self) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
        """Return all that is needed to rebuild it: facts (JSON-able) and tensors."""

    @classmethod
    @abstractmethod
    def from_state(cls, config: dict[str, Any], tensors: dict[str, torch.Tensor]) -> Self:
        """Rebuild what :meth:`state` gave; it predicts the same to the last bit."""

    def probabilities(self, X: Any) -> Iterator[NDArray[np.float32]]:
        """Yield the probabilities (K, h, w) or (K, x, y, z) of one sample after the other.

        K classes in the order of `classes_`. One sample is in memory at a time.
        """
        check_is_fitted(self)
        kind, refs = self._references(X)
        if kind != self.kind_:
            raise InputError(f"This model was trained on each {self.kind_}, and is given each {kind}.")
        tell = self._tell("outlining")
        for i, ref in enumerate(refs):
            yield self._probabilities(open_case(kind, ref, self._channels()))
            tell(i + 1, len(refs))

    def predict(self, X: Any) -> list[NDArray[np.int64]]:
        """Return masks (h, w) or (x, y, z), each on its sample's grid, with the values of `classes_`."""
        return [self.classes_[p.argmax(axis=0)] for p in self.probabilities(X)]

    def score(self, X: Any, y: Any) -> float:
        """Mean Dice of the classes above 0 over the samples."""
        from medgraft.evidence.metrics.overlap import dice

        pairs = zip(y, self.predict(X), strict=True)
        each = [dice(open_mask(mask), found, self.classes_[1:]).mean() for mask, found in pairs]
        return float(np.mean(each))

    def _channels(self) -> int:
        """Channels that images are opened with."""
        return 3

    def _references(self, X: Any) -> tuple[str, list[str]]:
        """Return the kind of samples, and the references to them."""
        wanted = " or ".join(f"'{kind}'" for kind in self.kinds)
        columns = set(X.columns) if isinstance(X, pd.DataFrame) else set()
        kind = next((k for k in (getattr(self, "kind_", ""), *self.kinds) if k in columns), None)
        if kind is None:
            raise InputError(
                f"This method takes a DataFrame whose column {wanted} holds references to files."
            )
        if X[kind].isna().any():
            row = int(np.flatnonzero(X[kind].isna())[0])
            raise InputError(f"Row {row} has no reference in the column '{kind}': drop it or fill it in.")
        if not len(X):
            raise InputError(f"There is no {kind} here.")
        return kind, [str(ref) for ref in X[kind]]

    def _tell(self, what: str) -> Callable[[int, int], None]:
        """Return a (done, total) callback for one kind of work."""

        def tell(done: int, total: int) -> None:
            if self.progress is not None:
                self.progress(what, done, total)

        return tell
