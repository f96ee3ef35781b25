"""Federated averaging whose server moves by Adam's rule."""

from __future__ import annotations

import numpy as np

from medgraft.methods.federated.rounds import FederatedRounds, Mover
from medgraft.methods.registry import method
from medgraft.methods.splits import Floats
from medgraft.methods.table import InputError

KEEP_MEAN, KEEP_SQUARE = 0.9, 0.99  # the paper's beta_1 and beta_2


@method(
    "fedadam",
    family="federated",
    needs=("source",),
    cost="O(R E n p), R rounds of E steps",
    refs=("Reddi et al. 2021, arXiv:2003.00295",),
)
class FedAdam(FederatedRounds):
    r"""Train at all hospitals; the server takes the mean change as a gradient and moves by Adam.

    Use it where some coefficients move far less a round than others, which plain averaging is slow to fit.
    Not for the best linear model: ``federated-newton`` reaches the pooled optimum exactly.

    With :math:`\Delta` the weighted mean of the sites' changes (as in ``fedavg``), entry by entry

    .. math:: m \leftarrow 0.9\, m + 0.1\, \Delta, \quad v \leftarrow 0.99\, v + 0.01\, \Delta^2, \quad
        \theta \leftarrow \theta + \gamma\, m / (\sqrt v + \tau)

    from :math:`m = 0`, :math:`v = \tau^2`, without correction of the first rounds, as in the paper.

    Parameters
    ----------
    task, random_state, estimator, rounds, local_steps, penalty, min_patients
        See `FedAvg`.
    server_rate : float
        :math:`\gamma`: about the longest move of a coefficient a round, of values in standard deviations.
    adaptivity : float
        :math:`\tau`: entries that change by less are not sped up.

    Attributes
    ----------
    coef_, intercept_ : arrays
        Slopes and intercept, in encoded features.
    rounds_, bytes_, log_, report_, note_
        See `FedAvg`.

    Raises
    ------
    InputError
        An `estimator` was given, a setting out of range, or no site is large enough.

    Notes
    -----
    Where :math:`\gamma \le \tau` (the default) it settles where ``fedavg`` does, since near rest it is
    averaging with momentum; with a larger :math:`\gamma` it may circle that point, and ``note_`` says that it
    still moves.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 3))
    >>> y = X @ [1.0, -1.0, 0.0] + rng.normal(size=300) > 0
    >>> site = np.repeat(["north", "south", "here"], 100)
    >>> m = FedAdam().fit(X, y, domain=site, target="here")
    >>> m.coef_.round(1).tolist()
    [[1.7, -1.8, 0.1]]
    """

    def __init__(
        self,
        *,
        task: str = "classification",
        estimator: None = None,
        random_state: int = 0,
        rounds: int = 500,
        local_steps: int = 5,
        penalty: float = 1.0,
        server_rate: float = 0.1,
        adaptivity: float = 0.1,
        min_patients: int = 5,
    ) -> None:
        super().__init__(
            task=task,
            estimator=estimator,
            random_state=random_state,
            rounds=rounds,
            local_steps=local_steps,
            penalty=penalty,
            min_patients=min_patients,
        )
        self.server_rate = server_rate
        self.adaptivity = adaptivity

    def _mover(self) -> Mover:
        if not min(self.server_rate, self.adaptivity) > 0:
            raise InputError("server_rate and adaptivity must be above zero.")
        mean, square = np.zeros(1), np.full(1, self.adaptivity**2)

        def move(theta: Floats, change: Floats) -> Floats:
            nonlocal mean, square
            mean = KEEP_MEAN * mean + (1.0 - KEEP_MEAN) * change
            square = KEEP_SQUARE * square + (1.0 - KEEP_SQUARE) * change**2
            return np.asarray(theta + self.server_rate * mean / (np.sqrt(square) + self.adaptivity))

        return move
