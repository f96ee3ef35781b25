"""Trials: transfer as an arm beside its controls, on the same splits."""

from medgraft.trial.arms import Arm, arm
from medgraft.trial.plan import Plan
from medgraft.trial.result import Result
from medgraft.trial.trial import Trial

__all__ = ["Arm", "Plan", "Result", "Trial", "arm"]
