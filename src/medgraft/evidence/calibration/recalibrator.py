"""What every recalibrator is: fitted on the calibration part, saved as a few numbers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from medgraft.base import MedgraftError, did_you_mean
from medgraft.evidence.calibration.events import columns
from medgraft.evidence.metrics.base import Floats, Ints, metrics
from medgraft.evidence.scores import Scores


class Recalibrator(ABC):
    """Maps a model's probabilities to better ones.

    ``fit(p, y, group)`` on the calibration part (`calibration_part`), ``transform(p)`` on any other rows.
    There is no ``fit_transform``: rows that taught the map are no evidence for it. Every patient counts once
    in the fit, however many rows it has.

    Derive from it: name the `kind`, list the fitted numbers or arrays in `state`, write `_fit` and `_map`.

    Attributes
    ----------
    classes_ : int
        K.
    """

    kind: ClassVar[str]
    state: ClassVar[tuple[str, ...]]
    binary: ClassVar[bool] = False
    _kinds: ClassVar[dict[str, type[Recalibrator]]] = {}
    classes_: int

    def __init_subclass__(cls) -> None:
        Recalibrator._kinds[cls.kind] = cls

    def fit(self, p: ArrayLike, y: ArrayLike, group: ArrayLike | None = None) -> Self:
        """Learn the map.

        Parameters
        ----------
        p : (n,) or (n, K) array
            Probability of class 1, or of each class, of rows that the model was not trained on.
        y : (n,) array
            Class codes 0..K-1.
        group : (n,) array, default every row its own
            Patients.

        Raises
        ------
        MedgraftError
            The arrays do not fit each other, or there is no such map.
        """
        guess = columns(p)
        self._check_classes(guess.shape[1])
        scores = Scores.of(metrics["ece"], y, guess, group=group)
        self.classes_ = guess.shape[1]
        self._fit(guess, scores.y, 1 / np.bincount(scores.group)[scores.group])
        return self

    def transform(self, p: ArrayLike) -> Floats:
        """Return the recalibrated probabilities, in the shape given.

        Raises
        ------
        MedgraftError
            Not fitted, or fitted with another number of classes.
        """
        guess = self._checked(p)
        made = self._map(guess)
        return made[:, 1] if np.ndim(p) == 1 else made

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON numbers, of which `from_dict` makes the same again, to the last bit."""
        self._check_fitted()
        return {
            "kind": self.kind,
            "classes": self.classes_,
            **{name: _plain(getattr(self, name)) for name in self.state},
        }

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Recalibrator:
        """Return the recalibrator, of any kind, that `to_dict` saved.

        Raises
        ------
        MedgraftError
            The kind is unknown, or something is missing.
        """
        kind = str(saved.get("kind"))
        if kind not in cls._kinds:
            raise MedgraftError(f"There is no recalibrator '{kind}'.{did_you_mean(kind, cls._kinds)}")
        made = cls._kinds[kind]()
        lacking = [name for name in ("classes", *made.state) if name not in saved]
        if lacking:
            raise MedgraftError(f"The saved recalibrator '{kind}' lacks {', '.join(lacking)}: save it again.")
        made.classes_ = int(saved["classes"])
        for name in made.state:
            setattr(made, name, _array(saved[name]))
        return made

    def _checked(self, p: ArrayLike) -> Floats:
        self._check_fitted()
        guess = columns(p)
        if guess.shape[1] != self.classes_:
            raise MedgraftError(
                f"The recalibrator was fitted with {self.classes_} classes, not {guess.shape[1]}: give those."
            )
        return guess

    def _check_fitted(self) -> None:
        if not hasattr(self, "classes_"):
            raise MedgraftError(f"The recalibrator '{self.kind}' is not fitted: call fit(p, y) first.")

    def _check_classes(self, k: int) -> None:
        if self.binary and k != 2:
            raise MedgraftError(
                f"The recalibrator '{self.kind}' takes two classes, not {k}: use Temperature or Isotonic."
            )

    @abstractmethod
    def _fit(self, p: Floats, y: Ints, w: Floats) -> None:
        """Set the state from probabilities (n, K), codes (n,) and weights (n,): 1 a patient in all."""

    @abstractmethod
    def _map(self, p: Floats) -> Floats:
        """Return the new probabilities (n, K)."""


def _plain(value: Any) -> Any:
    return [_plain(v) for v in value] if isinstance(value, list) else np.asarray(value).tolist()


def _array(value: Any) -> Any:
    """Return a number, an array, or a list of arrays, which may differ in length."""
    if not isinstance(value, list):
        return float(value)
    if value and isinstance(value[0], list):
        return [np.asarray(v, dtype=float) for v in value]
    return np.asarray(value, dtype=float)
