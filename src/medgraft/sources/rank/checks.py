"""What every score asks of its input, and the arrays it then works on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


def as_matrix(given: Any, n: int, what: str = "features") -> Floats:
    """Return (n, d) float64.

    Raises
    ------
    MedgraftError
        It is no matrix of finite numbers with n rows and at least one column.
    """
    try:
        F = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise MedgraftError(f"The {what} must be numbers, one row for each image.") from error
    if F.ndim != 2 or F.shape[1] == 0:
        raise MedgraftError(f"The {what} must be a matrix (images, {what}), not of shape {F.shape}.")
    if len(F) != n:
        raise MedgraftError(f"There are {len(F)} rows of {what} but {n} labels: give one label for each.")
    bad = int((~np.isfinite(F)).any(axis=1).sum())
    if bad:
        raise MedgraftError(f"The {what} of {bad} of {n} images are not finite: leave these images out.")
    return F


def as_codes(y: Any) -> Ints:
    """Return class codes 0 to K-1, (n,), of labels of any type.

    Raises
    ------
    MedgraftError
        A label is missing, or there are fewer than two classes.
    """
    labels = np.asarray(y)
    if labels.ndim != 1:
        raise MedgraftError(f"The labels must be one for each image, not of shape {labels.shape}.")
    unknown = sum(label is None or label != label for label in labels.tolist())
    if unknown:
        raise MedgraftError(f"The label of {unknown} of {len(labels)} images is missing: leave them out.")
    named = labels.astype(str) if labels.dtype == object else labels
    classes, codes = np.unique(named, return_inverse=True)
    if len(classes) < 2:
        raise MedgraftError(f"Ranking needs at least two classes; there are {len(classes)}.")
    return codes.astype(np.intp)


def as_values(y: Any) -> Floats:
    """Return values to predict, (n,), with mean 0 and standard deviation 1.

    Raises
    ------
    MedgraftError
        One is missing or no number, or all are equal.
    """
    try:
        values = np.asarray(y, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise MedgraftError("The values to predict must be numbers.") from error
    if values.ndim != 1 or not np.isfinite(values).all():
        raise MedgraftError("The values to predict must be one finite number for each image.")
    if len(values) < 2 or values.min() == values.max():
        raise MedgraftError("Ranking needs values that differ; all are the same.")
    spread: Floats = values - values.mean()
    return spread / spread.std()


def class_rows(codes: Ints) -> list[Ints]:
    """Return the rows of each class."""
    return [np.flatnonzero(codes == c) for c in range(int(codes.max()) + 1)]


def one_row_a_class(score: str) -> MedgraftError:
    """Return the error of a score that needs a spread within classes."""
    return MedgraftError(f"{score} needs at least two images of every class; a class has only one.")
