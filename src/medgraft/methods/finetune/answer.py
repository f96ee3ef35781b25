"""What a network's outputs mean: values, classes, labels of their own, or steps from stage to stage.

Labels and stages are both made of yes and no: a stage is the answer to "beyond the first?", and if so
"beyond the second?", and so on (CORN: Shi, Cao and Raschka 2023, doi:10.1007/s10044-023-01181-9). A question
that does not arise has no answer, as a label that nobody looked for has none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

from medgraft.methods.finetune.head import one_thread, scaling
from medgraft.methods.learner import LogisticLearner
from medgraft.methods.splits import Floats, Ints

if TYPE_CHECKING:
    import torch

SURE = 5.0  # log-odds of an answer that is the same in all rows


def answer_of(task: str, loss: str) -> str:
    """Return ``"values"``, ``"classes"``, ``"labels"`` or ``"stages"``."""
    if task == "multilabel":
        return "labels"
    return "values" if task == "regression" else "stages" if loss == "ordinal" else "classes"


def outputs(answer: str, k: int) -> int:
    """Return how many outputs a network has for k classes or labels (0: values)."""
    return max(k - 1 if answer == "stages" else k, 1)


def predictions(scores: Floats, answer: str, k: int) -> Floats:
    r"""Return probabilities (n, K) of classes or stages or (n, L) of labels, or values (n,).

    With the chances :math:`q_j = \sigma(s_j)` to go on from stage j once there, stage j has
    :math:`(1 - q_j) \prod_{i<j} q_i`.

    Examples
    --------
    >>> predictions(np.array([[0.0, 0.0]]), "stages", 3).tolist()
    [[0.5, 0.25, 0.25]]
    """
    if answer == "values":
        return np.asarray(scores[:, 0])
    if answer == "labels":
        return np.asarray(expit(scores))
    if answer == "classes":
        return np.asarray(softmax(scores, axis=1))
    there = np.cumprod(np.column_stack([np.ones(len(scores)), expit(scores[:, : k - 1])]), axis=1)
    stay = np.column_stack([expit(-scores[:, : k - 1]), np.ones(len(scores))])
    return np.asarray(there * stay)


def questions(y: NDArray[Any], k: int) -> Floats:
    """Return the answers to "beyond stage j?", (n, K-1): NaN where stage j is not reached.

    Examples
    --------
    >>> questions(np.array([0, 1, 2]), 3).tolist()
    [[0.0, nan], [1.0, 0.0], [1.0, 1.0]]
    """
    at = np.arange(k - 1)
    return np.where(y[:, None] >= at, (y[:, None] > at).astype(float), np.nan)


def answers_loss(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return the sum of the log losses of the answers of each image (b,); unknown ones cost nothing."""
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits

    known = ~torch.isnan(target)
    each = binary_cross_entropy_with_logits(
        scores.float(), torch.where(known, target, torch.zeros_like(target)), reduction="none"
    )
    return (each * known).sum(dim=1)


def stages_loss(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return minus the logarithm of the chance of each image's stage (b,), of targets that are codes."""
    import torch

    at = torch.arange(scores.shape[1], device=scores.device)
    beyond = (target[:, None] > at).float()
    return answers_loss(scores, torch.where(target[:, None] >= at, beyond, torch.nan))


def fit_answers(
    F: NDArray[Any], T: Floats, weight: Floats, units: Ints, seed: int
) -> tuple[Floats, Floats, Floats, Floats]:
    """Fit a head of yes and no to features, each output to the rows that know its answer.

    Parameters
    ----------
    F : array (n, d)
        Features.
    T : array (n, m)
        Answers 0 and 1, NaN where unknown.
    weight, units : arrays (n,)
        Weights and patients.
    seed : int
        Of the inner splits.

    Returns
    -------
    mean, scale : arrays (d,)
    weight : array (m, d)
    bias : array (m,)
        As `medgraft.methods.finetune.head.fit_head` gives them.
    """
    mean, scale = scaling(F, weight)
    Z = (F - mean) / scale
    coef, bias = np.zeros((T.shape[1], Z.shape[1])), np.zeros(T.shape[1])
    for j, column in enumerate(T.T):
        known = ~np.isnan(column)
        if len(np.unique(column[known])) < 2:
            bias[j] = SURE * (2.0 * column[known][0] - 1.0) if known.any() else 0.0
            continue
        learner = LogisticLearner(random_state=seed)
        with one_thread():
            learner.fit(Z[known], column[known], sample_weight=weight[known], groups=units[known])
        coef[j], bias[j] = learner.coef_[0], learner.intercept_[0]
    return mean, scale, coef, bias
