"""What all models of one person's stream have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medgraft.methods.splits import Floats
from medgraft.methods.streaming.packing import pack, unpack
from medgraft.methods.streaming.projection import Projection, windows
from medgraft.methods.table import InputError


class StreamingModel(ABC):
    """Predicts a window, then learns from it, with its label or without.

    Attributes
    ----------
    projection_ : Projection
        From windows to coordinates; never changed by the stream.
    classes_ : array (C,)
        Labels known so far, sorted; they grow with the stream.
    """

    projection_: Projection
    classes_: NDArray[Any]

    def partial_fit(
        self, X: ArrayLike, y: ArrayLike | None = None, *, labelled: ArrayLike | None = None
    ) -> Self:
        """Learn from windows in the order in which they came.

        Parameters
        ----------
        X : array (n, p)
            Windows; NaN where missing.
        y : array (n,), optional
            Labels; without them no window is labelled.
        labelled : array (n,) of bool, optional
            Windows whose label may be read; default all.
        """
        self._check_started()
        Z = self.projection_.apply(windows(X, len(self.projection_.fill)))
        told = np.zeros(len(Z), dtype=bool)
        if y is None and np.any(False if labelled is None else labelled):
            raise InputError("labelled marks windows as labelled, but y is missing: give y.")
        if y is not None:
            y = np.asarray(y)
            told = np.ones(len(Z), dtype=bool) if labelled is None else np.asarray(labelled, dtype=bool)
            if y.shape != (len(Z),) or told.shape != (len(Z),):
                raise InputError(
                    f"y and labelled must have one entry for each of the {len(Z)} windows, "
                    f"not shapes {y.shape} and {told.shape}."
                )
            for label in np.unique(np.asarray(y[told].tolist())):
                self._meet(label)
        for t, z in enumerate(Z):
            self._learn(z, int(np.searchsorted(self.classes_, y[t])) if y is not None and told[t] else None)
        return self

    def predict_proba(self, X: ArrayLike) -> Floats:
        """Probabilities (n, C) of `classes_`; InputError before the first label."""
        self._check_started()
        if not len(self.classes_):
            raise InputError("The model has seen no label yet: give it one before it predicts.")
        return self._proba(self.projection_.apply(windows(X, len(self.projection_.fill))))

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Most probable label (n,) of each window."""
        p = self.predict_proba(X)
        return np.asarray(self.classes_[p.argmax(axis=1)])

    def state(self) -> bytes:
        """All that the model is, as the bytes of a safetensors file (no pickle)."""
        self._check_started()
        settings = {"kind": type(self).__name__, "classes": self.classes_.tolist(), **self._settings()}
        return pack(self.projection_.arrays() | self._arrays(), settings)

    def state_bytes(self) -> int:
        """Size of `state()`, by saving it."""
        return len(self.state())

    @classmethod
    def from_state(cls, state: bytes) -> Self:
        """Return the model that `state` was saved from; it goes on as if never saved."""
        arrays, settings = unpack(state)
        if settings.pop("kind", None) != cls.__name__:
            raise InputError(f"The state is not that of a {cls.__name__}: call from_state of its own class.")
        classes = settings.pop("classes")
        model = cls(**settings)
        model.projection_ = Projection(*(arrays.pop(name) for name in ("fill", "centre", "weight")))
        model.classes_ = np.asarray(classes)
        model._restore(arrays)
        return model

    def _check_started(self) -> None:
        if not hasattr(self, "projection_"):
            raise InputError(f"This {type(self).__name__} was not started: call fit or blank first.")

    def _meet(self, label: Any) -> None:
        """Make room for a label, if it is new."""
        if label in self.classes_:
            return
        if len(self.classes_) and self.classes_.dtype.kind != np.asarray(label).dtype.kind:
            raise InputError(f"The label {label!r} is of another kind than those known: use one kind.")
        known = self.classes_
        self.classes_ = np.unique(np.append(known, label) if len(known) else np.asarray([label]))
        self._widen(np.searchsorted(self.classes_, known))

    @abstractmethod
    def _learn(self, z: Floats, c: int | None) -> None:
        """Learn from one window's coordinates (d,), with the code of its class or None."""

    @abstractmethod
    def _proba(self, Z: Floats) -> Floats:
        """Probabilities (n, C) of coordinates (n, d)."""

    @abstractmethod
    def _widen(self, place: NDArray[np.intp]) -> None:
        """The classes known before now stand at `place` among `classes_`."""

    @abstractmethod
    def _settings(self) -> dict[str, Any]:
        """Arguments of `__init__`."""

    @abstractmethod
    def _arrays(self) -> dict[str, NDArray[Any]]:
        """What was learnt, beside the projection and the classes."""

    @abstractmethod
    def _restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Take back what `_arrays` gave."""
