"""What training minimises: the loss of each image, and how it bends for rare classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError
from medgraft.methods.finetune.answer import answers_loss, stages_loss
from medgraft.methods.splits import Floats

if TYPE_CHECKING:
    import torch

LOSSES = ("auto", "focal", "logit-adjusted", "smooth", "ordinal")
GAMMA = 2.0  # of the focal loss, as its paper recommends
SMOOTHING = 0.1

Loss = Callable[["torch.Tensor", "torch.Tensor"], "torch.Tensor"]


def make_loss(name: str, y: NDArray[Any], weight: Floats, k: int) -> Loss:
    r"""Return a function of scores (b, K) and targets (b,) that gives each image its loss (b,).

    With :math:`p = \mathrm{softmax}(s)`: "auto" is :math:`-\log p_y`, or :math:`(s - y)^2` for values;
    "focal" :math:`-(1 - p_y)^2 \log p_y` (Lin et al. 2017, doi:10.1109/ICCV.2017.324); "logit-adjusted"
    the log loss of :math:`s + \log \pi` with the class shares :math:`\pi` of the training rows, so that s
    itself aims at balanced accuracy (Menon et al. 2021, arXiv:2007.07314); "smooth" the log loss against
    0.9 of the class and 0.1 of all (Szegedy et al. 2016, doi:10.1109/CVPR.2016.308); "ordinal" the log loss
    of the chances to go on from stage to stage (CORN, Shi et al. 2023, doi:10.1007/s10044-023-01181-9), of
    K - 1 scores. Several labels have the sum of their log losses, those that are unknown left out.

    Parameters
    ----------
    name : str
        One of `LOSSES`.
    y, weight : arrays (n,)
        Class codes (or values, or several labels (n, L)) and weights of the training rows.
    k : int
        Number of classes; 0 for values.

    Raises
    ------
    MedgraftError
        No such loss, or one for classes where there are values.
    """
    import torch
    from torch.nn.functional import cross_entropy, log_softmax

    if name not in LOSSES:
        raise MedgraftError(f"loss='{name}' does not exist: use one of {', '.join(LOSSES)}.")
    if y.ndim == 2:
        if name != "auto":
            raise MedgraftError(f"loss='{name}' is for one label, and there are several: leave it out.")
        return answers_loss
    if k == 0:
        if name != "auto":
            raise MedgraftError(f"loss='{name}' is for classes, and the label holds values: leave it out.")
        return lambda scores, target: (scores[:, 0].float() - target) ** 2
    if name == "ordinal":
        return stages_loss
    if name == "focal":

        def focal(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
            log_p = log_softmax(scores.float(), dim=1).gather(1, target[:, None])[:, 0]
            return -((1.0 - log_p.exp()) ** GAMMA) * log_p

        return focal
    if name == "smooth":
        return lambda scores, target: cross_entropy(
            scores.float(), target, reduction="none", label_smoothing=SMOOTHING
        )
    if name == "logit-adjusted":
        share = np.bincount(y, weights=weight, minlength=k) / weight.sum()
        prior = torch.from_numpy(np.log(np.maximum(share, 1e-12)).astype(np.float32))
        return lambda scores, target: cross_entropy(
            scores.float() + prior.to(scores.device), target, reduction="none"
        )
    return lambda scores, target: cross_entropy(scores.float(), target, reduction="none")
