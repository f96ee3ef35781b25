"""What the methods that weight source patients share: distinct rows, clipping, fallbacks, the final fit."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from medgraft.methods.base import TransferEstimator
from medgraft.methods.instance.ratio import distinct, even_out
from medgraft.methods.rows import Mask, Rows
from medgraft.methods.splits import Floats, Ints, inner_folds, number_again


@dataclass(frozen=True)
class Side:
    """Distinct encoded rows of each patient of one side, in a random order of their content and the seed.

    Parameters
    ----------
    Z : array (n, p)
    weight : array (n,)
        Summed over copies.
    units : array (n,) of int
        Patients; rows without known patients are patients of their own, all copies of a row one.
    """

    Z: Floats
    weight: Floats
    units: Ints

    @property
    def repeats(self) -> bool:
        """Whether some patient has several rows."""
        return len(np.unique(self.units)) < len(self.units)

    def places(self, count: int) -> Floats:
        """First `count` distinct rows, whichever patients have them."""
        return distinct(self.Z, count)


class Weighting(TransferEstimator):
    """Base of the methods that weight source rows by a density ratio target/source.

    Derive from it and implement ``_estimate(source, target)``, which returns the ratio as a function of
    encoded rows. Ratios are scaled to mean 1, cut at the root of the number of source rows and scaled again;
    labelled target rows join with weight 1.
    """

    estimates_ratio = True  # the contract test holds weights_ against the true density ratio

    def _fit(self, rows: Rows) -> None:
        self.encoder_ = rows.encoder()
        Z = self.encoder_.transform(rows.table)
        factor = self._factors(Z, rows)
        self.weights_ = np.zeros(rows.n_given)
        self.weights_[rows.index] = factor
        v, f = rows.weight[rows.source], factor[rows.source]
        self.ess_ = float((v @ f) ** 2 / (v @ f**2)) if len(v) else 0.0
        self._learn(Z, rows, factor > 0, rows.weight * factor)

    def _factors(self, Z: Floats, rows: Rows) -> Floats:
        factor = np.ones(len(Z))
        source, target = (side_of(Z, rows, where, self.random_state) for where in (rows.source, rows.target))
        if min(len(source.Z), len(target.Z)) < 2:
            self.note_ = "A density ratio needs two source and two target patients: no row was weighted."
            return factor
        ratio = self._estimate(source, target)
        raw, w = ratio(Z[rows.source]), rows.weight[rows.source]
        usable = rows.labelled[rows.source]
        if not raw.any() or (usable.any() and not raw[usable].any()):
            self.note_ = (
                "Source and target do not overlap: every weight would be zero, so no row was weighted."
            )
            return factor
        factor[rows.source] = even_out(raw, w)
        return factor

    @abstractmethod
    def _estimate(self, source: Side, target: Side) -> Callable[[Floats], Floats]:
        """Return the density ratio as a function of encoded rows (n, p)."""


def side_of(Z: Floats, rows: Rows, where: Mask, seed: int) -> Side:
    """Distinct rows of `where`, ready for the estimate of a density ratio.

    Copies of a row are merged within a patient; among all where no patient has two different rows.
    """
    content = np.unique(rows.table.keys(), return_inverse=True)[1].reshape(-1)
    units, size = rows.units, int(rows.units.max()) + 1
    if len(np.unique(content * size + units)) == len(np.unique(units)):
        # The least patient of a row stands for all: it belongs to the content, not to the order of the file.
        least = np.full(len(content), size)
        np.minimum.at(least, content, units)
        units = least[content]
    at = np.flatnonzero(where)
    _, first, back = np.unique((content * size + units)[at], return_index=True, return_inverse=True)
    weight = np.zeros(len(first))
    np.add.at(weight, back.reshape(-1), rows.weight[at])
    order = np.random.default_rng(seed).permutation(len(first))
    return Side(Z[at[first]][order], weight[order], units[at[first]][order])


def patient_folds(source: Side, target: Side, seed: int) -> tuple[Ints, Ints]:
    """Five folds of whole patients, each with its share of both sides."""
    us, ut = source.units, target.units
    side = np.repeat([0, 1], [len(us), len(ut)])
    weight = np.r_[source.weight, target.weight]
    both = inner_folds(number_again(np.r_[us, ut]), k=5, seed=seed, stratum=side, weight=weight)
    return both[: len(us)], both[len(us) :]
