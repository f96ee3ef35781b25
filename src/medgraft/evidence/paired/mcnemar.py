"""The test of two paired proportions, and the interval of their difference."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy.signal import convolve
from scipy.special import stdtrit
from scipy.stats import binom

from medgraft.base import MedgraftError
from medgraft.evidence.interval import check_level
from medgraft.evidence.metrics.base import Floats
from medgraft.evidence.paired.difference import Difference, mean_of_rows, patients, yes_no
from medgraft.evidence.score_interval import score_interval

Kind: TypeAlias = Literal["mid-p", "exact"]


def sign_flips(sums: Floats) -> tuple[float, float]:
    r"""Return the chances of a sum as far from zero as :math:`\sum_k d_k`, or exactly as far, under flips.

    Where the two arms are alike, each patient's :math:`d_k` could as well have the other sign: the sum is
    then :math:`\sum_k \epsilon_k |d_k|` with fair signs. Its distribution is exact: patients with equal
    :math:`|d_k|` make a binomial one, and these are convolved. Sums are whole numbers.
    """
    sizes, times = np.unique(np.abs(sums[sums != 0]).astype(np.int64), return_counts=True)
    chance = np.ones(1)
    for size, m in zip(sizes, times, strict=True):
        step = np.zeros(2 * size * m + 1)
        step[:: 2 * size] = binom.pmf(np.arange(m + 1), m, 0.5)
        chance = np.maximum(convolve(chance, step), 0.0)  # a Fourier transform may leave -1e-18
    middle = len(chance) // 2
    far = np.abs(np.arange(len(chance)) - middle)
    seen = abs(int(sums.sum()))
    return min(1.0, float(chance[far >= seen].sum())), float(chance[far == seen].sum())


def mcnemar(
    arm: ArrayLike,
    control: ArrayLike,
    *,
    group: ArrayLike | None = None,
    kind: Kind = "mid-p",
    level: float = 0.95,
) -> Difference:
    r"""Test whether two arms are right equally often on the same rows.

    Use it for yes/no outcomes at a threshold that was fixed beforehand: accuracy (every row), sensitivity
    (rows with the event only), specificity (rows without). Not for scores, whose order `delong_test`
    compares, nor for several repeats of a cross-validation, which are no new patients: there use
    `medgraft.evidence.compare`.

    The difference is :math:`D = (b - c)/n`, with b rows on which only the arm is right and c on which only
    the control is. Tested is, with :math:`d_k = b_k - c_k` of patient k,

    .. math:: p = P\Bigl(\bigl|\textstyle\sum_k \epsilon_k d_k\bigr| \ge \bigl|\sum_k d_k\bigr|\Bigr),
              \qquad \epsilon_k = \pm 1 \text{ evenly}

    which with one row a patient is McNemar's exact test (b is binomial with a chance of one half among the
    discordant b + c), and with several flips all rows of a patient together; it is the exact counterpart of
    the clustered test of Yang, Sun and Hardin (2010). The "mid-p" counts outcomes exactly as extreme as the
    observed one half: rarely above its nominal level, while the "exact" one, which never is, rejects too
    rarely (Fagerland, Lydersen and Laake 2013).

    The interval is Tango's score interval (`medgraft.evidence.score_interval`), good for few patients and
    rare disagreement. With several rows a patient, b, c and n are first divided by the design effect, the
    variance of D over patients by the one over rows (Rao and Scott 1992); at most by the mean rows per
    patient where no row shows a difference. It need not agree with the test to the last digit: the two are
    built differently.

    Parameters
    ----------
    arm, control : (n,) array
        1 (or True) where the arm, or the control, is right on a row.
    group : (n,) array, default every row its own
        Patients.
    kind : {"mid-p", "exact"}
        Of the p-value.
    level : float
        Nominal coverage of the interval.

    Returns
    -------
    Difference
        Of the proportions, arm minus control.

    Raises
    ------
    MedgraftError
        Lengths differ, a value is not 0 or 1, or there is no such kind.

    Notes
    -----
    Cost O(n log n).

    References
    ----------
    McNemar 1947, doi:10.1007/BF02295996. Fagerland, Lydersen and Laake 2013, doi:10.1186/1471-2288-13-91.
    Tango 1998, Statistics in Medicine 17, 891-908. Yang, Sun and Hardin 2010, doi:10.1002/bimj.201000035. Rao
    and Scott 1992, doi:10.2307/2532311.

    Examples
    --------
    Of 21 patients the control alone is right on 7, the arm alone on 1:

    >>> arm, control = [1] * 1 + [0] * 7 + [1] * 13, [0] * 1 + [1] * 7 + [1] * 13
    >>> got = mcnemar(arm, control)
    >>> round(got.value, 3), round(got.lo, 3), round(got.hi, 3), round(got.p_value, 4)
    (-0.286, -0.517, -0.026, 0.0391)
    """
    check_level(level)
    if kind not in ("mid-p", "exact"):
        raise MedgraftError(f"There is no p-value of kind '{kind}': use 'mid-p' or 'exact'.")
    first = yes_no("arm", arm)
    n = len(first)
    rows = first - yes_no("control", control, n)
    who = patients(group, n)
    value, se, k = mean_of_rows(rows, who)
    b, c = float((rows > 0).sum()), float((rows < 0).sum())

    sums = np.bincount(who, weights=rows, minlength=k).astype(float)
    p, tie = sign_flips(sums)
    if kind == "mid-p" and sums.any():
        p -= tie / 2
    alone = float(np.square(rows - value).sum()) / n**2  # variance of D, were rows independent
    over = se**2 * (k - 1) / k if k > 1 else 0.0
    effect = over / alone if over > 0 else n / k
    z = -float(stdtrit(k - 1 if k < n else np.inf, (1 - level) / 2))
    lo, hi = score_interval([1.0, -1.0, 0.0], np.array([b, c, n - b - c]) / effect, z)
    return Difference(value, float(lo), float(hi), p, se, k - 1, k, level)
