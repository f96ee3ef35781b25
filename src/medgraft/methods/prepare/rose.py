"""Balance classes by drawing around patients, not by copying them."""

from __future__ import annotations

from typing import Any

import numpy as np

from medgraft.methods.prepare.balance import Balanced, Sample
from medgraft.methods.prepare.registry import step
from medgraft.methods.splits import Floats
from medgraft.methods.table import InputError

MAX_ROWS = 1_000_000


@step("rose", around="learner", refs=("Menardi and Torelli 2014, doi:10.1007/s10618-012-0295-5",))
class Rose(Balanced):
    r"""Learn from rows drawn around the patients, each class in equal share (smoothed bootstrap).

    Use it when one class is rare and a learner ignores it, or fits its few patients too closely. Not to get
    better probabilities from a linear model on many patients: there it changes little. Not for regression.

    Each class k gets n/K of n rows, n being the sum of the weights. A row is :math:`x_i + H_k e`, with
    :math:`i` drawn from class k by weight, :math:`e \sim N(0, I)` and

    .. math:: H_k = c \left(\frac{4}{(q + 2) n_k}\right)^{1/(q+4)} \mathrm{diag}(\sigma_{k1}, \dots),

    q the number of columns with more than two values, :math:`n_k` the weight and :math:`\sigma_{kj}` the
    standard deviations of the class. Columns of one or two values (words, marks of gaps) are copied from row
    i. With `correct`, a predicted probability becomes :math:`p_k \pi_k / r_k`, divided by the sum over
    classes, for shares :math:`\pi_k` in the given and :math:`r_k` in the drawn rows.

    Parameters
    ----------
    estimator, correct, random_state
        See `Balanced`.
    shrink : float
        c, from 0 (a plain bootstrap of the classes) upwards.

    Attributes
    ----------
    classes_ : array (K,)
        Labels, sorted.
    learner_ : estimator
        Fitted on the drawn rows.
    shift_ : array (K,)
        :math:`\pi_k / r_k`; ones without `correct`.

    Raises
    ------
    InputError
        `shrink` is negative; the learner has no probabilities.

    Notes
    -----
    The paper draws the number of rows of each class at random; here it is fixed, which takes away a source of
    chance. Neither the order of the rows nor the names of the classes changes the draw, and an integer weight
    is a repeated row. Cost O(n p) and the learner's.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 1))
    >>> y = X[:, 0] > 1.6  # about one in twenty
    >>> m = Rose(correct=False).fit(X, y)
    >>> m.predict([[0.0], [2.0]]).tolist()
    [False, True]
    """

    def __init__(
        self, *, estimator: Any = None, correct: bool = True, shrink: float = 1.0, random_state: int = 0
    ) -> None:
        super().__init__(estimator=estimator, correct=correct, random_state=random_state)
        self.shrink = shrink

    def _balance(self, sample: Sample, rng: np.random.Generator) -> Sample:
        if not self.shrink >= 0:
            raise InputError(f"shrink must be 0 or more, not {self.shrink!r}.")
        weight = float(sample.weight.sum())
        n = int(np.clip(round(weight), sample.k, MAX_ROWS))
        smooth = _smooth(sample.Z)
        parts, seeds = [], []
        for k in range(sample.k):
            at = np.flatnonzero(sample.y == k)
            w = sample.weight[at]
            drawn = at[rng.choice(len(at), n // sample.k + (k < n % sample.k), p=w / w.sum())]
            Z = sample.Z[drawn]
            Z[:, smooth] += rng.normal(size=(len(drawn), smooth.sum())) * (
                self.shrink * bandwidth(sample.Z[at][:, smooth], w)
            )
            parts.append(Z)
            seeds.append(drawn)
        seed = np.concatenate(seeds)
        return Sample(np.vstack(parts), sample.y[seed], np.full(n, weight / n), sample.units[seed])


def bandwidth(Z: Floats, w: Floats) -> Floats:
    """Widths (q,) of the normal kernel that suits rows Z (n, q) if they are normal themselves."""
    q, n = Z.shape[1], float(w.sum())
    spread = np.sqrt(w @ (Z - w @ Z / n) ** 2 / n)
    return np.asarray((4.0 / ((q + 2) * n)) ** (1.0 / (q + 4)) * spread)


def _smooth(Z: Floats) -> Any:
    """Columns (p,) with more than two values."""
    low, high = Z.min(axis=0), Z.max(axis=0)
    return ((Z - low > 1e-9 * (high - low)) & (high - Z > 1e-9 * (high - low))).any(axis=0)
