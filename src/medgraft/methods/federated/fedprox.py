"""Federated averaging whose sites are held near the shared model."""

from __future__ import annotations

from medgraft.methods.federated.rounds import FederatedRounds
from medgraft.methods.registry import method


@method(
    "fedprox",
    family="federated",
    needs=("source",),
    cost="O(R E n p), R rounds of E steps",
    refs=("Li et al. 2020, arXiv:1812.06127",),
)
class FedProx(FederatedRounds):
    r"""Train at all hospitals and average, each site held near the shared model by a penalty.

    Use it instead of ``fedavg`` where sites differ much and many local steps are wanted, because each round
    is dear. Not for the best linear model: ``federated-newton`` reaches the pooled optimum exactly.

    Each site makes `local_steps` gradient steps on

    .. math:: f_s(\theta) + \frac{\mu}{2} \|\theta - \theta_0\|^2

    from the server's :math:`\theta_0`, with :math:`f_s` the penalised mean loss of ``fedavg`` and the step of
    one over the largest curvature, :math:`\mu` included; the server takes the mean by weight.

    Parameters
    ----------
    task, random_state, estimator, rounds, local_steps, penalty, min_patients
        See `FedAvg`.
    mu : float
        :math:`\mu`, in the units of the mean loss a patient; 0 is ``fedavg``.

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
    It ends where the sites' displacements cancel. The larger :math:`\mu`, the nearer that is to the pooled
    optimum and the more rounds it takes: the shared model hardly moves for a very large one. With one local
    step it is gradient descent on the pooled objective, with a shorter step.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 3))
    >>> y = X @ [1.0, -1.0, 0.0] + rng.normal(size=300) > 0
    >>> site = np.repeat(["north", "south", "here"], 100)
    >>> m = FedProx(rounds=50).fit(X, y, domain=site, target="here")
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
        mu: float = 0.1,
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
        self.mu = mu

    def _pull(self) -> float:
        return self.mu
