"""Gradient boosting that starts at the source's booster and adds trees of the target's patients."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medgraft.methods.model.booster import Booster, Stages
from medgraft.methods.registry import method
from medgraft.methods.rows import Mask, Rows
from medgraft.methods.sites import Sited, SiteMethod, fewest_patients
from medgraft.methods.splits import Floats, inner_folds, number_again
from medgraft.methods.table import InputError
from medgraft.methods.trees import Trees

FOLDS = 5
PATIENCE = 10


@method(
    "boost-transfer",
    family="model",
    needs=("source", "target-labels"),
    cost="O(rounds p n log n), at most 10 000 rows a round",
    refs=("Friedman 2001, doi:10.1214/aos/1013203451",),
)
class BoostTransfer(SiteMethod):
    r"""Boost trees on the sources, then go on boosting on the target's patients from where the sources ended.

    Use it when relations are curved or interact, the sources are large and the target has some dozens of
    labels. Not when a line will do: with few target labels ``l2sp`` needs fewer of them.

    The source's booster is :math:`F_0(x) = c + \nu \sum_t h_t(x)`; at the target
    :math:`F_r = F_{r-1} + \nu h_r`, where :math:`h_r` is a small regression tree on the negative gradient
    of the loss at :math:`F_{r-1}` (log loss of the softmax, or half the squared error) whose leaves take
    Newton's step, :math:`\frac{K - 1}{K} \sum_i w_i g_i / \sum_i w_i p_i (1 - p_i)` for a class, the mean of
    what is left for a value. The number of rounds at the target, zero among them, has the least loss on
    held-out target patients; so does that at the sources, on held-out source patients.

    Parameters
    ----------
    task, random_state
        See `TransferEstimator`.
    estimator : None
        Must be None: the method has a model of its own.
    source_rounds, target_rounds : int
        Most rounds on either side; 0 target rounds leave the source's booster.
    rate : float
        :math:`\nu`, in (0, 1].
    depth : int
        Levels of a tree.
    leaf : int
        Fewest rows in a leaf.

    Attributes
    ----------
    rounds_ : tuple of int
        Rounds kept at the sources, and at the target.
    source_ : Booster
        The source's booster, on the caller's class codes.
    note_ : str
        Says so when there was no source, or too few target labels to choose by.

    Raises
    ------
    InputError
        An `estimator` was given, or a setting out of range.

    Notes
    -----
    All sources are pooled. One fold of five is held out on each side to choose the rounds; the search ends
    after ten rounds without gain, and the rounds chosen are then run on all patients. Above 10 000 rows each
    round draws so many. Memory O(n p). A class that the source lacks starts from half a patient.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(360, 2))
    >>> y = np.abs(X[:, 0]) + np.where(np.arange(360) < 300, 0.0, 1.0)  # the target lies one higher
    >>> site = np.repeat(["a", "here"], [300, 60])
    >>> m = BoostTransfer(task="regression").fit(X, y, domain=site, target="here")
    >>> bool(m.rounds_[1] > 0 and np.abs(m.predict(X[300:]) - y[300:]).mean() < 0.2)
    True
    """

    falls_back_to_pooled = False  # without a source it is a booster, which no linear learner equals

    def __init__(
        self,
        *,
        task: str = "classification",
        estimator: None = None,
        random_state: int = 0,
        source_rounds: int = 100,
        target_rounds: int = 100,
        rate: float = 0.1,
        depth: int = 3,
        leaf: int = 5,
    ) -> None:
        super().__init__(task=task, estimator=estimator, random_state=random_state)
        self.source_rounds = source_rounds
        self.target_rounds = target_rounds
        self.rate = rate
        self.depth = depth
        self.leaf = leaf

    def _fit(self, rows: Rows) -> None:
        if min(self.source_rounds, self.target_rounds) < 0 or not 0 < self.rate <= 1:
            raise InputError("Rounds must not be negative, and rate must lie above 0 and at most at 1.")
        if min(self.depth, self.leaf) < 1:
            raise InputError("depth and leaf must be 1 or more.")
        super()._fit(rows)

    def _alone(self, rows: Rows) -> None:
        sited = Sited.of(rows)
        self.encoder_ = sited.rows.encoder()
        Z = self.encoder_.transform(sited.rows.table)
        self.learner_, rounds = self._first(sited, Z, sited.rows.labelled)
        self.source_, self.rounds_ = self.learner_, (0, rounds)
        self._name(sited)

    def _transfer(self, sited: Sited) -> None:
        rows, here = sited.rows, sited.of_site(0)
        self.encoder_ = rows.encoder()
        Z = self.encoder_.transform(rows.table)
        self.source_, first = self._first(sited, Z, rows.labelled & (sited.site > 0))
        more = 0
        if here.any():
            stages = self._stages(sited, Z, here)
            scores = self.source_.scores(Z[here])
            more = self._rounds(stages, scores, sited, here, self.target_rounds)
            self.learner_ = self.source_.with_trees(stages.run(scores, more))
        else:
            self.note_ = "No target patient has a label: the source's booster was kept."
            self.learner_ = Booster(self.source_.start, self.source_.trees, self.source_.classes)
        self.rounds_ = (first, more)
        self._name(sited)

    def _stages(self, sited: Sited, Z: Floats, where: Mask) -> Stages:
        y, k = sited.rows.y[where], sited.rows.k
        aim = np.eye(k)[y.astype(np.intp)] if k else y[:, None].astype(float)
        w = sited.rows.weight[where]
        return Stages(Z[where], aim, w, self.depth, self.leaf, self.rate, self.random_state)

    def _first(self, sited: Sited, Z: Floats, where: Mask) -> tuple[Booster, int]:
        """A booster from nothing, and its rounds."""
        stages, k = self._stages(sited, Z, where), sited.rows.k
        sums = stages.w @ stages.aim
        start = np.log(np.maximum(sums, 0.5) / stages.w.sum()) if k else sums / stages.w.sum()
        scores = np.repeat(start[None], len(stages.aim), axis=0)
        rounds = self._rounds(stages, scores, sited, where, self.source_rounds)
        return Booster(start, None, np.arange(k) if k else None).with_trees(
            stages.run(scores, rounds)
        ), rounds

    def _rounds(self, stages: Stages, scores: Floats, sited: Sited, where: Mask, most: int) -> int:
        """Rounds of least loss on a held-out fifth of the patients; 0 where there are too few of them."""
        units, k = number_again(sited.rows.units[where]), sited.rows.k
        stratum = sited.rows.y[where].astype(np.intp) if k else None
        if units.max() + 1 < 2 * FOLDS or (stratum is not None and fewest_patients(stratum, units) < 2):
            if most and k != 1 and not self.note_:
                self.note_ = "Too few patients have a label to choose the rounds by: no tree was added."
            return 0
        weight = sited.rows.weight[where]
        test = inner_folds(units, k=FOLDS, seed=self.random_state, stratum=stratum, weight=weight) == 0
        train, held = stages.take(~test), stages.take(test)
        inside, outside = scores[~test], scores[test]
        best, least, since = 0, held.loss(outside), 0
        for r in range(1, most + 1):
            tree = replace(train, seed=self.random_state + r).run(inside, 1)[0]
            inside = inside + tree.predict_values(train.Z)
            outside = outside + tree.predict_values(held.Z)
            loss = held.loss(outside)
            best, least, since = (r, loss, 0) if loss < least * (1.0 - 1e-9) else (best, least, since + 1)
            if since == PATIENCE:
                break
        return best

    def _name(self, sited: Sited) -> None:
        """Bring both boosters to the caller's codes of the classes."""
        if sited.rows.k:
            order = np.argsort(sited.classes)
            self.source_, self.learner_ = (_ordered(b, order) for b in (self.source_, self.learner_))


def _ordered(booster: Booster, order: NDArray[Any]) -> Booster:
    trees = booster.trees
    if trees is not None:
        trees = Trees(**{**trees.get_params(deep=False), "value": trees.value[:, order]})
    return Booster(booster.start[order], trees, booster.classes)
