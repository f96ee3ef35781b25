"""What is done to training rows before a learner sees them: gaps filled, features selected, classes balanced.

A step learns on the training part alone, inside ``fit``, and is added to an arm's name by a plus:
``pooled+rose``. Missing values as information need no step: `TableEncoder` marks every column with gaps.
"""

from medgraft.methods.prepare.registry import Step, step, steps

__all__ = ["Step", "step", "steps"]
