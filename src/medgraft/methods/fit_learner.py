"""How a learner inside a method is fitted: the same for a given one and for the default one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.utils.validation import has_fit_parameter

from medgraft.methods.learner import default_learner
from medgraft.methods.splits import Floats, Ints
from medgraft.methods.table import InputError
from medgraft.methods.trees import as_arrays


def fit_learner(
    estimator: Any,
    Z: Floats,
    y: NDArray[Any],
    *,
    weight: Floats,
    units: Ints,
    task: str = "classification",
    random_state: int = 0,
    again: Floats | None = None,
) -> Any:
    """Fit a copy of `estimator` with weights and patients, as far as it takes them.

    Parameters
    ----------
    estimator : scikit-learn estimator or None
        None: the `default_learner`, which is also used where all rows have one class.
    Z : array (n, p)
        Features without gaps.
    y : array (n,)
        Class codes, or values.
    weight : array (n,)
        Positive weights.
    units : array (n,) of int
        Patients, given as ``groups``.
    task, random_state
        Of the default learner.
    again : array (m, v, p), optional
        Some samples measured v times, for a step that asks which features are repeatable.

    Returns
    -------
    estimator
        Fitted; a tree or averaging forest as `Trees`.

    Raises
    ------
    InputError
        Weights differ, and the estimator takes none.

    Examples
    --------
    >>> x, ones = np.arange(20.0)[:, None], np.ones(20)
    >>> fitted = fit_learner(None, x, 3 * x[:, 0] + 1, weight=ones, units=np.arange(20), task="regression")
    >>> float(fitted.predict([[2.0]])[0].round(2))
    7.0
    """
    single = task != "regression" and len(np.unique(y)) == 1
    default = estimator is None or single
    learner: Any = default_learner(task, random_state) if default else clone(estimator)
    extra: dict[str, Any] = {}
    if has_fit_parameter(learner, "groups"):
        extra["groups"] = units
    if again is not None and has_fit_parameter(learner, "again"):
        extra["again"] = again
    if has_fit_parameter(learner, "sample_weight"):
        extra["sample_weight"] = weight
    elif np.ptp(weight) > 0:
        raise InputError(f"{type(learner).__name__} takes no sample_weight: give an estimator that does.")
    return as_arrays(learner.fit(Z, y, **extra))
