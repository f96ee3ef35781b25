"""Lay a cohort's columns out as a published model reads them, and say how many of its probes were there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medgraft.base import MedgraftError

Floats = NDArray[np.float64]
ENOUGH = 0.6  # share of a model's probes under which its output is mostly that of its own training centre


@dataclass(frozen=True)
class ProbeReport:
    """Which of a model's probes a cohort has.

    Attributes
    ----------
    wanted : int
        Probes that the model reads.
    missing : tuple of str
        Those that the cohort lacks, filled with the model's centre in every row.
    gaps : int
        Single values that were missing in probes that are there, filled in the same way.
    unused : int
        Columns of the cohort that the model does not read.
    """

    wanted: int
    missing: tuple[str, ...]
    gaps: int
    unused: int

    @property
    def found(self) -> int:
        """Number of the model's probes that the cohort has."""
        return self.wanted - len(self.missing)

    @property
    def share(self) -> float:
        """Share of the model's probes that the cohort has, 0 to 1."""
        return self.found / self.wanted

    def sentence(self) -> str:
        """Say it in one sentence."""
        gaps = f", and so were {self.gaps:,} single gaps" if self.gaps else ""
        return (
            f"{self.found:,} of {self.wanted:,} probes found ({self.share:.1%}), {len(self.missing):,} "
            f"filled with the model's centre{gaps}; columns not used: {self.unused:,}."
        )

    def to_dict(self) -> dict[str, Any]:
        """Return counts and names, JSON-able."""
        return {
            "sentence": self.sentence(),
            "wanted": self.wanted,
            "found": self.found,
            "share": self.share,
            "missing": list(self.missing),
            "gaps": self.gaps,
            "unused": self.unused,
        }


def match_probes(
    values: ArrayLike,
    names: Sequence[str],
    wanted: Sequence[str],
    reference_fill: ArrayLike,
    *,
    scale: ArrayLike | None = None,
    enough: float = ENOUGH,
    allow: bool = False,
) -> tuple[Floats, ProbeReport]:
    r"""Order columns as a model reads them, fill what is missing with its training centre, and report it.

    Use it in front of any published model on named columns (CpG probes, genes, analytes). Not to hide that
    most of them are missing: the model then answers from its intercept, and calls that an age.

    With the model's centre c and scale s, column j of the answer is

    .. math:: z_{ij} = (x_{ij} - c_j) / s_j, \qquad z_{ij} = 0 \text{ where } x_{ij} \text{ is missing};

    without a scale it is :math:`x_{ij}`, and :math:`c_j` where that is missing.

    Parameters
    ----------
    values : array (n, q)
        The cohort's, in the model's units (beta values for a methylation clock); NaN is a gap.
    names : sequence of str (q,)
        Names of the columns; no name of the model's twice.
    wanted : sequence of str (p,)
        Names of the model's probes, in its order.
    reference_fill : array (p,)
        c, in the units of `values`.
    scale : array (p,), optional
        s, more than 0.
    enough : float, default 0.6
        Share of the probes that must be there.
    allow : bool, default False
        Go on with fewer, which the report says.

    Returns
    -------
    array (n, p)
        Float64, without gaps.
    ProbeReport

    Raises
    ------
    MedgraftError
        Shapes do not match, a probe is there twice, values are infinite, a scale is not above 0, or too few
        probes are there.

    Notes
    -----
    Names are compared letter by letter: probes of newer arrays that carry a suffix must be renamed (and
    averaged) before. Cost and memory O(n p).

    Examples
    --------
    >>> Z, report = match_probes([[0.9, 0.2]], ["cg2", "cg9"], ["cg1", "cg2"], [0.4, 0.5], scale=[0.1, 0.2],
    ...                          allow=True)
    >>> Z.round(9).tolist()
    [[0.0, 2.0]]
    >>> report.sentence()
    "1 of 2 probes found (50.0%), 1 filled with the model's centre; columns not used: 1."
    """
    X = np.asarray(values, dtype=np.float64)
    if X.ndim != 2 or X.shape[1] != len(names):
        raise MedgraftError(f"The values have the shape {X.shape} and {len(names)} names: give one a column.")
    centre = np.asarray(reference_fill, dtype=np.float64)
    spread = np.ones(len(wanted)) if scale is None else np.asarray(scale, dtype=np.float64)
    for what, given in (("reference_fill", centre), ("scale", spread)):
        if given.shape != (len(wanted),) or not np.isfinite(given).all():
            raise MedgraftError(f"{what} must hold one finite number for each of {len(wanted)} probes.")
    if not len(wanted) or not (spread > 0).all():
        raise MedgraftError("The model must read a probe at least, and every scale must be more than 0.")
    place: dict[str, int] = {}
    of_model = set(wanted)
    if len(of_model) < len(wanted):
        raise MedgraftError("The model's list names a probe twice: give each name once.")
    for j, name in enumerate(names):
        if name in of_model and place.setdefault(name, j) != j:
            raise MedgraftError(f"The probe '{name}' is in two columns: keep one of them, or their mean.")
    missing = tuple(name for name in wanted if name not in place)
    out = np.repeat(centre[None], len(X), axis=0)
    to = np.array([i for i, name in enumerate(wanted) if name in place], dtype=np.intp)
    found = X[:, [place[wanted[i]] for i in to]]
    gap = np.isnan(found)
    if np.isinf(found).any():
        raise MedgraftError("The values hold infinity: leave a gap where nothing was measured.")
    out[:, to] = np.where(gap, centre[to], found)
    report = ProbeReport(len(wanted), missing, int(gap.sum()), len(names) - len(place))
    if report.share < enough and not allow:
        raise MedgraftError(
            f"{report.sentence()} Under {enough:.0%} the model would mostly answer from its own training "
            "centre: check that the names are the model's, or say allow=True."
        )
    return (out - centre) / spread if scale is not None else out, report
