"""A fitted model as a function of its input columns, and as what it is inside where that is simple."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, softmax

from medgraft.base import MedgraftError
from medgraft.methods.base import TransferEstimator
from medgraft.methods.encode import TableEncoder
from medgraft.methods.explain.scores import taken_apart
from medgraft.methods.learners.forest import ForestLearner
from medgraft.methods.model.booster import Booster
from medgraft.methods.pipeline import Pipeline
from medgraft.methods.splits import Floats, Ints
from medgraft.methods.trees import Trees
from medgraft.methods.views import ViewFeatures


@dataclass(frozen=True)
class ColumnModel:
    """What turns rows of input columns into chances or values.

    Attributes
    ----------
    model : estimator
        The fitted method.
    names : sequence
        Its classes or labels, one a chance; empty for values.
    graft : object or None
        The graft, which checks what it is given.
    views : ViewFeatures or None
        What makes the columns of signals, sequences or omics; the model is the method behind it.
    """

    model: Any
    names: Sequence[Any]
    graft: Any = None
    views: ViewFeatures | None = None

    @classmethod
    def of(cls, given: Any) -> ColumnModel:
        """Take a fitted method, or a graft of one, for a function of its columns."""
        model, names = taken_apart(given)
        graft, views = given if hasattr(given, "manifest") else None, None
        if isinstance(model, Pipeline) and isinstance(model.featuriser, ViewFeatures):
            views, (model, _) = model.featuriser, taken_apart(model.estimator_)
        if getattr(model, "supported_tasks", None) == ("segmentation",):
            raise MedgraftError(
                "A model that outlines has no columns to explain: its masks show what it found."
            )
        if names is None and hasattr(model, "predict_proba"):
            labels = range(len(getattr(model, "models_", ())))  # of several labels each has its model
            names = model.classes_.tolist() if hasattr(model, "classes_") else list(labels)
        return cls(model, names or [], graft, views)

    def frame(self, data: Any) -> pd.DataFrame:
        """Return the input columns of data, checked against a graft's contract, or those that views make."""
        if self.graft is not None:
            X = self.graft.input(data)
        else:
            X = data if isinstance(data, pd.DataFrame) else pd.DataFrame(np.asarray(data))
        return X if self.views is None else self.views.transform(X[[self.views.kind]])

    def predict(self, frame: pd.DataFrame) -> Floats:
        """Return chances (n, K), or values (n, 1)."""
        bare = self.graft is None and all(isinstance(c, int) for c in frame.columns)
        X = frame.to_numpy() if bare else frame
        if not self.names:
            return np.asarray(self.model.predict(X), dtype=float)[:, None]
        known = np.asarray(self.model.predict_proba(X), dtype=float)
        if self.graft is None or self.graft.manifest["task"] == "multilabel":
            return known
        out = np.zeros((len(known), len(self.names)))
        out[:, np.asarray(self.model.classes_, dtype=int)] = known
        return out

    def encoded(self) -> tuple[TableEncoder, Any] | None:
        """Return the encoder and the learner where the model is these two and nothing else."""
        model = self.model
        if not isinstance(model, TransferEstimator):
            return None
        own = [
            c for c in type(model).__mro__ if issubclass(c, TransferEstimator) and c is not TransferEstimator
        ]
        if any(name in vars(c) for c in own for name in ("_encode", "predict_proba", "predict")):
            return None
        encoder, learner = getattr(model, "encoder_", None), getattr(model, "learner_", None)
        return (encoder, learner) if isinstance(encoder, TableEncoder) and learner is not None else None

    def places(self, learner: Any) -> Ints:
        """Return where among `names` the learner's classes stand."""
        codes = np.asarray(learner.classes_, dtype=np.intp)
        return np.asarray(self.model.classes_[codes], dtype=np.intp) if self.graft is not None else codes


def owners(encoder: TableEncoder) -> Ints:
    """Return the input column that each encoded column is made of.

    Examples
    --------
    >>> X = pd.DataFrame({"sex": ["f", "m", "m", "x"], "age": [40.0, 60.0, np.nan, 50.0]})
    >>> e = TableEncoder().fit(X)
    >>> e.names_
    ['age', 'age is missing', 'sex=f', 'sex=m', 'sex=x']
    >>> owners(e).tolist()
    [1, 1, 0, 0, 0]
    """
    number = np.flatnonzero(encoder.number_)
    words = np.flatnonzero(~np.asarray(encoder.number_, dtype=bool))
    found = [number[encoder.value_columns_], number[encoder.gap_columns_]]
    for column, levels, gap in zip(words, encoder.levels_, encoder.word_gap_, strict=True):
        wide = (len(levels) if len(levels) != 2 or gap else 1) + gap if levels else 0
        found.append(np.full(wide, column))
    out = np.concatenate(found).astype(np.intp)
    return out if len(out) else np.zeros(1, dtype=np.intp)  # the column that says that nothing varies


def linear_rule(columns: ColumnModel, learner: Any, Z: Floats) -> tuple[Floats, Floats] | None:
    """Return coefficients (K, q) and intercepts (K,) of scores, where a learner is a linear rule on rows Z.

    Whether it is one is seen by its predictions, so that a learner of another make serves as well.
    """
    if not (hasattr(learner, "coef_") and hasattr(learner, "intercept_")):
        return None
    coef, bias = np.atleast_2d(learner.coef_), np.atleast_1d(learner.intercept_)
    if coef.ndim != 2 or coef.shape[1] != Z.shape[1] or len(coef) != len(bias):
        return None
    eta = Z @ coef.T + bias
    if not columns.names:
        same = np.allclose(learner.predict(Z), eta[:, 0])
        return (coef, bias) if same else None
    if len(learner.classes_) < 2:
        return None
    if len(coef) == 1:
        told, coef, bias = expit(np.hstack([-eta, eta])), np.vstack([-coef, coef]), np.r_[-bias, bias]
    else:
        told = softmax(eta, axis=1)
    p = np.asarray(learner.predict_proba(Z))
    if p.shape != told.shape or not np.allclose(p, told, atol=1e-9):
        return None
    full, start = np.zeros((len(columns.names), coef.shape[1])), np.zeros(len(columns.names))
    at = columns.places(learner)
    full[at], start[at] = coef, bias
    return full, start


@dataclass(frozen=True)
class TreeRule:
    """Trees whose sum is a model's output.

    Attributes
    ----------
    trees : Trees
    scale, shift : float or array (m,)
        Each tree's values are multiplied by `scale`; `shift` is added to their sum.
    standard : callable
        Encoded rows -> what the trees read.
    at : array (m,) of int
        Where among the model's outputs those of the trees stand.
    unit : str
        What the outputs are.
    """

    trees: Trees
    scale: float
    shift: Any
    standard: Any
    at: Ints
    unit: str


def tree_rule(columns: ColumnModel, learner: Any) -> TreeRule | None:
    """Return the trees that a learner is made of, or None."""
    unit = "chance" if columns.names else "value"
    if isinstance(learner, Trees):
        at = columns.places(learner) if columns.names else np.zeros(1, dtype=np.intp)
        return TreeRule(learner, 1 / len(learner.roots), 0.0, _as_it_is, at, unit)
    if isinstance(learner, Booster) and learner.trees is not None:
        at = columns.places(learner) if columns.names else np.zeros(1, dtype=np.intp)
        return TreeRule(learner.trees, 1.0, learner.start, _as_it_is, at, "score" if columns.names else unit)
    if isinstance(learner, ForestLearner) and hasattr(learner, "trees_"):
        scale, shift = 1 / len(learner.trees_.roots), 0.0
        if columns.names:
            at = columns.places(learner)[learner.place_]
        else:
            at = np.zeros(1, dtype=np.intp)
            scale, shift = scale * learner.value_scale_, learner.value_mean_
        return TreeRule(learner.trees_, scale, shift, learner._standard, at, unit)
    return None


def _as_it_is(Z: NDArray[Any]) -> NDArray[Any]:
    return Z
