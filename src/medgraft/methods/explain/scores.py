"""A fitted model as a trunk and a linear head, whatever method it comes from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from medgraft.base import MedgraftError
from medgraft.methods.base import classifies
from medgraft.methods.finetune.linear_probe import LinearProbe
from medgraft.methods.finetune.trained import NetworkEstimator
from medgraft.methods.learner import LogisticLearner, RidgeLearner

if TYPE_CHECKING:
    import torch

    from medgraft.sources.trunk import Trunk


@dataclass(frozen=True)
class Scores:
    """What turns an image into scores.

    Attributes
    ----------
    model : estimator
        The fitted method.
    names : sequence
        Its classes, one a score; empty for regression.
    preprocess : callable
        PIL image -> tensor (c, s, s).
    trunk : Trunk
        Tensors (b, c, s, s) -> features (b, d).
    head : callable
        Features (b, d), anywhere -> scores (b, K), or values (b, 1), on the CPU.
    device : str
        Where the method computes.
    """

    model: Any
    names: Sequence[Any]
    preprocess: Callable[[Any], torch.Tensor]
    trunk: Trunk
    head: Callable[[torch.Tensor], torch.Tensor]
    device: str


def scores_of(given: Any) -> Scores:
    """Take a fitted method, or a graft of one, apart.

    Raises
    ------
    MedgraftError
        It is none that reads images with a network, or what reads the features is not linear.
    """
    graft = hasattr(given, "manifest")
    model, names = (given.model, given.classes) if graft else (given, None)
    model = getattr(model, "best_", model)  # what a guard chose
    if not isinstance(model, LinearProbe | NetworkEstimator):
        raise MedgraftError(
            "Maps are made of linear-probe, finetune, scratch and adaptations, and this is "
            f"{_called(model)}: use one of these."
        )
    if getattr(model, "kind_", "image") != "image":
        raise MedgraftError("Maps are made of images, and this model reads volumes.")
    if classifies(model):
        known = model.classes_.tolist()
        names = known if names is None else [names[code] for code in known]
    else:
        names = []
    if isinstance(model, LinearProbe):
        backbone, head = model.featuriser_.backbone(), _linear(model)
    else:
        backbone, head = model.backbone_, _layer(model)
    return Scores(model, names, backbone.preprocess, backbone.module, head, model.device)


def _layer(model: NetworkEstimator) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return a network's own head, in units of the value for regression."""
    scale = 1.0 if classifies(model) else model.spread_
    return lambda features: model.network_.head(features.cpu()) * scale


def _linear(model: LinearProbe) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return the learner's scores as a linear layer on features as they are."""
    import torch

    learner: Any = model.learner_
    if not isinstance(learner, LogisticLearner | RidgeLearner):
        raise MedgraftError(
            f"Grad-CAM needs a score that is linear in the features, and the learner of this linear-probe is "
            f"{_called(learner)}: use the default learner, or finetune."
        )
    coef, bias = np.atleast_2d(learner.coef_), np.atleast_1d(learner.intercept_)
    if isinstance(learner, LogisticLearner):
        codes = np.asarray(learner.classes_, dtype=int)
        if len(codes) == 2:  # one score for two classes: half of it for, half against, as in a head
            coef, bias = np.vstack([-coef, coef]) / 2, np.concatenate([-bias, bias]) / 2
        full, start = np.zeros((len(model.classes_), coef.shape[1])), np.full(len(model.classes_), -np.inf)
        full[codes], start[codes] = coef, bias  # a class that was not learnt is never the predicted one
        coef, bias = full, start
    coef = coef / model.scale_
    weight = torch.from_numpy(coef).float()
    shift = torch.from_numpy(bias - coef @ model.mean_).float()
    return lambda features: features.cpu() @ weight.T + shift


def _called(thing: Any) -> str:
    return f"'{type(thing).__name__}'"
