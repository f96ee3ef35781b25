"""One hospital: it keeps its rows and answers questions by sums over its patients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from medgraft.methods.encode import TableEncoder
from medgraft.methods.federated.messages import Message
from medgraft.methods.federated.scaling import encoder_of
from medgraft.methods.rows import Mask
from medgraft.methods.sites import patients_with
from medgraft.methods.splits import Floats, Ints, inner_folds, number_again
from medgraft.methods.table import InputError, Table

FOLDS = 5
NO_FOLD = -2
BLOCK = 2**21  # scores held at once


class Site:
    """A hospital's rows, and the sums that it gives away.

    It answers ``count``, ``moments``, ``spread`` (about given means), ``levels``, ``encoder`` (which it
    takes), ``values`` (their sums; then it takes their units), ``slopes`` (loss, gradient and Hessian of a
    linear or logistic model), ``gram`` (products of features), ``gradients`` (loss and gradient, also of a
    softmax model) and ``held_out`` (losses of held-out patients), and nothing else. A sum over few patients
    may tell about one of them: a site with fewer than `min_patients` takes no part, and a number column or
    a word that fewer of its patients have is as if missing there. This is disclosure control by aggregation;
    it is neither encryption nor differential privacy.

    Parameters
    ----------
    name : str
    table : Table
        Its rows; words have the levels of the shared data dictionary.
    y : array (n,)
        Class codes from 0, or values; not read where `labelled` is false.
    weight : array (n,)
    labelled : array (n,) of bool
    units : array (n,) of int
        Patients.
    classes : int
        Number of classes; 0 for values.
    seed : int
        Of its own folds, in which patients stay whole.
    min_patients : int
        With fewer labelled patients it shares no slopes; with fewer than five times as many it holds nobody
        out, because the difference of two sums is the sum over a fold.
    """

    def __init__(
        self,
        name: str,
        table: Table,
        y: NDArray[Any],
        weight: Floats,
        labelled: Mask,
        units: Ints,
        *,
        classes: int,
        seed: int = 0,
        min_patients: int = 5,
    ) -> None:
        self.name, self._min_patients = name, min_patients
        self._table, self._w, self._k = common(table, units, min_patients), weight, classes
        few = 0 < len(np.unique(units[labelled])) < min_patients
        labelled = np.zeros_like(labelled) if few else labelled
        self._labelled = labelled
        self._y = np.where(labelled, y, 0).astype(float)
        own = number_again(units[labelled])
        self.labelled_patients = len(np.unique(own))
        if self.labelled_patients >= FOLDS * min_patients:
            stratum = self._y[labelled].astype(np.intp) if classes else None
            self._fold = inner_folds(own, k=FOLDS, seed=seed, stratum=stratum, weight=weight[labelled])
        else:
            # The sums of two rounds differ by those of a fold: one that is too small would show its patients.
            self._fold = np.full(len(own), NO_FOLD, dtype=np.intp)
        self._units = units
        self._Z: Floats | None = None

    @property
    def patients(self) -> int:
        """Number of patients."""
        return len(np.unique(self._units))

    def prepare(self, encoder: TableEncoder) -> None:
        """Take the shared encoder, which was made from sums."""
        Z = encoder.transform(self._table)[self._labelled]
        self._Z = np.column_stack([Z, np.ones(len(Z))])

    def answer(self, question: str, message: Message) -> dict[str, NDArray[Any]]:
        """Answer one of the questions above.

        Raises
        ------
        InputError
            The question is not one that a site answers.
        """
        known = self._known()
        if self.patients < self._min_patients:
            raise InputError(
                f"The site '{self.name}' has fewer than {self._min_patients} patients: it shares no sums."
            )
        if question not in known:
            raise InputError(f"A site does not answer '{question}': it answers {', '.join(known)}.")
        return known[question](message)

    def _known(self) -> dict[str, Callable[[Message], dict[str, NDArray[Any]]]]:
        """Questions and who answers them."""
        return {
            "count": self._count,
            "moments": self._moments,
            "spread": self._spread,
            "levels": self._levels,
            "encoder": self._encoder,
            "values": self._values,
            "slopes": self._slopes,
            "gram": self._gram,
            "gradients": self._gradients,
            "held_out": self._held_out,
        }

    def _count(self, message: Message) -> dict[str, NDArray[Any]]:
        return {"weight": np.array([self._w.sum(), self._w[self._labelled].sum()])}

    def _moments(self, message: Message) -> dict[str, NDArray[Any]]:
        seen = ~np.isnan(self._table.numbers)
        return {"n": self._w @ seen, "sum": self._w @ np.where(seen, self._table.numbers, 0.0)}

    def _spread(self, message: Message) -> dict[str, NDArray[Any]]:
        A = self._table.numbers - message["mean"]
        return {"squares": self._w @ np.where(np.isnan(A), 0.0, A) ** 2}

    def _levels(self, message: Message) -> dict[str, NDArray[Any]]:
        return {
            f"column {j}": np.bincount(self._table.codes[:, j] + 1, weights=self._w, minlength=len(words) + 1)
            for j, words in enumerate(self._table.levels)
        }

    def _encoder(self, message: Message) -> dict[str, NDArray[Any]]:
        self.prepare(encoder_of(message, self._table))
        return {}

    def _values(self, message: Message) -> dict[str, NDArray[Any]]:
        """Weight and sum of the values, squares about a given mean, or nothing once given their units."""
        y, w = self._y[self._labelled], self._w[self._labelled]
        if not message:
            return {"weight": np.array([w.sum()]), "sum": np.array([w @ y])}
        if "scale" not in message:
            return {"squares": np.array([w @ (y - message["mean"]) ** 2])}
        self._y = (self._y - message["mean"]) / message["scale"]
        return {}

    def _rows(self) -> tuple[Floats, Floats, Floats]:
        if self._Z is None:
            raise InputError(f"The site '{self.name}' has no encoder yet.")
        return self._Z, self._y[self._labelled], self._w[self._labelled]

    def _gram(self, message: Message) -> dict[str, NDArray[Any]]:
        Z, _, w = self._rows()
        return {"gram": (Z * w[:, None]).T @ Z}

    def _gradients(self, message: Message) -> dict[str, NDArray[Any]]:
        """Sums for models (M, m, p + 1); ``out`` (M,) is the fold held out."""
        Z, y, w = self._rows()
        beta, out = message["beta"], message["out"]
        loss, weight, gradient = np.zeros(len(beta)), np.zeros(len(beta)), np.zeros(beta.shape)
        at_once = max(1, BLOCK // max(len(Z) * beta.shape[1], 1))
        for i in range(0, len(beta), at_once):
            b = slice(i, i + at_once)
            V = np.where(self._fold[:, None] == out[b], 0.0, w[:, None])
            row, slope = misfit(np.moveaxis(beta[b] @ Z.T, 2, 0), y, self._k)
            loss[b], weight[b] = (V * row).sum(axis=0), V.sum(axis=0)
            gradient[b] = np.moveaxis(slope * V[:, :, None], 0, 2) @ Z
        return {"loss": loss, "gradient": gradient, "weight": weight}

    def _slopes(self, message: Message) -> dict[str, NDArray[Any]]:
        """Sums for models (M, p + 1); ``own`` holds the sites' intercepts, ``out`` (M,) the fold held out."""
        Z, y, w = self._rows()
        place = message["sites"].tolist().index(self.name) if "sites" in message else 0
        loss, gradient, hessian = [], [], []
        for m, (beta, out) in enumerate(zip(message["beta"], message["out"], strict=True)):
            own = float(message["own"][m, place]) if "own" in message else 0.0
            v = np.where(self._fold == out, 0.0, w)
            row, slope = misfit((Z @ beta + own)[:, None, None], y, self._k)
            mean = slope[:, 0, 0] + y
            curve = v * (mean * (1.0 - mean) if self._k else 1.0)
            loss.append(v @ row[:, 0])
            gradient.append(Z.T @ (v * slope[:, 0, 0]))
            hessian.append((Z * curve[:, None]).T @ Z)
        return {"loss": np.array(loss), "gradient": np.array(gradient), "hessian": np.array(hessian)}

    def _held_out(self, message: Message) -> dict[str, NDArray[Any]]:
        Z, y, w = self._rows()
        place = message["sites"].tolist().index(self.name) if "sites" in message else 0
        total, weight = [], []
        for m, (beta, out) in enumerate(zip(message["beta"], message["out"], strict=True)):
            own = float(message["own"][m, place]) if "own" in message else 0.0
            v = np.where(self._fold == out, w, 0.0)
            eta = Z @ np.atleast_2d(beta).T + own
            total.append(v @ misfit(eta[:, None, :], y, self._k)[0][:, 0])
            weight.append(v.sum())
        return {"loss": np.array(total), "weight": np.array(weight)}


def common(table: Table, units: Ints, fewest: int) -> Table:
    """Return a table without what fewer than so many patients have: number columns and words turn missing.

    Examples
    --------
    >>> t = Table.of(np.array([["a"], ["a"], ["b"], ["b"]], dtype=object))
    >>> common(t, np.array([0, 1, 2, 2]), 2).codes.ravel().tolist()
    [0, 0, -1, -1]
    """
    numbers, codes = table.numbers.copy(), table.codes.copy()
    numbers[:, patients_with(~np.isnan(numbers), units) < fewest] = np.nan
    for j, words in enumerate(table.levels):
        pairs = np.unique(np.column_stack([codes[:, j], units]), axis=0)
        few = np.bincount(pairs[:, 0] + 1, minlength=len(words) + 1) < fewest
        codes[few[codes[:, j] + 1], j] = -1
    return replace(table, numbers=numbers, codes=codes)


def misfit(eta: Floats, y: Floats, k: int) -> tuple[Floats, Floats]:
    """Loss (n, M) and its slope in the scores (n, M, m) of M models; y are codes of k classes, or values."""
    if not k:
        rest = eta - y[:, None, None]
        return 0.5 * rest[:, :, 0] ** 2, rest
    if k == 2:
        e = eta[:, :, 0]
        return np.logaddexp(0.0, e) - y[:, None] * e, expit(eta) - y[:, None, None]
    code = y.astype(np.intp)
    top = eta.max(axis=2, keepdims=True)
    e = np.exp(eta - top)
    norm = e.sum(axis=2, keepdims=True)
    aim = np.eye(k)[code][:, None, :]
    return (np.log(norm) + top)[:, :, 0] - (eta * aim).sum(axis=2), e / norm - aim
