"""The last step from features to scores, as modules that can be copied and differentiated."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional


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
