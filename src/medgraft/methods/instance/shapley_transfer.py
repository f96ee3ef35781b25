"""Take from other patients, or sites, the records that are worth something to the target, and no more."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from medgraft.methods.instance.shapley_game import PROPORTIONS, Game
from medgraft.methods.notes import SOURCES_POOLED
from medgraft.methods.registry import method
from medgraft.methods.sites import Sited, SiteMethod
from medgraft.methods.table import InputError

VALUES = ("knn", "monte-carlo")


@method(
    "shapley-transfer",
    family="instance",
    needs=("source", "target-labels"),
    cost="O(t n log n) and 60 fits; t labelled target rows",
    refs=(
        "Xue et al. 2024, doi:10.1016/j.artmed.2024.102810",
        "Jia et al. 2019, Proc. VLDB Endow. 12(11):1610-1623, arXiv:1908.08619 (closed form)",
        "Ghorbani and Zou 2019, Proc. ICML 97:2242-2251, arXiv:1904.02868 (Monte Carlo)",
    ),
)
class ShapleyTransfer(SiteMethod):
    r"""Add to the target's labelled rows those source rows that have the largest Shapley value for them.

    Use it with many small sources, of which some mislead: other patients followed over time, many hospitals.
    Not with a handful of target labels, by which little can be valued.

    1. *Trend* (values, where `time` is given): of the sites whose slope of y over time has the target's sign
       the `max_sites` with the nearest slopes are kept.
    2. *Value*: row i is worth

       .. math:: \phi_i = \sum_{S \not\ni i} \frac{|S|! \, (n - |S| - 1)!}{n!} (v(S \cup i) - v(S)),

       v being how well the nearest `n_neighbours` rows of S predict the target's labelled rows (in closed
       form: `knn_shapley`). A site is worth the sum over its rows; with ``value="monte-carlo"``, what its
       rows add to the target's in the learner's own held-out loss (truncated sampling). Sites worth nothing
       or less are dropped.
    3. *Proportion*: of the rows left the best share p of 0, 0.1, ..., 1 is taken; p has the least held-out
       loss (absolute error, or log loss) over five folds of the target's patients. A fold's patients have no
       say in steps 1 and 2, and rows that a source has of them neither play nor teach. With `time`, folds are
       stretches of time, forecast from the stretches before.

    Parameters
    ----------
    task, estimator, random_state
        See `TransferEstimator`; the paper's learner is a random forest.
    time : str, optional
        Column of times of a target that is to be forecast; without it step 1 keeps every site.
    max_sites : int
        Sites kept by their trend.
    n_neighbours : int
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
        max_sites: int = 10,
        n_neighbours: int = 5,
        value: str = "knn",
        permutations: int = 50,
    ) -> None:
        super().__init__(task=task, estimator=estimator, random_state=random_state)
        self.time = time
        self.max_sites = max_sites
        self.n_neighbours = n_neighbours
        self.value = value
        self.permutations = permutations

    def _transfer(self, sited: Sited) -> None:
        self._check()
        # The learner sees the caller's codes: its probabilities are laid out by them.
        y = np.where(sited.rows.labelled, _codes(sited), sited.rows.y)
        rows = replace(sited.rows, y=y.astype(sited.rows.y.dtype))
        own = sited.of_site(0)
        if not own.any():
            self.note_ = SOURCES_POOLED
            self._alone(rows)
            return
        self.encoder_ = rows.encoder()
        game = Game(self, sited, rows, self.encoder_.transform(rows.table))
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
        for name in ("max_sites", "n_neighbours"):
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
