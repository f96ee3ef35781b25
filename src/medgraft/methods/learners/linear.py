"""The two default learners, by name."""

from __future__ import annotations

from medgraft.methods.learner import LogisticLearner, RidgeLearner
from medgraft.methods.learners.registry import learner

learner(
    "logistic", tasks=("classification",), refs=("le Cessie and van Houwelingen 1992, doi:10.2307/2347628",)
)(LogisticLearner)
learner(
    "ridge",
    tasks=("regression",),
    refs=("Hoerl and Kennard 1970, doi:10.1080/00401706.1970.10488634",),
)(RidgeLearner)
