"""Adam's rule for arrays."""

from __future__ import annotations

import numpy as np

from medgraft.methods.splits import Floats

KEEP_MEAN, KEEP_SQUARE, TINY = 0.9, 0.999, 1e-8  # the paper's beta_1, beta_2 and epsilon


class Adam:
    r"""Steps of Adam: the gradient's running mean over the root of its running mean square.

    .. math:: m \leftarrow \beta_1 m + (1 - \beta_1) g, \quad v \leftarrow \beta_2 v + (1 - \beta_2) g^2,
        \quad \theta \leftarrow \theta - \gamma
        \frac{m / (1 - \beta_1^t)}{\sqrt{v / (1 - \beta_2^t)} + \epsilon}

    Parameters
    ----------
    rate : float
        :math:`\gamma`.

    References
    ----------
    Kingma and Ba 2015, arXiv:1412.6980

    Examples
    --------
    >>> rule, theta = Adam(0.1), np.array([1.0, -1.0])
    >>> rule.step(theta, np.array([5.0, -0.01])).round(6).tolist()
    [0.9, -0.9]
    """

    def __init__(self, rate: float) -> None:
        self.rate, self.t = rate, 0
        self.mean: Floats | float = 0.0
        self.square: Floats | float = 0.0

    def step(self, theta: Floats, gradient: Floats) -> Floats:
        """Return the parameters after one step; the moments are remembered."""
        self.t += 1
        self.mean = KEEP_MEAN * self.mean + (1.0 - KEEP_MEAN) * gradient
        self.square = KEEP_SQUARE * self.square + (1.0 - KEEP_SQUARE) * gradient**2
        mean = self.mean / (1.0 - KEEP_MEAN**self.t)
        square = self.square / (1.0 - KEEP_SQUARE**self.t)
        return np.asarray(theta - self.rate * mean / (np.sqrt(square) + TINY))
