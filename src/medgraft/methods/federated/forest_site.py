"""A hospital that grows a forest on its own patients and ships it, together with how it reads a table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from medgraft.methods.encode import TableEncoder
from medgraft.methods.federated.messages import Message
from medgraft.methods.federated.site import Site
from medgraft.methods.model.trees import Growth
from medgraft.methods.splits import Floats, number_again
from medgraft.methods.table import Table
from medgraft.methods.trees import Trees

NODES = ("roots", "left", "right", "feature")
NUMBERS = ("mean", "scale", "fill")


class ForestSite(Site):
    """A site that answers ``patients`` and ``forest``, besides what a `Site` does.

    ``patients`` gives the number of labelled patients. ``forest`` takes ``trees`` (how many, or ``share``,
    how many for each labelled patient), ``leaf`` (fewest patients in a leaf) and ``seed``, and gives the
    trees and the site's own encoder: what fills a gap, means and standard deviations, words that enough of
    its patients have. So no second round is needed. A site with too few labelled patients gives no trees.

    No number in the message is about fewer patients than a leaf holds, but thresholds lie half-way between
    two neighbouring values and medians are values: this is no differential privacy.
    """

    def _known(self) -> dict[str, Callable[[Message], dict[str, NDArray[Any]]]]:
        return {**super()._known(), "patients": self._count_patients, "forest": self._forest}

    def _count_patients(self, message: Message) -> dict[str, NDArray[Any]]:
        return {"patients": np.array([self.labelled_patients])}

    def _forest(self, message: Message) -> dict[str, NDArray[Any]]:
        patients = self._count_patients({})
        if not self.labelled_patients:
            return patients
        count = message["trees"][0] if "trees" in message else message["share"][0] * patients["patients"][0]
        encoder, trees, _ = self.grow(
            max(1, round(float(count))), int(message["leaf"][0]), int(message["seed"][0])
        )
        return {**patients, **pack(encoder, trees)}

    def grow(self, trees: int, leaf: int, seed: int) -> tuple[TableEncoder, Trees, Floats]:
        """Encoder, forest, and predictions of the labelled rows by the trees that never saw them."""
        here = self._labelled
        encoder = TableEncoder().fit(self._table, sample_weight=self._w)
        Z = encoder.transform(self._table.take(here))
        growth = Growth(self._k, trees, leaf, seed)
        return encoder, *growth.forest(Z, self._y[here], self._w[here], number_again(self._units[here]))


def pack(encoder: TableEncoder, trees: Trees) -> dict[str, NDArray[Any]]:
    """Arrays that hold an encoder and a forest; `unpack` reads them."""
    out: dict[str, NDArray[Any]] = {n: getattr(trees, n).astype(np.int32) for n in NODES}
    out |= {"threshold": trees.threshold, "value": trees.value}
    out |= {n: getattr(encoder, f"{n}_") for n in NUMBERS}
    out |= {
        "value columns": encoder.value_columns_.astype(np.int32),
        "gap columns": encoder.gap_columns_.astype(np.int32),
        "word gaps": np.array(encoder.word_gap_, dtype=bool),
    }
    words = {f"words {j}": np.array(w, dtype=np.str_) for j, w in enumerate(encoder.levels_)}
    return {**out, **words}


def unpack(message: Message, like: Table, k: int) -> tuple[TableEncoder, Trees]:
    """Read what `pack` made; `like` gives the names and kinds of the columns, k the number of classes."""
    made = TableEncoder()
    made.number_, made.n_features_in_ = list(like.number), len(like.number)
    for name in NUMBERS:
        setattr(made, f"{name}_", message[name])
    made.value_columns_ = message["value columns"].astype(np.intp)
    made.gap_columns_ = message["gap columns"].astype(np.intp)
    made.word_gap_ = message["word gaps"].tolist()
    made.levels_ = [message[f"words {j}"].tolist() for j in range(len(made.word_gap_))]
    made._name_columns(like)
    nodes = {n: message[n].astype(np.intp) for n in NODES}
    classes = np.arange(k) if k else None
    return made, Trees(**nodes, threshold=message["threshold"], value=message["value"], classes=classes)


class SideBySide(BaseEstimator):
    """Several encoders of the same table, their columns beside one another.

    Parameters
    ----------
    encoders : list of TableEncoder
        Fitted.
    """

    def __init__(self, encoders: list[TableEncoder]) -> None:
        self.encoders = encoders

    @property
    def number_(self) -> list[bool]:
        """Which columns are numbers."""
        return list(self.encoders[0].number_)

    @property
    def offsets(self) -> list[int]:
        """Where each encoder's columns begin."""
        return [0, *np.cumsum([e.n_out_ for e in self.encoders[:-1]]).tolist()]

    def fit(self, X: Any, y: None = None) -> Self:
        """Do nothing: the encoders are fitted."""
        return self

    def transform(self, X: Any) -> Floats:
        """Encode rows (n, p) by every encoder."""
        table = Table.of(X, self.number_)
        return np.hstack([e.transform(table) for e in self.encoders])
