"""Which last step, from features to scores, a fitted model has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from medgraft.base import MedgraftError
from medgraft.methods.base import classifies
from medgraft.methods.finetune.linear_probe import LinearProbe
from medgraft.methods.finetune.trained import NetworkEstimator
from medgraft.methods.learner import LogisticLearner, RidgeLearner
from medgraft.methods.multilabel import MultiLabel, event

if TYPE_CHECKING:  # torch is loaded where a model is explained, not where methods are listed
    from torch import nn

    from medgraft.networks.score_heads import NetworkHead


def network_head(model: NetworkEstimator) -> NetworkHead:
    """Return the head of a method whose model is a network."""
    from medgraft.networks.score_heads import NetworkHead

    scale = 1.0 if classifies(model) else float(model.spread_)
    return NetworkHead(model.network_.head, scale, model.answer == "stages")


def probe_head(model: LinearProbe) -> tuple[nn.Module, str]:
    """Return the head of a linear probe, and why it has no gradient where it has none."""
    from medgraft.networks.score_heads import LearnerHead, LinearHead

    learner: Any = model.learner_
    several = isinstance(learner, MultiLabel)
    each = learner.models_ if several else [learner]
    if all(isinstance(m, LogisticLearner | RidgeLearner) for m in each):
        rows = [_linear(m, 0 if several else len(getattr(model, "classes_", ()))) for m in each]
        coef, bias = (np.concatenate(part) for part in zip(*rows, strict=True))
        coef = coef / model.scale_
        return LinearHead(coef, bias - coef @ model.mean_), ""

    def predict(features: Any) -> Any:
        Z = (features - model.mean_) / model.scale_
        if several:
            return np.column_stack([event(m, Z) for m in each])
        if not classifies(model):
            return learner.predict(Z)
        out = np.zeros((len(Z), len(model.classes_)))
        out[:, np.asarray(learner.classes_, dtype=np.intp)] = learner.predict_proba(Z)
        return out

    name = type(each[0]).__name__
    return LearnerHead(predict, classifies(model)), (
        f"needs a score that is linear in the features, and the learner of this linear-probe is '{name}': "
        "use the default learner, finetune, or occlusion, which needs no gradient."
    )


def _linear(learner: LogisticLearner | RidgeLearner, k: int) -> tuple[Any, Any]:
    """Return the coefficients (K, d) and intercepts (K,) of a linear learner of k classes (0: yes or no)."""
    coef, bias = np.atleast_2d(learner.coef_), np.atleast_1d(learner.intercept_)
    if isinstance(learner, RidgeLearner):
        return coef, bias
    codes = np.asarray(learner.classes_, dtype=int)
    if k == 0:  # one label: the log-odds that it is there
        if len(codes) < 2:
            raise MedgraftError("A label was the same in all training rows: there is nothing to explain.")
        return coef, bias
    if len(codes) == 2:  # one score for two classes: half of it for, half against, as in a head
        coef, bias = np.vstack([-coef, coef]) / 2, np.concatenate([-bias, bias]) / 2
    full, start = np.zeros((k, coef.shape[1])), np.full(k, -np.inf)
    full[codes], start[codes] = coef, bias  # a class that was not learnt is never the predicted one
    return full, start
