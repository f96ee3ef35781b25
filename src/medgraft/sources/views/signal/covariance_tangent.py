"""How channels go together, as a point of a flat space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError
from medgraft.cohort.media import Signal
from medgraft.sources.montage import whole
from medgraft.sources.spd import covariance, log_spd
from medgraft.sources.views.base import View, view
from medgraft.sources.views.signal.base import as_row, once


@view(
    "covariance-tangent",
    kind="signal",
    refs=(
        "Arsigny et al. 2006, doi:10.1002/mrm.20965",
        "Barachant et al. 2012, doi:10.1109/TBME.2011.2172210",
    ),
)
@dataclass(frozen=True)
class CovarianceTangent(View):
    r"""Upper triangle of the logarithm of the channels' covariance: C (C + 1) / 2 numbers.

    Use it for several channels filtered to one band, as motor imagery in EEG: the log makes differences of
    scale sums, and plain learners work on it. Not for one channel (it is ``log`` of the variance), nor where
    channels are many and samples few: the logarithm then is of the shrinkage.

    With :math:`\Sigma = (1 - g) S + g \frac{\operatorname{tr} S}{C} I`, S the covariance over time, the
    numbers are :math:`\log \Sigma_{ii}` and :math:`\sqrt2 \log \Sigma_{ij}`, i < j, so that distances between
    rows are log-Euclidean ones, :math:`\|\log \Sigma_1 - \log \Sigma_2\|_F`.

    Parameters
    ----------
    shrinkage : float, default 0.01
        g, from 0 to 1; above 0 it keeps the logarithm finite where channels depend on each other, as with an
        average reference.

    Raises
    ------
    MedgraftError
        The covariance is singular (with g = 0), or there are gaps.

    Notes
    -----
    All numbers of a signal without any variance are NaN. Natural logarithms, of squared units. Cost:
    O(C^2 L + C^3).

    Examples
    --------
    >>> s = Signal(np.array([[3, -3, 3, -3], [1, 1, -1, -1]], np.float32), 1.0, ("C3", "C4"), ("uV", "uV"))
    >>> v = CovarianceTangent(shrinkage=0)
    >>> v.names(s), v(s).round().tolist()
    (['C3 C3 log-covariance', 'C3 C4 log-covariance', 'C4 C4 log-covariance'], [2.0, 0.0, 0.0])
    """

    shrinkage: float = 0.01

    def __post_init__(self) -> None:
        if not 0 <= self.shrinkage <= 1:
            raise MedgraftError(f"The shrinkage of a covariance is from 0 to 1, not {self.shrinkage}.")

    def names(self, sample: Signal) -> list[str]:
        """Return ``"channel channel log-covariance"``, row by row of the upper triangle."""
        names = once(sample.channels)
        return [f"{a} {b} log-covariance" for i, a in enumerate(names) for b in names[i:]]

    def __call__(self, sample: Signal) -> NDArray[np.float32]:
        """Return the numbers (C (C + 1) / 2,)."""
        X = whole(sample)
        rows, columns = np.triu_indices(len(X))
        S = covariance(X - X.mean(axis=1, keepdims=True), self.shrinkage)
        if not np.trace(S) > 0:
            return np.full(len(rows), np.nan, np.float32)
        weight = np.where(rows == columns, 1.0, np.sqrt(2.0))
        return as_row(log_spd(S)[rows, columns] * weight)
