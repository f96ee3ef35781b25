"""Extremely randomised trees, kept as plain arrays."""

from __future__ import annotations

from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

from medgraft.methods.learners.forest import ForestLearner
from medgraft.methods.learners.registry import learner


@learner("extra-trees", refs=("Geurts, Ernst and Wehenkel 2006, doi:10.1007/s10994-006-6226-1",))
class ExtraTreesLearner(ForestLearner):
    """Extra trees: the mean of trees grown on all rows, each cut at points that are drawn by lot.

    Use it as ``random-forest``, where columns are noisy: cuts drawn by lot smooth more, and cost less. Not
    where few of many columns matter, for then most cuts are made in vain.

    A node draws the square root of the number of columns, one cut of each, uniform between the least and the
    largest value in the node, and takes the one that parts the classes (or values) best.

    Parameters
    ----------
    task, trees, leaf, random_state
        See `ForestLearner`.

    Attributes
    ----------
    trees_ : Trees
        Plain arrays, which a file without code can hold.

    Raises
    ------
    InputError
        `trees` or `leaf` is less than 1.

    Notes
    -----
    Cost O(trees p^0.5 n log n).

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).uniform(-1, 1, size=(300, 2))
    >>> m = ExtraTreesLearner(trees=50).fit(X, X[:, 0] * X[:, 1] > 0)
    >>> m.predict([[0.5, 0.5], [0.5, -0.5]]).tolist()
    [True, False]
    """

    made = (ExtraTreesClassifier, ExtraTreesRegressor)
