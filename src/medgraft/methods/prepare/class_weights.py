"""Balance classes by weight alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from medgraft.methods.prepare.balance import Balanced, Sample
from medgraft.methods.prepare.registry import step


@step("class-weights", around="learner", refs=("King and Zeng 2001, doi:10.1093/oxfordjournals.pan.a004868",))
class ClassWeights(Balanced):
    r"""Learn with every class weighing the same, whatever its number of patients.

    Use it when one class is rare and a missed patient of it costs as much as all false alarms together; it
    draws nothing, so it is the first thing to try before ``rose`` or ``smote``. Not with a learner that takes
    no ``sample_weight``. Not for regression.

    A row of class k has its weight multiplied by :math:`n / (K n_k)`, n being the sum of the weights and
    :math:`n_k` that of class k. With `correct`, a predicted probability becomes :math:`p_k n_k`, divided by
    the sum over classes: ranking by a balanced model, probabilities for the shares of the given rows.
    Without, the likeliest class is the one that balanced accuracy asks for.

    Parameters
    ----------
    estimator, correct, random_state
        See `Balanced`.

    Attributes
    ----------
    classes_ : array (K,)
        Labels, sorted.
    learner_ : estimator
        Fitted on the weighted rows.
    shift_ : array (K,)
        Share of each class in the given rows, times K; ones without `correct`.

    Notes
    -----
    Cost of the learner, twice for the default one.

    Examples
    --------
    >>> X, y = np.arange(20.0)[:, None], np.repeat([0, 1], [18, 2])
    >>> ClassWeights().fit(X, y).shift_.round(6).tolist()
    [1.8, 0.2]
    """

    def _balance(self, sample: Sample, rng: np.random.Generator) -> Sample:
        even = sample.weight.sum() / (sample.k * sample.total)
        return replace(sample, weight=sample.weight * even[sample.y])
