"""What learns in the end, by name: the innermost part of an arm.

Every method that takes an ``estimator`` takes one of these by a plus: ``coral+svm``,
``pooled+rose+mlp:hidden=8``.
"""

from medgraft.methods.learners.registry import Learner, learner, learners

__all__ = ["Learner", "learner", "learners"]
