"""How often a linear rule is right about Gaussian classes."""

from __future__ import annotations

import numpy as np

from medgraft.cohort.generate.truth import Array


def correct(prior: Array, believed: Array, means: Array, a: float) -> float:
    r"""Return the accuracy of the rule argmax_k (a x_k + log believed_k) where x | y = k ~ N(means_k, I).

    Parameters
    ----------
    prior, believed : ndarray (K,)
        The shares of the classes, and those that the rule was made for.
    means : ndarray (K, K)
    a : float

    Examples
    --------
    >>> half = np.array([0.5, 0.5])
    >>> round(correct(half, half, np.eye(2) * np.sqrt(2), np.sqrt(2)), 6)  # Phi(1)
    0.841345
    """
    from scipy.integrate import quad
    from scipy.stats import norm

    total = 0.0
    for k, share in enumerate(prior):
        if share == 0 or believed[k] == 0:
            continue
        rivals = [j for j in range(len(prior)) if j != k and believed[j] > 0]
        lead = np.array([means[k, k] - means[k, j] + np.log(believed[k] / believed[j]) / a for j in rivals])

        def win(u: float, lead: Array = lead) -> float:
            return float(norm.pdf(u) * np.prod(norm.cdf(u + lead)))

        total += share * quad(win, -9, 9, epsabs=1e-10)[0]
    return float(total)
