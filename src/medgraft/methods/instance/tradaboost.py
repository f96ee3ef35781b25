"""Boosting that listens to source patients as long as they agree with the target's."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np

from medgraft.methods.instance.boosting import Boosted, Vote, chance
from medgraft.methods.notes import ROUNDS_ENDED, SOURCES_POOLED
from medgraft.methods.registry import method
from medgraft.methods.sites import Sited, SiteMethod
from medgraft.methods.splits import Floats
from medgraft.methods.table import InputError


class Rounds(SiteMethod):
    """Base of the boosting methods: labels of the target are needed, and a number of rounds.

    Derive from it and implement ``_boost(rows, sited)``, which returns the fitted vote.
    """

    own_learner = False

    def __init__(
        self, *, task: str = "classification", estimator: Any = None, random_state: int = 0, rounds: int = 20
    ) -> None:
        super().__init__(task=task, estimator=estimator, random_state=random_state)
        self.rounds = rounds

    def _transfer(self, sited: Sited) -> None:
        if self.rounds < 2:
            raise InputError(f"rounds must be at least 2, not {self.rounds}.")
        if not sited.of_site(0).any():
            self.note_ = SOURCES_POOLED
            self._alone(sited.rows)
            return
        self.encoder_ = sited.rows.encoder()
        Z = self.encoder_.transform(sited.rows.table)
        boosted = Boosted.of(sited, Z, self.estimator, self.random_state)
        self.learner_ = self._boost(boosted, sited)

    @abstractmethod
    def _boost(self, boosted: Boosted, sited: Sited) -> Vote:
        """Return the fitted vote."""


@method(
    "tradaboost",
    family="instance",
    tasks=("binary",),
    needs=("source", "target-labels"),
    cost="O(rounds) fits of a small tree",
    refs=("Dai, Yang, Xue and Yu 2007, doi:10.1145/1273496.1273521",),
)
class TrAdaBoost(Rounds):
    r"""Boost trees on source and target, and turn down source patients who are predicted wrongly.

    Use it with some dozens of labelled target patients and sources of which some rows follow another rule.
    Not with a handful of target labels: the rounds are led by the target's errors alone.

    With n source and m target rows and N rounds, round t fits :math:`h_t(x) \in [0, 1]` to the weights
    :math:`w`, takes the target's error :math:`\epsilon_t = \sum_{i \in 0} w_i |h_t(x_i) - y_i| /
    \sum_{i \in 0} w_i`, and multiplies

    .. math:: w_i \leftarrow w_i \beta^{|h_t - y_i|} \text{ (source)}, \quad
        w_i \leftarrow w_i \beta_t^{-|h_t - y_i|} \text{ (target)}, \quad
        \beta = \frac{1}{1 + \sqrt{2 \ln n / N}}, \quad \beta_t = \frac{\epsilon_t}{1 - \epsilon_t}.

    The later half of the rounds votes: :math:`P(y = 1 \mid x) = \sum_t a_t h_t(x) / \sum_t a_t` with
    :math:`a_t = \ln (1 / \beta_t)`; the decision at 1/2 is the paper's.

    Parameters
    ----------
    task, random_state
        See `TransferEstimator`.
    estimator : estimator, optional
        Weak learner with `sample_weight` and `predict_proba`; default a tree of four levels, leaves of at
        least 1 % of the weight.
    rounds : int
        N.

    Attributes
    ----------
    errors_ : array (rounds,)
        :math:`\epsilon_t`.
    weights_ : array (n,)
        Last weight of each given row over its first; 0 for rows that were not learned from.
    note_ : str
        Says so when nothing was transferred, or the rounds ended early.

    Raises
    ------
    InputError
        Fewer than two rounds; more than two classes.

    Notes
    -----
    The rounds end when :math:`\epsilon_t \ge 1/2`, before that round's tree counts (the first one always
    does). An error under half a target row, 1 / 2m, counts as that: a perfect round would outvote all
    others. Rows of equal content are one row with the sum of their weights.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(240, 1))
    >>> site = ["a"] * 200 + ["t"] * 40
    >>> y = np.where(np.arange(240) < 100, x[:, 0] < 0, x[:, 0] > 0)  # half of the source is upside down
    >>> m = TrAdaBoost().fit(x, y, domain=site, target="t")
    >>> bool(m.weights_[:100].mean() < m.weights_[100:200].mean())
    True
    """

    def _boost(self, boosted: Boosted, sited: Sited) -> Vote:
        vote, w, errors = boost(boosted, self.rounds)
        if len(errors) < self.rounds:
            self.note_ = ROUNDS_ENDED.format(len(errors))
        self.errors_ = np.array(errors)
        self.weights_ = np.zeros(sited.rows.n_given)
        self.weights_[sited.rows.index[sited.rows.labelled]] = w / boosted.weight
        vote.classes = sited.classes
        return vote


def boost(rows: Boosted, rounds: int) -> tuple[Vote, Floats, list[float]]:
    """Run the rounds; return the vote of the later half, the last weights and the target's errors."""
    w, t = rows.weight.copy(), rows.target
    beta = rows.source_factor(rounds)
    least = 0.5 / max(float(rows.weight[t].sum()), 1.0)
    learners: list[Any] = []
    votes: list[float] = []
    errors: list[float] = []
    for _ in range(rounds):
        learner = rows.fit(w)
        wrong = np.abs(chance(learner, rows.Z) - rows.y)
        error = float(w[t] @ wrong[t] / w[t].sum())
        errors.append(error)
        ended = error >= 0.5
        if ended and learners:
            break
        bounded = min(max(error, least), 0.5)
        learners.append(learner)
        votes.append(float(np.log((1.0 - bounded) / bounded)))
        if ended:
            break
        w = w * np.where(t, np.exp(votes[-1] * wrong), beta**wrong)
        w = w / w.max()
    later = len(learners) // 2
    return Vote(learners[later:], np.array(votes[later:]), np.array([0, 1])), w, errors
