"""Take from other patients, or sites, the records that are worth something to the target, and no more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from medgraft.methods.clock import times
from medgraft.methods.instance.shapley import knn_shapley, monte_carlo_shapley
from medgraft.methods.registry import method
from medgraft.methods.rows import Mask, Rows
from medgraft.methods.sites import Sited, SiteMethod
from medgraft.methods.splits import Floats, Ints, forward_folds, inner_folds, number_again
from medgraft.methods.table import InputError

PROPORTIONS = np.arange(11) / 10
VALUES = ("knn", "monte-carlo")


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


@method(
    "shapley-transfer",
    family="instance",
    needs=("source", "target-labels"),
    cost="O(t n log n) and 60 fits; t labelled target rows",
    refs=(
        "Xue et al. 2024, doi:10.1016/j.artmed.2024.102810",
        "Jia et al. 2019, Proc. VLDB Endow. 12(11):1610-1623 (nearest neighbours in closed form)",
        "Ghorbani and Zou 2019, Proc. ICML, 2242-2251 (Monte Carlo)",
    ),
)
class ShapleyTransfer(SiteMethod):
    r"""Add to the target's labelled rows those source rows that have the largest Shapley value for them.

    Use it with many small sources, of which some mislead: other patients followed over time, many hospitals.
    Not with a handful of target labels, by which little can be valued.

    1. *Trend* (values, where `time` is given): of the sites whose slope of y over time has the target's sign
       the `most` with the nearest slopes are kept.
    2. *Value*: row i is worth

       .. math:: \phi_i = \sum_{S \not\ni i} \frac{|S|! \, (n - |S| - 1)!}{n!} (v(S \cup i) - v(S)),

       v being how well the k nearest rows of S predict the target's labelled rows (in closed form:
       `knn_shapley`). A site is worth the sum over its rows; with ``value="monte-carlo"``, what its rows add
       to the target's in the learner's own held-out loss (truncated sampling). Sites worth nothing or less
       are dropped.
    3. *Proportion*: of the rows left the best share p of 0, 0.1, ..., 1 is taken; p has the least held-out
       loss (absolute error, or log loss) over five folds of the target's patients, each fold's rows having no
       say in steps 1 and 2. With `time`, folds are stretches of time, forecast from the stretches before.

    Parameters
    ----------
    task, estimator, random_state
        See `TransferEstimator`; the paper's learner is a random forest.
    time : str, optional
        Column of times of a target that is to be forecast; without it step 1 keeps every site.
    most : int
        Sites kept by their trend.
    k : int
        Neighbours of the game.
    value : {"knn", "monte-carlo"}
        How sites are valued.
    permutations : int
        Random orders of the sites, with "monte-carlo".

    Attributes
    ----------
    values_ : array (n,)
        Value of each given row; NaN for rows that were no players.
    site_values_ : dict of name to float
        Value of each site that was a player.
    proportion_ : float
        p.
    losses_ : array (11,)
        Held-out loss at each p, summed over rows; empty where there was too little to choose by, and p = 1
        was taken.
    weights_ : array (n,)
        1 for rows that were learned from, else 0.
    note_ : str
        Says so when nothing was, or could be, chosen.

    Raises
    ------
    InputError
        A number below 1, an unknown `value`, no such column of times.

    Notes
    -----
    The paper's game has the learner itself as players' judge for rows, too; nearest neighbours make it
    thousands of times cheaper, and the order of the values nearly the same. p = 0, which transfers nothing,
    is ours. Source rows alone are the players: the target's rows judge, and would be their own neighbours.
    Copies of a row are one player. Memory O(n) beside the features.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(130, 1))
    >>> site = np.repeat(["like", "unlike", "here"], [50, 50, 30])
    >>> y = np.where(site == "unlike", -x[:, 0], x[:, 0])
    >>> m = ShapleyTransfer(task="regression").fit(x, y, domain=site, target="here")
    >>> m.site_values_["like"] > 0 > m.site_values_["unlike"]
    True
    """

    own_learner = False

    def __init__(
        self,
        *,
        task: str = "classification",
        estimator: Any = None,
        random_state: int = 0,
        time: str | None = None,
        most: int = 10,
        k: int = 5,
        value: str = "knn",
        permutations: int = 50,
    ) -> None:
        super().__init__(task=task, estimator=estimator, random_state=random_state)
        self.time = time
        self.most = most
        self.k = k
        self.value = value
        self.permutations = permutations

    def _transfer(self, sited: Sited) -> None:
        self._check()
        # The learner sees the caller's codes: its probabilities are laid out by them.
        y = np.where(sited.rows.labelled, _codes(sited), sited.rows.y)
        rows = replace(sited.rows, y=y.astype(sited.rows.y.dtype))
        own = sited.of_site(0)
        if not own.any():
            self.note_ = "No target patient has a label: all sources were pooled."
            self._alone(rows)
            return
        self.encoder_ = rows.encoder()
        game = _Game(self, sited, rows, self.encoder_.transform(rows.table))
        worth = game.worth(own)
        self.losses_ = game.losses(own)
        self.proportion_ = 1.0
        if len(self.losses_):  # of losses that differ by rounding the first counts: it takes the fewest rows
            best = int(np.argmin(np.round(self.losses_ / (self.losses_.max() or 1.0), 9)))
            self.proportion_ = float(PROPORTIONS[best])
        else:
            self.note_ = "The target has too few labelled patients to choose a proportion by: all was taken."
        taken = own.copy()
        taken[worth.top(self.proportion_)] = True
        self._learn(game.Z, rows, taken)
        self.values_ = np.full(rows.n_given, np.nan)
        self.values_[rows.index] = worth.rows
        self.site_values_ = {sited.names[s]: v for s, v in worth.sites.items()}
        self.weights_ = np.zeros(rows.n_given)
        self.weights_[rows.index[taken]] = 1.0

    def _check(self) -> None:
        for name in ("most", "k"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be at least 1, not {getattr(self, name)}.")
        if self.permutations < 2:
            raise InputError(f"permutations must be at least 2, not {self.permutations}.")
        if self.value not in VALUES:
            raise InputError(f"value must be one of {', '.join(VALUES)}, not {self.value!r}.")


def _codes(sited: Sited) -> Any:
    if not sited.rows.k:
        return sited.rows.y
    return sited.classes[np.maximum(sited.rows.y, 0)]


class _Game:
    """The players and their judges; lives only while fitting."""

    def __init__(self, method: ShapleyTransfer, sited: Sited, rows: Rows, Z: Floats) -> None:
        self.method, self.sited, self.rows, self.Z = method, sited, rows, Z
        self.when = None
        if method.time is not None and not rows.k:
            self.when = times(rows.table, method.time)

    def worth(self, judges: Mask) -> Worth:
        """Value the source by some of the target's labelled rows."""
        sites = self._alike(judges)
        players = np.flatnonzero(np.isin(self.sited.site, sites) & self.rows.labelled)
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
            k=self.method.k,
            regression=not self.rows.k,
        )
        if self.method.value == "knn":
            worth = {s: float(np.nansum(values[self.sited.site == s])) for s in sites}
        else:
            worth = self._sampled(judges, sites)
        order = players[np.isin(self.sited.site[players], [s for s in sites if worth[s] > 0])]
        # Values that differ by rounding are one value: rows then stand in their own order.
        scale = np.abs(values[players]).max() or 1.0
        order = order[np.argsort(-np.round(values[order] / scale, 9), kind="stable")]
        return Worth(values, worth, order)

    def _alike(self, judges: Mask) -> list[int]:
        """Sites whose trend is like the target's; all of them where nobody asked for trends."""
        sites = self.sited.sources
        own = None if self.when is None else self._slope(judges)
        if own is None:
            return sites
        slopes = {s: self._slope(self.sited.of_site(s)) for s in sites}
        gaps = {s: abs(b - own) for s, b in slopes.items() if b is not None and np.sign(b) == np.sign(own)}
        return sorted(sorted(gaps, key=lambda s: (gaps[s], s))[: self.method.most])

    def _slope(self, where: Mask) -> float | None:
        """Slope of y over time; None with fewer than two times."""
        assert self.when is not None
        seen = where & ~np.isnan(self.when)
        if not seen.any() or np.ptp(self.when[seen]) == 0:
            return None
        w, t, y = self.rows.weight[seen], self.when[seen], self.rows.y[seen]
        t = t - np.average(t, weights=w)
        return float(w @ (t * y) / (w @ t**2))

    def _sampled(self, judges: Mask, sites: list[int]) -> dict[int, float]:
        folds = self._folds(judges)
        if folds is None:
            return dict.fromkeys(sites, 1.0)

        def value(taken: Mask) -> float:
            extra = np.isin(self.sited.site, np.array(sites)[taken]) & self.rows.labelled
            return -self._loss(judges, folds, lambda train: train | extra)

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
        for held, train in self._parts(own, folds):
            worth = self.worth(train)
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
            fold[own] = inner_folds(units, k=5, seed=self.method.random_state, stratum=stratum)
        return fold if len(np.unique(fold[own])) > 1 else None

    def _parts(self, own: Mask, folds: Ints) -> Iterator[tuple[Mask, Mask]]:
        """Held-out and training rows of the target; only earlier rows teach where time counts."""
        for f in np.unique(folds[own])[int(self.when is not None) :]:
            held = own & (folds == f)
            yield held, own & (folds < f) if self.when is not None else own & ~held

    def _loss(self, own: Mask, folds: Ints, train_on: Callable[[Mask], Mask]) -> float:
        return sum(self._held_out(train_on(train), held) for held, train in self._parts(own, folds))

    def _held_out(self, train: Mask, held: Mask) -> float:
        """Loss of the learner summed over held-out rows."""
        method, w, y = self.method, self.rows.weight[held], self.rows.y[held]
        method._learn(self.Z, self.rows, train)
        learner = method.learner_
        if not self.rows.k:
            return float(w @ np.abs(np.asarray(learner.predict(self.Z[held])) - y))
        p = method._full(learner.predict_proba(self.Z[held]), learner.classes_)
        return float(-(w @ np.log(np.maximum(p[np.arange(len(y)), y], 1e-6))))
