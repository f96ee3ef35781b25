"""Selection of features that come out the same when a patient is measured again."""

from __future__ import annotations

from typing import Any

import numpy as np

from medgraft.methods.learners.base import Lesson
from medgraft.methods.prepare.reduce import Selecting
from medgraft.methods.prepare.registry import step
from medgraft.methods.splits import Floats, Ints
from medgraft.methods.table import InputError


@step(
    "icc-select",
    around="learner",
    does="select",
    refs=("Shrout and Fleiss 1979, doi:10.1037/0033-2909.86.2.420",),
)
class ICCSelect(Selecting):
    r"""Keep the features that differ between patients more than between measurements of one patient.

    Use it where patients have several rows that measure the same (test and retest, neighbouring slices, two
    readers), with the column of patients given; or in ``linear-probe`` and ``fusion`` on images, which are
    then seen again from two other views. Not where the rows of a patient are to differ, as over the course of
    a disease: there it drops what changes.

    With k patients of :math:`n_i` rows each, N in all, and the mean squares between and within patients,

    .. math::

        \mathrm{ICC}(1,1) = \frac{MS_B - MS_W}{MS_B + (n_0 - 1) MS_W}, \qquad
        n_0 = \frac{N - \sum_i n_i^2 / N}{k - 1},

    the one-way form, since rows of a patient need not come from the same two readers in the same order. Views
    of images are the same for all, so that k images, v views of each and the mean squares of rows, columns
    and errors give agreement,

    .. math::

        \mathrm{ICC}(2,1) = \frac{MS_R - MS_E}{MS_R + (v - 1) MS_E + v (MS_C - MS_E) / k}.

    Parameters
    ----------
    estimator, task, random_state
        See `Reducing`.
    threshold : float
        Smallest ICC of a feature that is kept; 0.75 is called good.

    Attributes
    ----------
    icc_ : array (p,)
        ICC of each feature; 0 where it does not vary.
    columns_ : array of int
        The columns kept.
    learner_ : estimator
        Fitted on these, with all rows.

    Raises
    ------
    InputError
        Fewer than two patients have several rows.

    Notes
    -----
    Labels are not read. Views are the image turned by 4 degrees to either side and cut to its middle 92 %, of
    at most 60 images. Patients with one row play no part in the ICC. A copy of a row is no second
    measurement, and weights count for the learner alone. Cost O(n p).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> patient = np.repeat(np.arange(30), 2)
    >>> steady, noise = rng.normal(size=30)[patient], rng.normal(size=60)
    >>> X = np.column_stack([steady + 0.1 * noise, noise])
    >>> ICCSelect().fit(X, steady > 0, groups=patient).columns_.tolist()
    [0]
    """

    asks_again = True  # a method of images then sees some again

    def __init__(
        self,
        estimator: Any = None,
        *,
        threshold: float = 0.75,
        task: str = "classification",
        random_state: int = 0,
    ) -> None:
        self.estimator = estimator
        self.threshold = threshold
        self.task = task
        self.random_state = random_state

    def _kept(self, lesson: Lesson) -> Ints:
        if self._again is not None:
            self.icc_ = agreement(self._again)
            return np.flatnonzero(self.icc_ >= self.threshold)
        rows = np.bincount(lesson.units)
        if (rows > 1).sum() < 2:
            raise InputError(
                "icc-select needs at least two patients with several rows that measure the same: name the "
                "column of patients (--group), or leave the step out."
            )
        again = rows[lesson.units] > 1
        self.icc_ = icc(lesson.Z[again], lesson.units[again])
        return np.flatnonzero(self.icc_ >= self.threshold)


def agreement(A: Floats) -> Floats:
    """Return ICC(2,1) of each feature (p,) of k samples measured v times, A (k, v, p).

    Examples
    --------
    >>> x = np.array([1.0, 2.0, 4.0])
    >>> agreement(np.stack([x, x], axis=1)[:, :, None]).tolist()
    [1.0]
    """
    k, v, _ = A.shape
    if k < 2 or v < 2:
        raise InputError("icc-select needs at least two samples that were measured twice.")
    mean = A.mean(axis=(0, 1))
    rows, columns = A.mean(axis=1), A.mean(axis=0)
    ms_rows = v * ((rows - mean) ** 2).sum(axis=0) / (k - 1)
    ms_columns = k * ((columns - mean) ** 2).sum(axis=0) / (v - 1)
    rest = A - rows[:, None] - columns[None] + mean
    ms_error = (rest**2).sum(axis=(0, 1)) / ((k - 1) * (v - 1))
    total = ms_rows + (v - 1) * ms_error + v * (ms_columns - ms_error) / k
    return np.asarray(np.divide(ms_rows - ms_error, total, out=np.zeros_like(total), where=total > 1e-12))


def icc(Z: Floats, units: Ints) -> Floats:
    """Return ICC(1,1) of each column (p,) of rows Z (n, p) of at least two patients `units` (n,).

    Examples
    --------
    >>> icc(np.array([[1.0], [1.0], [2.0], [2.0]]), np.array([0, 0, 1, 1])).tolist()
    [1.0]
    """
    _, code, size = np.unique(units, return_inverse=True, return_counts=True)
    k, n = len(size), len(Z)
    sums = np.zeros((k, Z.shape[1]))
    np.add.at(sums, code, Z)
    mean = sums / size[:, None]
    between = size @ (mean - Z.mean(axis=0)) ** 2 / (k - 1)
    within = ((Z - mean[code]) ** 2).sum(axis=0) / (n - k)
    n0 = (n - (size**2).sum() / n) / (k - 1)
    total = between + (n0 - 1) * within
    return np.asarray(np.divide(between - within, total, out=np.zeros_like(total), where=total > 1e-12))
