"""Two arms whose measure is a mean over rows: absolute errors, Brier scores, Dice."""

from __future__ import annotations

from dataclasses import replace

from numpy.typing import ArrayLike

from medgraft.evidence.interval import check_level
from medgraft.evidence.paired.difference import Difference, column, mean_of_rows, patients, student


def paired_t(
    arm: ArrayLike, control: ArrayLike, *, group: ArrayLike | None = None, level: float = 0.95
) -> Difference:
    r"""Test whether two arms differ in the mean of what each row scores.

    Use it where the metric is a mean over rows (absolute error, Brier score, Dice), as an answer in closed
    form beside the bootstrap of `medgraft.evidence.compare`. Not for the AUROC, which is no mean over rows
    (`delong_test`), nor for right and wrong on few patients (`mcnemar`), nor for very skewed scores on few
    patients, where Student's t is only roughly right; nor for several repeats.

    With D the mean difference and s its standard error over K patients (see `mean_of_rows`), tested is
    :math:`D / s` against Student's t with K - 1 degrees of freedom: the paired t test, with all rows of a
    patient together.

    Parameters
    ----------
    arm, control : (n,) array
        What each row scores, such as its absolute error.
    group : (n,) array, default every row its own
        Patients.
    level : float
        Nominal coverage of the interval.

    Returns
    -------
    Difference
        Of the means, arm minus control.

    Raises
    ------
    MedgraftError
        Lengths differ, or a value is not finite.

    Notes
    -----
    Cost O(n log n).

    References
    ----------
    Student 1908, doi:10.1093/biomet/6.1.1. Rows of one patient as a ratio of sums: Cochran 1977, Sampling
    Techniques, ch. 9.

    Examples
    --------
    >>> got = paired_t([1.0, 2.0, 4.0], [0.0, 1.0, 2.0])
    >>> round(got.value, 3), round(got.p_value, 3)  # t = 4 with 2 degrees of freedom
    (1.333, 0.057)
    """
    check_level(level)
    first = column("arm", arm)
    rows = first - column("control", control, len(first))
    value, se, k = mean_of_rows(rows, patients(group, len(rows)))
    got = student(value, se, k - 1, k, level)
    return got if k > 1 else replace(got, note="One patient allows no interval.")
