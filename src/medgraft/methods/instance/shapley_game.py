"""The game of Shapley transfer: which source rows and sites are worth something to some target rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from medgraft.methods.clock import times
from medgraft.methods.instance.shapley import knn_shapley, monte_carlo_shapley
from medgraft.methods.rows import Mask, Rows
from medgraft.methods.sites import Sited
from medgraft.methods.splits import Floats, Ints, forward_folds, inner_folds, number_again

if TYPE_CHECKING:
    from medgraft.methods.instance.shapley_transfer import ShapleyTransfer

PROPORTIONS = np.arange(11) / 10


@dataclass(frozen=True)
class Worth:
    """What some target rows say of the source.

    Parameters
    ----------
    rows : array (n,)
        Shapley value of each row; NaN where it was not a player.
    sites : dict of int to float
        Value of each site that was a player.
    order : array of int
        Rows of the sites of positive value, the most valuable first.
    """

    rows: Floats
    sites: dict[int, float]
    order: Ints

    def top(self, share: float) -> Ints:
        """The most valuable share of the rows, rounded up."""
        return self.order[: int(np.ceil(share * len(self.order) - 1e-9))]


class Game:
    """The players and their judges; lives only while fitting.

    Source rows of a held-out patient neither play nor teach, at whatever site they stand.
    """

    def __init__(self, method: ShapleyTransfer, sited: Sited, rows: Rows, Z: Floats) -> None:
        self.method, self.sited, self.rows, self.Z = method, sited, rows, Z
        self.when = None
        if method.time is not None and not rows.k:
            self.when = times(rows.table, method.time)

    def worth(self, judges: Mask, away: Mask | None = None) -> Worth:
        """Value the source by some of the target's labelled rows; rows that are away take no part."""
        here = self.rows.labelled if away is None else self.rows.labelled & ~away
        sites = self._alike(judges, here)
        players = np.flatnonzero(np.isin(self.sited.site, sites) & here)
        values = np.full(len(self.Z), np.nan)
        if not len(players):
            return Worth(values, {}, np.empty(0, dtype=np.intp))
        y = self.rows.y
        centre = np.average(y[judges], weights=self.rows.weight[judges]) if not self.rows.k else 0
        values[players] = knn_shapley(
            self.Z[players],
            y[players] - centre,
            self.Z[judges],
            y[judges] - centre,
            n_neighbours=self.method.n_neighbours,
            regression=not self.rows.k,
        )
        if self.method.value == "knn":
            worth = {s: float(np.nansum(values[self.sited.site == s])) for s in sites}
        else:
            worth = self._sampled(judges, sites, here)
        order = players[np.isin(self.sited.site[players], [s for s in sites if worth[s] > 0])]
        # Values that differ by rounding are one value: rows then stand in their own order.
        scale = np.abs(values[players]).max() or 1.0
        order = order[np.argsort(-np.round(values[order] / scale, 9), kind="stable")]
        return Worth(values, worth, order)

    def _alike(self, judges: Mask, here: Mask) -> list[int]:
        """Sites whose trend is like the target's; all of them where nobody asked for trends."""
        sites = [s for s in self.sited.sources if (self.sited.of_site(s) & here).any()]
        own = None if self.when is None else self._slope(judges)
        if own is None:
            return sites
        slopes = {s: self._slope(self.sited.of_site(s) & here) for s in sites}
        gaps = {s: abs(b - own) for s, b in slopes.items() if b is not None and np.sign(b) == np.sign(own)}
        return sorted(sorted(gaps, key=lambda s: (gaps[s], s))[: self.method.max_sites])

    def _slope(self, where: Mask) -> float | None:
        """Slope of y over time; None with fewer than two times."""
        assert self.when is not None
        seen = where & ~np.isnan(self.when)
        if not seen.any() or np.ptp(self.when[seen]) == 0:
            return None
        w, t, y = self.rows.weight[seen], self.when[seen], self.rows.y[seen]
        t = t - np.average(t, weights=w)
        return float(w @ (t * y) / (w @ t**2))

    def _sampled(self, judges: Mask, sites: list[int], here: Mask) -> dict[int, float]:
        folds = self._folds(judges)
        if folds is None:
            return dict.fromkeys(sites, 1.0)

        def value(taken: Mask) -> float:
            extra = np.isin(self.sited.site, np.array(sites)[taken]) & here
            parts = self._parts(judges, folds)
            return -sum(self._held_out(train | (extra & ~away), held) for held, train, away in parts)

        spread = abs(value(np.ones(len(sites), bool)) - value(np.zeros(len(sites), bool)))
        values, _ = monte_carlo_shapley(
            len(sites),
            value,
            n_permutations=self.method.permutations,
            tolerance=0.01 * spread,
            seed=self.method.random_state,
        )
        return dict(zip(sites, values.tolist(), strict=True))

    def losses(self, own: Mask) -> Floats:
        """Held-out loss at each proportion; empty where there is too little to choose by."""
        folds = self._folds(own)
        if folds is None:
            return np.empty(0)
        total = np.zeros(len(PROPORTIONS))
        for held, train, away in self._parts(own, folds):
            worth = self.worth(train, away)
            done: dict[int, float] = {}
            for i, share in enumerate(PROPORTIONS):
                rows = worth.top(share)
                if len(rows) not in done:
                    where = train.copy()
                    where[rows] = True
                    done[len(rows)] = self._held_out(where, held)
                total[i] += done[len(rows)]
        return np.asarray(total)

    def _folds(self, own: Mask) -> Ints | None:
        units = number_again(self.rows.units[own])
        stratum = self.sited.rows.y[own] if self.rows.k else None
        fold = np.full(len(own), -1, dtype=np.intp)
        if self.when is not None:
            fold[own] = forward_folds(units, self.when[own])
        else:
            seed, weight = self.method.random_state, self.rows.weight[own]
            fold[own] = inner_folds(units, k=5, seed=seed, stratum=stratum, weight=weight)
        return fold if len(np.unique(fold[own])) > 1 else None

    def _parts(self, own: Mask, folds: Ints) -> Iterator[tuple[Mask, Mask, Mask]]:
        """Held-out and training rows of the target, and every row of a patient who is not trained on.

        Where time counts only patients who ended before the held-out rows teach; see `forward_folds`.
        """
        for f in np.unique(folds[own])[int(self.when is not None) :]:
            held = own & (folds == f)
            beyond = own & (folds >= f) if self.when is not None else held
            away = np.isin(self.rows.units, self.rows.units[beyond])
            yield held, own & ~away, away

    def _held_out(self, train: Mask, held: Mask) -> float:
        """Loss of the learner summed over held-out rows."""
        method, w, y = self.method, self.rows.weight[held], self.rows.y[held]
        method._learn(self.Z, self.rows, train)
        learner = method.learner_
        if not self.rows.k:
            return float(w @ np.abs(np.asarray(learner.predict(self.Z[held])) - y))
        p = method._full(learner.predict_proba(self.Z[held]), learner.classes_)
        return float(-(w @ np.log(np.maximum(p[np.arange(len(y)), y], 1e-6))))
