"""Weight source patients by how many target patients fall into their cell of nearest neighbours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from medgraft.methods.instance.weighting import Side, Weighting
from medgraft.methods.registry import method
from medgraft.methods.splits import Floats

CUTS = 10
BLOCK = 100_000  # distances at once: they fit into a cache
MIN_ROWS = 64  # of a block, however many cells there are: a product of single rows is slow
TIED = 1e-10  # of the squared scale: under it two squared distances differ by rounding alone


@dataclass(frozen=True)
class Cells:
    """The mean of density ratios that are constant in cells of nearest neighbours.

    Parameters
    ----------
    centres : list of array (m, p)
        One array for each way of cutting the space into cells.
    values : list of array (m,)
    """

    centres: list[Floats]
    values: list[Floats]

    def __call__(self, Z: Floats) -> Floats:
        """Ratio (n,) of encoded rows."""
        out = np.zeros(len(Z))
        for centres, value in zip(self.centres, self.values, strict=True):
            for at, share in _shares(Z, centres):
                out[at] += share @ value
        return out / len(self.centres)


def _shares(Z: Floats, centres: Floats) -> Iterator[tuple[slice, Floats]]:
    """Share (rows, m) of each row in each cell, block by block: 1 in the nearest, parted where several are.

    A tie must not be decided by rounding, which follows the order of rows and columns.
    """
    square, twice = (centres**2).sum(axis=1), 2.0 * centres.T
    step = max(BLOCK // len(centres), MIN_ROWS)
    for start in range(0, len(Z), step):
        at = slice(start, start + step)
        own = (Z[at] ** 2).sum(axis=1)[:, None]
        distance = Z[at] @ twice  # without the square of the row, which is the same for all cells
        np.subtract(square, distance, out=distance)
        least = distance.min(axis=1, keepdims=True)
        near = distance <= least + TIED * np.maximum(own, 2.0 * own + least)
        yield at, near / near.sum(axis=1, keepdims=True)


def _counts(side: Side, centres: Floats) -> Floats:
    """Weight of a side's rows in each cell."""
    out = np.zeros(len(centres))
    for at, share in _shares(side.Z, centres):
        out += side.weight[at] @ share
    return out


@method(
    "nearest-neighbour-weighting",
    family="instance",
    needs=("source", "target-rows"),
    cost="O(n m p), m cells",
    refs=("Loog 2012, doi:10.1109/MLSP.2012.6349714",),
)
class NearestNeighbourWeighting(Weighting):
    r"""Weight the source's patients by the number of target patients nearest to them.

    Use it under covariate shift as the simplest of the weightings: no width, no penalty. Not beyond some ten
    features, where the nearest neighbour is hardly nearer than any other.

    The space is cut into the cells of m source rows drawn at random; in cell c the ratio is

    .. math:: r_c = \frac{(t_c + 1) / (n_t + m)}{(s_c + 1) / (n_s + m)}

    with :math:`t_c` and :math:`s_c` target and source rows in it; a row that is as near to j cells counts 1/j
    in each. With every distinct source row a cell of its own (``cells=None``) this is the paper's count with
    Laplace smoothing; else up to ten cuts with other rows are averaged, which smooths the borders.

    Parameters
    ----------
    task, estimator, random_state
        See `TransferEstimator`; the random state also picks the cells.
    cells : int or "auto" or None
        m; "auto" is one and a half times the cube root of the number of distinct source rows.

    Attributes
    ----------
    weights_, ess_, note_
        As in `ULSIF`.

    Notes
    -----
    Larger cells trade the resolution of the paper's for a variance that is smaller by the rows in a cell.
    Memory O(n p); with ``cells=None`` the time is O(n^2 p). Distances that differ by less than 1e-10 of
    their scale are equal.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = np.r_[rng.normal(0, 1, (200, 1)), rng.normal(1, 1, (50, 1))]
    >>> site = ["a"] * 200 + ["b"] * 50
    >>> m = NearestNeighbourWeighting()
    >>> m = m.fit(X, X[:, 0] > 0, domain=site, target="b", labelled=np.arange(250) < 200)
    >>> w = m.weights_[:200]
    >>> bool(w[X[:200, 0] > 1].mean() > w[X[:200, 0] < 0].mean())
    True
    """

    def __init__(
        self,
        *,
        task: str = "classification",
        estimator: Any = None,
        random_state: int = 0,
        cells: int | str | None = "auto",
    ) -> None:
        super().__init__(task=task, estimator=estimator, random_state=random_state)
        self.cells = cells

    def _estimate(self, source: Side, target: Side) -> Cells:
        places = source.places(len(source.Z))
        n = len(places)
        m = min(n, int(np.ceil(1.5 * np.cbrt(n)))) if self.cells == "auto" else self.cells
        m = n if m is None else min(max(int(m), 1), n)
        cuts = [places[m * i : m * (i + 1)] for i in range(min(CUTS, n // m))]
        values = []
        for centres in cuts:
            s, t = (_counts(side, centres) for side in (source, target))
            values.append(((t + 1.0) / (t.sum() + m)) / ((s + 1.0) / (s.sum() + m)))
        return Cells(cuts, values)
