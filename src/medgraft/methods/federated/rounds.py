"""The loop of federated averaging and its kin: send the model, let the sites train it, join the answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from medgraft.methods.federated.base import FederatedMethod
from medgraft.methods.federated.local import LocalSite
from medgraft.methods.federated.messages import Federation
from medgraft.methods.sites import Sited
from medgraft.methods.splits import Floats
from medgraft.methods.table import InputError

RESTS = 1e-9  # a smaller move, relative to the coefficients, ends the rounds
MOVES = 1e-4  # a larger last move is said in ``note_``

Mover: TypeAlias = Callable[[Floats, Floats], Floats]


class FederatedRounds(FederatedMethod):
    """Base of the methods that train at the sites and average: a linear, logistic or softmax model.

    Derive from it and implement ``_mover()``: a function of the server's coefficients (m, p + 1) and the
    sites' weighted mean change of them, which returns the new ones. Not for methods that send sums.
    """

    site = LocalSite

    def __init__(
        self,
        *,
        task: str = "classification",
        estimator: None = None,
        random_state: int = 0,
        rounds: int = 500,
        local_steps: int = 5,
        penalty: float = 1.0,
        min_patients: int = 5,
    ) -> None:
        super().__init__(task=task, estimator=estimator, random_state=random_state, min_patients=min_patients)
        self.rounds = rounds
        self.local_steps = local_steps
        self.penalty = penalty

    def _mover(self) -> Mover:
        """How the server joins what the sites send: by their weighted mean."""
        return np.add

    def _pull(self) -> float:
        """Weight of the squared distance from the server's model in the sites' training."""
        return 0.0

    def _hold(self) -> float:
        """Ridge, in patients, on what a site keeps to itself."""
        return 0.0

    def _transfer(self, sited: Sited) -> None:
        if self.rounds < 1 or self.local_steps < 1:
            raise InputError("rounds and local_steps must be 1 or more.")
        if not min(self.penalty, self._pull(), self._hold()) >= 0:
            raise InputError("A penalty must not be negative.")
        federation = self._join(sited)
        self._units(federation, sited)
        k = sited.rows.k
        beta = self._run(federation, np.zeros((k if k > 2 else 1, self.encoder_.n_out_ + 1)))
        self._deliver(federation, sited, beta)

    def _deliver(self, federation: Federation, sited: Sited, beta: Floats) -> None:
        shared = self._shared(beta)
        self._finish(federation, sited, shared, shared)

    def _run(self, federation: Federation, theta: Floats) -> Floats:
        bounds = federation.ask("bounds", {})
        weight = np.array([b["weight"][0] for b in bounds])
        share = weight / weight.sum()
        ridge, mu = self.penalty / weight.sum(), self._pull()
        held = self._hold() / np.maximum(weight, 1e-300)
        curve = np.array([b["curvature"][0] for b in bounds]) + np.maximum(ridge, held)
        # The steepest site sets the step, so that training rises nowhere.
        rate = 1.0 / (float(curve[weight > 0].max()) + mu)
        federation.ask("settings", {"settings": np.array([self.local_steps, rate, mu, ridge, *self._more()])})
        move, last = self._mover(), np.inf
        for _ in range(self.rounds):
            answers = federation.ask("train", {"beta": theta})
            change = np.sum([s * (a["beta"] - theta) for s, a in zip(share, answers, strict=True)], axis=0)
            new = move(theta, change)
            last = float(np.abs(new - theta).max() / (1.0 + np.abs(new).max()))
            theta = new
            if last <= RESTS:
                break
        self.rounds_ = sum(e["question"] == "train" for e in federation.log) // (2 * len(federation.sites))
        if last > MOVES:
            self._say(f"The {self.rounds} rounds ended while the coefficients still moved: give more rounds.")
        return theta

    def _more(self) -> list[float]:
        """Further settings of the sites."""
        return []
