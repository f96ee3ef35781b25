"""The nearest known cases, as the model sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import cdist

from medgraft.base import MedgraftError
from medgraft.methods.explain.columns import ColumnModel
from medgraft.methods.explain.scores import scores_of
from medgraft.methods.finetune.features import BackboneFeatures
from medgraft.methods.finetune.linear_probe import LinearProbe
from medgraft.methods.finetune.trained import NetworkEstimator
from medgraft.methods.pipeline import Pipeline
from medgraft.methods.splits import Floats, Ints

ROWS = 256  # queries whose distances are in memory at once


@dataclass(frozen=True, eq=False)
class Nearest:
    """Known cases near some samples.

    Attributes
    ----------
    rows : array (n, k) of int
        Rows of the reference cohort, the nearest first; of a patient with several rows the nearest one.
    distance : array (n, k)
        Euclidean distance of the model's features.
    typical : float
        Median distance of reference patients to the nearest other: what is near, and what is far.
    """

    rows: Ints
    distance: Floats
    typical: float


def nearest(
    model: Any,
    samples: Any,
    cohort: Any,
    *,
    k: int = 5,
    group: ArrayLike | None = None,
    exclude: ArrayLike | None = None,
) -> Nearest:
    r"""Find the patients of a cohort that look to a model most like some samples.

    Use it to put a prediction beside cases whose course is known. Not as a reason for the prediction: the
    model has weighed its features, and the distance has not.

    With the features :math:`\phi` that the model's last step reads, on the scale it reads them (a network's
    last hidden layer, standardised by the head; a table's encoded columns), the k patients of least
    :math:`\min_{i \in g} \|\phi(x) - \phi(x_i)\|`.

    Parameters
    ----------
    model : estimator or Graft
        A method of tables, or one that reads images with one network.
    samples : DataFrame, Cohort or path
        The samples (n) to find cases for.
    cohort : DataFrame, Cohort or path
        The reference (m): mostly the training data. A graft holds none, and keeps none of these.
    k : int
        How many patients.
    group : array (m,), optional
        Patients of the reference; default each row its own.
    exclude : array (n,), optional
        The patient of each sample, by the names in `group`, who is no case of its own.

    Returns
    -------
    Nearest

    Raises
    ------
    MedgraftError
        The model has no features of its own, or there are fewer than k patients.

    Notes
    -----
    Cost: features of all samples; O(n m d). Source: Papernot and McDaniel 2018, arXiv:1803.04765 (of which
    the distances alone are taken).

    Examples
    --------
    >>> from medgraft.methods.controls.pooled import Pooled
    >>> X = pd.DataFrame({"age": [40.0, 50.0, 60.0, 70.0] * 5})
    >>> m = Pooled(task="regression").fit(X, X["age"])
    >>> nearest(m, pd.DataFrame({"age": [52.0]}), X.iloc[:4], k=2).rows.tolist()
    [[1, 2]]
    """
    known, query = features(model, cohort), features(model, samples)
    names = np.arange(len(known)) if group is None else np.asarray(group)
    if names.shape != (len(known),):
        raise MedgraftError(f"'group' has shape {names.shape}, but the cohort has {len(known)} rows.")
    patients, who = np.unique(names.astype(str), return_inverse=True)
    own = np.full(len(query), -1)
    if exclude is not None:
        place = {name: i for i, name in enumerate(patients)}
        own = np.array([place.get(str(name), -1) for name in np.asarray(exclude)])
    if not 1 <= k <= len(patients) - bool((own >= 0).any()):
        raise MedgraftError(
            f"There are {len(patients)} patients in the cohort: ask for 1 or more, but not {k}."
        )
    rows, distance = _closest(query, known, who, own, k)
    _, apart = _closest(known, known, who, who, 1) if len(patients) > 1 else (rows, np.zeros((1, 1)))
    return Nearest(rows, distance, float(np.median(apart)))


def _closest(query: Floats, known: Floats, who: Ints, own: Ints, k: int) -> tuple[Ints, Floats]:
    """Return rows and distances (n, k) of the nearest patients but the sample's own."""
    order = np.argsort(who, kind="stable")
    starts = np.flatnonzero(np.diff(who[order], prepend=-1))
    rows, distance = np.empty((len(query), k), dtype=np.intp), np.empty((len(query), k))
    for first in range(0, len(query), ROWS):
        apart = cdist(query[first : first + ROWS], known)
        least = np.minimum.reduceat(apart[:, order], starts, axis=1)
        mine = own[first : first + ROWS]
        least[np.flatnonzero(mine >= 0), mine[mine >= 0]] = np.inf
        near = np.argsort(least, axis=1, kind="stable")[:, :k]
        for i, patients in enumerate(near):
            for j, patient in enumerate(patients):
                members = np.flatnonzero(who == patient)
                rows[first + i, j] = members[apart[i, members].argmin()]
                distance[first + i, j] = least[i, patient]
    return rows, distance


def features(model: Any, data: Any) -> Floats:
    """Return what the last step of a model reads of samples (n, d), on its own scale.

    Raises
    ------
    MedgraftError
        The model has no single last step.
    """
    columns = ColumnModel.of(model)
    fitted, frame = columns.model, columns.frame(data)
    if isinstance(fitted, LinearProbe):
        return np.asarray((fitted.featuriser_.transform(frame) - fitted.mean_) / fitted.scale_, dtype=float)
    if isinstance(fitted, NetworkEstimator):
        head = fitted.network_.head
        found = fitted._features([str(path) for path in frame[scores_of(model).kind]])
        return np.asarray((found - head.mean.numpy()) / head.scale.numpy(), dtype=float)
    X: Any = frame
    while isinstance(fitted, Pipeline):
        frozen = isinstance(fitted.featuriser, BackboneFeatures)
        X, fitted = fitted._features(X[[fitted_kind(X)]] if frozen else X), fitted.estimator_
    if not hasattr(fitted, "_encode"):
        raise MedgraftError(
            f"'{type(fitted).__name__}' is made of several models: it has no features of its own."
        )
    named = hasattr(fitted, "feature_names_in_") or not isinstance(X, pd.DataFrame)
    return np.asarray(fitted._encode(X if named else X.to_numpy()), dtype=float)


def fitted_kind(X: pd.DataFrame) -> str:
    """Return the column that holds references."""
    from medgraft.methods.finetune.images import kind_of

    return kind_of(X)


def told(found: Nearest, ids: ArrayLike, labels: ArrayLike | None) -> list[list[dict[str, Any]]]:
    """Return the cases of each sample, JSON-able: id, distance, label.

    Parameters
    ----------
    found : Nearest
    ids : array (m,)
        Of the cohort's rows.
    labels : array (m,), optional
    """
    names: NDArray[Any] = np.asarray(ids)
    known = None if labels is None else np.asarray(labels).tolist()
    return [
        [
            {"id": str(names[row]), "distance": float(far)} | ({} if known is None else {"label": known[row]})
            for row, far in zip(rows, distances, strict=True)
        ]
        for rows, distances in zip(found.rows, found.distance, strict=True)
    ]
