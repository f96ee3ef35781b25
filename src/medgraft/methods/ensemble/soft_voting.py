"""Soft voting: the weighted mean of the members' predictions."""

from __future__ import annotations

from typing import Any

import numpy as np

from medgraft.evidence import default_metric
from medgraft.evidence.metrics import metrics
from medgraft.methods.ensemble.base import Ensemble, HeldOut
from medgraft.methods.inner_fits import by_patient
from medgraft.methods.registry import method
from medgraft.methods.splits import Floats
from medgraft.methods.table import InputError
from medgraft.search import Simplex, Space, searches

WEIGHTS = ("equal", "search")
BY = ("loss", "metric")


@method(
    "soft-voting",
    family="ensemble",
    cost="one fit of each member; with weights=search (inner folds) more",
    refs=("Kittler et al. 1998, doi:10.1109/34.667881 (the sum rule)",),
)
class SoftVoting(Ensemble):
    r"""Soft voting: the mean of the members' probabilities, with equal weights or weights that are searched.

    Use it with equal weights where there are too few labels to learn anything from, which is often: a mean of
    good and different arms is hard to beat. Not where some members are far worse than others: then
    ``weights="search"``, or `stacking`.

    It predicts :math:`\sum_m w_m p_m(x)`, :math:`w \ge 0`, :math:`\sum_m w_m = 1`. Searched weights minimise
    the loss (log loss, squared error) or the trial's metric of predictions of rows that the members did not
    learn from: target patients, whole, are held out in turn (source patients where no target patient has a
    label). The search starts from equal weights.

    Parameters
    ----------
    candidates : dict of name to estimator, optional
        What the members are taken from; default the transfer methods registered as defaults that read
        arrays. In a trial they are its other transfer arms.
    members : str
        Names or patterns of the members, "|" between them (``"coral|trans-*"``); empty: all.
    weights : str
        "equal" or "search".
    search : str
        Optimiser of the weights: a name in `medgraft.search.searches`.
    budget : int
        Weight vectors that it may try.
    by : str
        "loss", or "metric" for the trial's metric.
    metric : str
        "auto" is the default metric of the task.
    inner_folds : int
        Folds in which predictions of held-out rows are made; 1: a quarter of the patients is held out once.
    time : str, optional
        Column of times of a target that is to be forecast, as in `guarded`.
    aggregate : str, optional
        How the rows of a patient are joined before the metric is taken; see `medgraft.evidence.aggregate`.
        The loss is that of the rows.
    task : str
        ``"classification"`` or ``"regression"``.
    random_state : int
        Seed of the inner splits and of the search.

    Attributes
    ----------
    weights_ : array (M,)
        Weight of each member.
    members_ : dict of name to estimator
        The members, each fitted on all training rows.
    report_ : dict
        Members, weights, and who was left out.

    Notes
    -----
    A member that remembers its training rows gains nothing by it: no row counts that a member learnt from.
    Memory: all members.

    Examples
    --------
    >>> from medgraft.methods.controls.pooled import Pooled
    >>> from medgraft.methods.controls.majority import Majority
    >>> x = np.linspace(-1, 1, 40)[:, None]
    >>> arms = {"pooled": Pooled(), "majority": Majority()}
    >>> m = SoftVoting(arms, weights="search", search="random").fit(x, (x[:, 0] > 0).astype(int))
    >>> bool(m.weights_[0] > 0.9)
    True
    """

    def __init__(
        self,
        candidates: dict[str, Any] | None = None,
        *,
        members: str = "",
        weights: str = "equal",
        search: str = "pso",
        budget: int = 200,
        by: str = "loss",
        metric: str = "auto",
        inner_folds: int = 3,
        time: str | None = None,
        aggregate: str | None = None,
        task: str = "classification",
        random_state: int = 0,
    ) -> None:
        self.candidates = candidates
        self.members = members
        self.weights = weights
        self.search = search
        self.budget = budget
        self.by = by
        self.metric = metric
        self.inner_folds = inner_folds
        self.time = time
        self.aggregate = aggregate
        self.task = task
        self.random_state = random_state

    @property
    def needs_held_out(self) -> bool:
        """Equal weights need no predictions of held-out rows."""
        for name, value, known in (("weights", self.weights, WEIGHTS), ("by", self.by, BY)):
            if value not in known:
                raise InputError(f"{name}='{value}' does not exist: use one of {', '.join(known)}.")
        return self.weights == "search"

    def _learn(self, held: HeldOut | None, m: int) -> Floats:
        self.weights_ = np.full(m, 1.0 / m)
        if held is None or m == 1:
            return self.weights_
        task = "regression" if not held.k else "binary" if held.k == 2 else "multiclass"
        name = default_metric(task) if self.metric == "auto" else self.metric
        if self.by == "loss":
            name = "log_loss" if held.k else "rmse"
        metric = metrics[name]

        def loss(values: dict[str, Any]) -> float:
            y, preds = held.y, {"all": mean_of(held.P, values["weights"])}
            told: dict[str, Any] = {"group": held.units, "fold": held.fold, "weight": held.weight}
            if self.aggregate is not None and self.by == "metric":
                y, preds, told = by_patient(y, preds, told, self.aggregate)
            return -metric.sign * metric.value(y, preds["all"], told["weight"], told["fold"])

        found = searches[self.search].minimise(
            loss,
            Space({"weights": Simplex(m)}),
            budget=self.budget,
            seed=self.random_state,
            start={"weights": self.weights_},
        )
        if np.isfinite(found.value):
            self.weights_ = np.asarray(found.best["weights"])
        return self.weights_

    def _join(self, P: Floats) -> Floats:
        return mean_of(P, self.weights_)


def mean_of(P: Floats, w: Floats) -> Floats:
    """Weighted mean of predictions (n, M, K) or (n, M) over members."""
    out = np.einsum("nm...,m->n...", P, w)
    return out / out.sum(axis=1, keepdims=True) if out.ndim == 2 else out
