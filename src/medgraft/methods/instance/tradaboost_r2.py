"""TrAdaBoost for values: in one stage, and in two."""

from __future__ import annotations

from typing import Any

import numpy as np

from medgraft.methods.instance.boosting import Boosted, Vote
from medgraft.methods.instance.tradaboost import Rounds
from medgraft.methods.notes import ROUNDS_ENDED
from medgraft.methods.registry import method
from medgraft.methods.sites import Sited
from medgraft.methods.splits import Floats, inner_folds, number_again
from medgraft.methods.table import InputError


@method(
    "tradaboost-r2",
    family="instance",
    tasks=("regression",),
    needs=("source", "target-labels"),
    cost="O(rounds) fits of a small tree",
    refs=(
        "Pardoe and Stone 2010, Boosting for regression transfer, Proc. ICML, 863-870",
        "Drucker 1997, Improving regressors using boosting techniques, Proc. ICML, 107-115",
    ),
)
class TrAdaBoostR2(Rounds):
    r"""Boost regression trees on source and target, and turn down source patients who are far off.

    Use it as ``tradaboost``, for values. Not where all sources are far off at once: their weight falls
    slowly, and ``two-stage-tradaboost-r2`` chooses how far it falls.

    As in `TrAdaBoost`, with the loss :math:`e_i = |y_i - h_t(x_i)| / \max_j |y_j - h_t(x_j)|` in place of
    :math:`|h_t - y_i|`; the prediction is the weighted median of the later half of the rounds, with weights
    :math:`\ln (1 / \beta_t)`.

    Parameters
    ----------
    task : "regression"
        Given by the task; see `TransferEstimator`.
    estimator : estimator, optional
        Weak learner with `sample_weight`; default a tree of four levels with leaves of 1 % of the weight.
    random_state
        See `TransferEstimator`.
    rounds : int
        N.

    Attributes
    ----------
    errors_ : array (rounds,)
        Weighted mean loss of the target in each round.
    weights_ : array (n,)
        Last weight of each given row over its first; 0 for rows that were not learned from.
    note_ : str
        Says so when nothing was transferred, or the rounds ended early.

    Raises
    ------
    InputError
        Fewer than two rounds.

    Notes
    -----
    The error is averaged over the target, as in Dai's algorithm. The rounds end as in `TrAdaBoost`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(240, 1))
    >>> site = ["a"] * 200 + ["t"] * 40
    >>> y = np.where(np.arange(240) < 100, -x[:, 0], x[:, 0])  # half of the source is upside down
    >>> m = TrAdaBoostR2(task="regression").fit(x, y, domain=site, target="t")
    >>> bool(m.weights_[:100].mean() < m.weights_[100:200].mean())
    True
    """

    def __init__(
        self, *, task: str = "regression", estimator: Any = None, random_state: int = 0, rounds: int = 20
    ) -> None:
        super().__init__(task=task, estimator=estimator, random_state=random_state, rounds=rounds)

    def _boost(self, boosted: Boosted, sited: Sited) -> Vote:
        vote, w, errors = boost_r2(boosted, boosted.weight, self.rounds)
        if len(errors) < self.rounds:
            self.note_ = ROUNDS_ENDED.format(len(errors))
        self.errors_ = np.array(errors)
        self.weights_ = np.zeros(sited.rows.n_given)
        self.weights_[sited.rows.index[sited.rows.labelled]] = w / boosted.weight
        return vote


@method(
    "two-stage-tradaboost-r2",
    family="instance",
    tasks=("regression",),
    needs=("source", "target-labels"),
    cost="O(steps * rounds * folds) fits of a small tree",
    refs=("Pardoe and Stone 2010, Boosting for regression transfer, Proc. ICML, 863-870",),
)
class TwoStageTrAdaBoostR2(Rounds):
    r"""Turn the source's share of the weight down step by step, and keep the share that predicts best.

    Use it where ``tradaboost-r2`` keeps too much, or too little, of the source. Not in a hurry.

    In step :math:`s = 0 \dots S - 1` the source's weights are multiplied by :math:`\beta_s^{e_i}`, with
    :math:`\beta_s` such that the target's share of all weight is :math:`q + \frac{s}{S - 1} (1 - q)`, where q
    is its share at the start. At each step AdaBoost.R2 runs with the source's weights held fast, and the step
    of the least error on held-out target patients (five folds, mean absolute error) is refitted on all rows.
    Rows that a source has of a held-out patient are held out with them.

    Parameters
    ----------
    task, estimator, random_state, rounds
        See `TrAdaBoostR2`.
    steps : int
        S.

    Attributes
    ----------
    step_ : int
        Step chosen; 0 gives the source its full weight, ``steps - 1`` none.
    step_errors_ : array (steps,)
        Held-out errors; empty with fewer than two labelled target patients, where step 0 is taken.
    weights_ : array (n,)
        Weight of each given row at the chosen step over its first.
    note_ : str
        Says so when nothing was transferred or chosen.

    Raises
    ------
    InputError
        Fewer than two rounds or steps.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(240, 1))
    >>> site = ["a"] * 200 + ["t"] * 40
    >>> y = np.where(np.arange(240) < 200, -x[:, 0], x[:, 0])  # the source is upside down
    >>> m = TwoStageTrAdaBoostR2(task="regression", rounds=5).fit(x, y, domain=site, target="t")
    >>> bool(m.weights_[:200].max() < 0.1)
    True
    """

    def __init__(
        self,
        *,
        task: str = "regression",
        estimator: Any = None,
        random_state: int = 0,
        rounds: int = 10,
        steps: int = 10,
    ) -> None:
        super().__init__(task=task, estimator=estimator, random_state=random_state, rounds=rounds)
        self.steps = steps

    def _boost(self, boosted: Boosted, sited: Sited) -> Vote:
        if self.steps < 2:
            raise InputError(f"steps must be at least 2, not {self.steps}.")
        weights = stages(boosted, self.steps)
        units = number_again(boosted.units[boosted.target])
        self.step_, self.step_errors_ = 0, np.empty(0)
        if len(np.unique(units)) > 1:
            fold = np.full(len(boosted.y), -1)
            fold[boosted.target] = inner_folds(units, k=5, seed=self.random_state)
            self.step_errors_ = self._held_out(boosted, fold)
            scale = float(self.step_errors_.max()) or 1.0
            self.step_ = int(np.argmin(np.round(self.step_errors_ / scale, 9)))
        else:
            self.note_ = "One labelled target patient allows no choice: the source kept its full weight."
        w = weights[self.step_]
        self.weights_ = np.zeros(sited.rows.n_given)
        self.weights_[sited.rows.index[sited.rows.labelled]] = w / boosted.weight
        return boost_r2(boosted, w, self.rounds, hold_source=True)[0]

    def _held_out(self, boosted: Boosted, fold: Floats) -> Floats:
        total = np.zeros(self.steps)
        for f in np.unique(fold[boosted.target]):
            held = fold == f
            # Not only the held-out rows: what a source knows of these patients goes, too.
            rest = boosted.take(~np.isin(boosted.units, boosted.units[held]))
            for s, w in enumerate(stages(rest, self.steps)):
                vote = boost_r2(rest, w, self.rounds, hold_source=True)[0]
                total[s] += boosted.weight[held] @ np.abs(vote.predict(boosted.Z[held]) - boosted.y[held])
        return np.asarray(total / boosted.weight[boosted.target].sum())


def boost_r2(
    rows: Boosted, start: Floats, rounds: int, *, hold_source: bool = False
) -> tuple[Vote, Floats, list[float]]:
    """Run the rounds from some weights; return the vote of the later half, the last weights, the errors.

    With `hold_source` it is AdaBoost.R2 whose source weights stay, and all rounds vote.
    """
    w, t = start.copy(), rows.target
    beta = rows.source_factor(rounds)
    least = 0.5 / max(float(rows.weight[t].sum()), 1.0)
    share = w[~t].sum() / w.sum()
    learners: list[Any] = []
    votes: list[float] = []
    errors: list[float] = []
    for _ in range(rounds):
        learner = rows.fit(w)
        loss = losses(learner, rows, w)
        error = float(w[t] @ loss[t] / w[t].sum())
        errors.append(error)
        ended = error >= 0.5
        if ended and learners:
            break
        bounded = min(max(error, least), 0.5)
        learners.append(learner)
        votes.append(float(np.log((1.0 - bounded) / bounded)))
        if ended:
            break
        if hold_source:
            w = w * np.where(t, np.exp(votes[-1] * loss), 1.0)
            w[t] *= (1.0 - share) / w[t].sum()
            w[~t] *= share / max(w[~t].sum(), 1e-300)
        else:
            w = w * np.where(t, np.exp(votes[-1] * loss), beta**loss)
            w = w / w.max()
    later = 0 if hold_source else len(learners) // 2
    return Vote(learners[later:], np.array(votes[later:])), w, errors


def losses(learner: Any, rows: Boosted, weight: Floats) -> Floats:
    """Absolute errors over the largest of those rows that weigh something."""
    off = np.abs(np.asarray(learner.predict(rows.Z)) - rows.y)
    most = off[weight > 1e-12 * weight.max()].max()
    return np.asarray(np.minimum(off / most, 1.0) if most > 0 else np.zeros_like(off))


def stages(rows: Boosted, steps: int) -> list[Floats]:
    """Weights at each step; the target's share of them grows evenly to 1."""
    w, t = rows.weight.copy(), rows.target
    w = w / w.sum()
    first, out = float(w[t].sum()), []
    for s in range(steps):
        out.append(w)
        if s + 1 == steps:
            break
        share = first + (s + 1) / (steps - 1) * (1.0 - first)
        loss = losses(rows.fit(w), rows, w)
        faded = _faded(w[~t], loss[~t], float(w[t].sum()), share)
        w = w.copy()
        w[~t] = faded
        w = w / w.sum()
    return out


def _faded(source: Floats, loss: Floats, target: float, share: float) -> Floats:
    """Source weights times beta^loss, with beta such that the target's share is `share`."""
    wanted = target * (1.0 - share) / share
    if wanted <= 0 or source.sum() <= 0:
        return np.zeros_like(source)
    low, high = -700.0, 0.0  # of ln beta: the sum of the weights grows with it
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if source @ np.exp(middle * loss) > wanted else (middle, high)
    faded = source * np.exp(0.5 * (low + high) * loss)
    return np.asarray(faded * min(1.0, wanted / max(faded.sum(), 1e-300)))
