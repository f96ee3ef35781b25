"""LEEP: how well the classes that a network knows predict the classes at hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from medgraft.base import MedgraftError
from medgraft.sources.rank.checks import Floats, Ints, as_codes, as_matrix
from medgraft.sources.rank.registry import score


@score("leep", label="LEEP", ref="Nguyen et al. 2020, ICML, arXiv:2002.12462", needs="probabilities")
def leep(probabilities: Any, y: Any) -> float:
    r"""Return the log expected empirical prediction of the labels from a network's own classes.

    Use it where the network still has its classifier. Not with a few dozen images and a thousand source
    classes: the table of joint frequencies then knows every image by heart.

    With :math:`\theta(x)_z` the probability of source class z,
    :math:`\hat P(y, z) = \frac1n \sum_{i: y_i = y} \theta(x_i)_z` and
    :math:`\hat P(y \mid z) = \hat P(y, z) / \sum_{y'} \hat P(y', z)`,

    .. math:: \mathrm{LEEP} = \frac1n \sum_i \log \sum_z \hat P(y_i \mid z)\, \theta(x_i)_z .

    Parameters
    ----------
    probabilities : array (n, Z)
        Rows sum to 1.
    y : array (n,)
        Labels of any type.

    Returns
    -------
    float
        At most 0; higher is better.

    Raises
    ------
    MedgraftError
        Rows are no probabilities, or there are fewer than two classes.

    Notes
    -----
    Cost O(n Z).

    Examples
    --------
    >>> leep([[1, 0], [1, 0], [0, 1], [0, 1]], ["a", "a", "b", "b"])
    0.0
    >>> round(leep(np.full((4, 2), 0.5), ["a", "a", "b", "b"]), 6)  # log(1/2)
    -0.693147
    """
    codes = as_codes(y)
    theta = as_matrix(probabilities, len(codes), "probabilities")
    if theta.min() < 0 or np.abs(theta.sum(axis=1) - 1).max() > 1e-4:
        raise MedgraftError(
            "LEEP needs probabilities of the source classes: not negative, rows that sum to 1."
        )
    return expected_log(theta / theta.sum(axis=1, keepdims=True), codes)


def expected_log(theta: Floats, codes: Ints) -> float:
    """Return LEEP of probabilities (n, Z) for class codes (n,)."""
    joint = np.eye(int(codes.max()) + 1)[codes].T @ theta
    total = joint.sum(axis=0)
    given = np.divide(joint, total, out=np.zeros_like(joint), where=total > 0)
    expected = (given[codes] * theta).sum(axis=1)
    # A row is part of the frequencies, so its own expectation is above 0 but for rounding.
    return float(np.minimum(np.log(np.maximum(expected, np.finfo(float).tiny)), 0.0).mean()) + 0.0
