"""The last step from features to scores, as a module that can be copied and differentiated."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from medgraft.base import MedgraftError
from medgraft.methods.base import classifies
from medgraft.methods.finetune.linear_probe import LinearProbe
from medgraft.methods.finetune.trained import NetworkEstimator
from medgraft.methods.learner import LogisticLearner, RidgeLearner
from medgraft.methods.multilabel import MultiLabel, event


class NetworkHead(nn.Module):
    """A network's own head, in units of the value for regression, in log chances for stages.

    Parameters
    ----------
    head : Module
    scale : float
    stages : bool
        Whether the head's outputs are steps from stage to stage (see `medgraft.methods.finetune.answer`).
    """

    def __init__(self, head: nn.Module, scale: float, stages: bool) -> None:
        super().__init__()
        self.head, self.scale, self.stages = head, scale, stages

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return scores (b, K) of features (b, d), on the CPU."""
        out: torch.Tensor = self.head(features.cpu()) * self.scale
        if not self.stages:
            return out
        there = torch.cumsum(functional.pad(functional.logsigmoid(out), (1, 0)), dim=1)
        return there + functional.pad(functional.logsigmoid(-out), (0, 1))


class LinearHead(nn.Linear):
    """Scores that are linear in the features.

    Parameters
    ----------
    weight : array (K, d)
    bias : array (K,)
    """

    def __init__(self, weight: Any, bias: Any) -> None:
        super().__init__(weight.shape[1], weight.shape[0])
        with torch.no_grad():
            self.weight.copy_(torch.from_numpy(np.asarray(weight)))
            self.bias.copy_(torch.from_numpy(np.asarray(bias)))
        self.requires_grad_(False)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return scores (b, K) of features (b, d), on the CPU."""
        return super().forward(features.cpu())


class LearnerHead(nn.Module):
    """The log chances, or values, that any learner gives features; without a gradient.

    Parameters
    ----------
    predict : callable
        Features (b, d) float64 -> probabilities (b, K), or values (b,).
    logarithm : bool
    """

    def __init__(self, predict: Any, logarithm: bool) -> None:
        super().__init__()
        self.predict, self.logarithm = predict, logarithm

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return scores (b, K) of features (b, d), on the CPU."""
        out = np.asarray(self.predict(features.detach().cpu().numpy().astype(np.float64)), dtype=float)
        if self.logarithm:
            out = np.log(np.maximum(out, 1e-12))
        return torch.from_numpy(out.reshape(len(features), -1)).float()


def network_head(model: NetworkEstimator) -> NetworkHead:
    """Return the head of a method whose model is a network."""
    scale = 1.0 if classifies(model) else float(model.spread_)
    return NetworkHead(model.network_.head, scale, model.answer == "stages")


def probe_head(model: LinearProbe) -> tuple[nn.Module, str]:
    """Return the head of a linear probe, and why it has no gradient where it has none."""
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
