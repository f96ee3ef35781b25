"""Federated averaging: each hospital trains the shared model a little, the server takes the mean."""

from __future__ import annotations

from medgraft.methods.federated.rounds import FederatedRounds
from medgraft.methods.registry import method


@method(
    "fedavg",
    family="federated",
    needs=("source",),
    cost="O(R E n p), R rounds of E steps",
    refs=("McMahan et al. 2017, arXiv:1602.05629",),
)
class FedAvg(FederatedRounds):
    r"""Train one linear model at all hospitals in turns, and average the models that come back.

    Use it as the yardstick of federated learning, or where sites can send a model but no sums. Not for the
    best linear model: ``federated-newton`` reaches the pooled optimum exactly, in ten rounds.

    With :math:`f_s(\theta) = \frac{1}{W_s} \sum_{i \in s} w_i \ell(y_i, B x_i + c) + \frac{\lambda}{2 W}
    \|B\|^2`, :math:`W = \sum_s W_s`, each round is

    .. math:: \theta_s = (\mathrm{id} - \eta \nabla f_s)^E (\theta), \quad
        \theta \leftarrow \sum_s \frac{W_s}{W} \theta_s

    where :math:`\ell` is the negative log-likelihood (softmax for more than two classes) or half the squared
    error, and :math:`\eta` is one over the largest curvature of any site's :math:`f_s`.

    Parameters
    ----------
    task, random_state
        See `TransferEstimator`; nothing here is drawn by chance.
    estimator : None
        Must be None: the method has a model of its own.
    rounds : int
        Most rounds; it stops before when the coefficients move by less than 1e-9 of their size.
    local_steps : int
        :math:`E`, steps a round, each over all rows of a site (the paper: epochs of small batches).
    penalty : float
        :math:`\lambda` in patients, on the slopes.
    min_patients : int
        Sites with fewer patients take no part.

    Attributes
    ----------
    coef_, intercept_ : arrays
        Slopes and intercept, in encoded features.
    rounds_, bytes_ : int
        Rounds of training; bytes of all messages.
    log_ : list of dict
        Every message: round, site, direction, question, shapes, bytes.
    report_ : dict
        "rounds", "rounds in all", "bytes", "sites", "left out".
    note_ : str
        Names of sites that were too small, that nothing was shared, or that more rounds are needed.

    Raises
    ------
    InputError
        An `estimator` was given, a setting out of range, or no site is large enough.

    Notes
    -----
    With one local step this is gradient descent on the pooled objective :math:`\sum_s W_s f_s / W`, and so
    ends at the optimum of ``federated-newton`` at the same penalty. With more it ends where the sites'
    displacements cancel, which is that optimum only if the sites agree; the distance grows with :math:`\eta
    (E - 1)` and with how much the sites differ. Coefficients of columns that add up to a constant (the
    levels of a word) settle long after the predictions have. Values are trained in their common standard
    deviation. A trained model of few patients may tell about them; this is no differential privacy. Memory
    O(p) beside the rows; each round sends the coefficients to and from each site.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 3))
    >>> y = X @ [1.0, -1.0, 0.0] + rng.normal(size=300) > 0
    >>> site = np.repeat(["north", "south", "here"], 100)
    >>> m = FedAvg(rounds=50).fit(X, y, domain=site, target="here")
    >>> m.coef_.round(1).tolist()
    [[1.7, -1.8, 0.1]]
    """
