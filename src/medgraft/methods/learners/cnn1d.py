"""A one-dimensional convolutional network over the features in their order."""

from __future__ import annotations

from typing import Any

import numpy as np

from medgraft.methods.learners.base import Lesson, TaskLearner
from medgraft.methods.learners.passes import fit_losses, train
from medgraft.methods.learners.registry import learner
from medgraft.methods.splits import Floats
from medgraft.methods.table import InputError

CHUNK = 4096  # rows predicted at once


@learner("cnn1d", refs=("Espino-Salinas et al. 2024, doi:10.3389/frai.2024.1467051",))
class CNN1DLearner(TaskLearner):
    r"""Two one-dimensional convolutions over the features, averaged along them, and one linear layer.

    Use it where neighbouring columns belong together: samples of a signal, bins of a spectrum, or class
    probabilities of a network beside signals. Not for columns in no order: convolution then shares weights
    between things that have nothing in common; take `mlp`.

    Features are the places of a sequence of one channel: convolution (kernel 3, `channels`), ReLU,
    convolution (kernel 3, twice the channels), ReLU, mean and maximum over places, linear. It minimises
    :math:`\sum_i w_i \ell(y_i, f(x_i)) / \sum_i w_i`, the log loss or squared error, by AdamW; a fifth of the
    patients is held out, and the weights at which their loss was least are kept.

    Parameters
    ----------
    task, random_state
        See `TaskLearner`; the seed also draws weights and batches.
    channels : int
        Channels of the first layer.
    epochs : int
        Most passes over the rows.
    patience : int
        Passes without a better held-out loss that end the training.
    batch : int
        Rows a step.
    lr : float
        Learning rate.

    Attributes
    ----------
    tensors_ : list of arrays
        Weights and biases of the three layers.
    epochs_ : int
        Passes made.

    Raises
    ------
    InputError
        A setting is not positive.

    Notes
    -----
    Where a class has too few patients to hold some out, a fifth of the passes are made. Cost
    O(n p channels^2) a pass.

    Examples
    --------
    >>> CNN1DLearner(channels=8).channels
    8
    """

    rough = True  # columns in no order

    def __init__(
        self,
        *,
        task: str = "classification",
        channels: int = 32,
        epochs: int = 100,
        patience: int = 15,
        batch: int = 32,
        lr: float = 1e-3,
        random_state: int = 0,
    ) -> None:
        self.task = task
        self.channels = channels
        self.epochs = epochs
        self.patience = patience
        self.batch = batch
        self.lr = lr
        self.random_state = random_state

    def _fit(self, lesson: Lesson) -> None:
        import torch

        for name in ("channels", "epochs", "patience", "batch", "lr"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name} must be more than 0, not {getattr(self, name)!r}.")
        draw = torch.Generator().manual_seed(self.random_state)
        net = _start(self.channels, max(lesson.k, 1), draw)
        self.tensors_, self.epochs_ = train(
            net,
            lambda Z, T: fit_losses(_forward(net, Z), T, bool(lesson.k)),
            lesson,
            draw,
            epochs=self.epochs,
            patience=self.patience,
            batch=self.batch,
            lr=self.lr,
            seed=self.random_state,
        )

    def _output(self, Z: Floats) -> Floats:
        import torch

        net = [torch.from_numpy(a).double() for a in self.tensors_]
        parts = []
        with torch.no_grad():
            for start in range(0, len(Z), CHUNK):
                parts.append(_forward(net, torch.from_numpy(Z[start : start + CHUNK])))
        out = torch.cat(parts)
        if self.task == "regression":
            return np.asarray(out[:, 0].numpy())
        return np.asarray(torch.softmax(out, dim=1).numpy())


def _start(channels: int, m: int, draw: Any) -> list[Any]:
    """Kernels drawn with variance 2 / inputs, all else zero: the first prediction is an even one."""
    import torch

    net = []
    for shape in ((channels, 1, 3), (2 * channels, channels, 3)):
        weight = torch.randn(shape, generator=draw) * float(np.sqrt(2.0 / (shape[1] * shape[2])))
        net += [weight, torch.zeros(shape[0])]
    net += [torch.zeros(m, 4 * channels), torch.zeros(m)]
    return [t.requires_grad_() for t in net]


def _forward(net: list[Any], Z: Any) -> Any:
    import torch
    from torch.nn import functional as F

    H = F.relu(F.conv1d(Z[:, None, :], net[0], net[1], padding=1))
    H = F.relu(F.conv1d(H, net[2], net[3], padding=1))
    return F.linear(torch.cat([H.mean(dim=2), H.amax(dim=2)], dim=1), net[4], net[5])
