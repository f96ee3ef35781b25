"""An autoencoder of two LSTMs that reconstructs the features and tells the classes, at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from medgraft.methods.learners.base import Lesson, TaskLearner
from medgraft.methods.learners.passes import fit_losses, train
from medgraft.methods.learners.registry import learner
from medgraft.methods.splits import Floats
from medgraft.methods.table import InputError

CHUNK = 1024  # rows predicted at once


@learner("ae-lstm", refs=("Ragab et al. 2023, doi:10.32604/cmc.2023.032192",))
class AutoencoderLSTMLearner(TaskLearner):
    r"""An LSTM reads the features in steps; its last state predicts, and another LSTM reconstructs from it.

    Use it on a network's features, as in the study it comes from (on DenseNet121), with some hundred rows:
    the reconstruction holds the code to what is common in the features. Not on few columns or few rows: the
    default learner is the one to beat there.

    The p features are cut into `steps` pieces x_1..x_T in their order. With code
    :math:`z = \tanh(W h_T + b)` of the encoder's last state and the decoder's states :math:`g_t` when it is
    given z at each step, it minimises

    .. math:: \sum_i w_i \Big[\ell(y_i, V z_i + c)
              + \frac{\lambda}{p} \sum_t \|U g_t(z_i) + d - x_{it}\|^2\Big] \Big/ \sum_i w_i

    where :math:`\ell` is the log loss or the squared error, by AdamW; a fifth of the patients is held out,
    and the weights at which their loss was least are kept.

    Parameters
    ----------
    task, random_state
        See `TaskLearner`; the seed also draws weights and batches.
    steps : int, default 16
        T; at most one a feature.
    hidden : int, default 64
        States of each LSTM.
    code : int, default 32
        Width of z.
    reconstruction : float, default 1
        :math:`\lambda`; 0: a recurrent classifier alone.
    epochs, patience, batch : int
    lr : float
        As in `CNN1DLearner`.

    Attributes
    ----------
    tensors_ : list of arrays
        Weights, in the order of the network's parameters.
    epochs_ : int
        Passes made.

    Raises
    ------
    InputError
        A setting is out of range.

    Notes
    -----
    The paper's text was not read in full: lambda, the sizes and the cut into steps are ours. Cost
    O(n (p hidden + T hidden^2)) a pass.

    Examples
    --------
    >>> AutoencoderLSTMLearner(code=8).code
    8
    """

    rough = True  # columns in no order

    def __init__(
        self,
        *,
        task: str = "classification",
        steps: int = 16,
        hidden: int = 64,
        code: int = 32,
        reconstruction: float = 1.0,
        epochs: int = 60,
        patience: int = 10,
        batch: int = 32,
        lr: float = 3e-3,
        random_state: int = 0,
    ) -> None:
        self.task = task
        self.steps = steps
        self.hidden = hidden
        self.code = code
        self.reconstruction = reconstruction
        self.epochs = epochs
        self.patience = patience
        self.batch = batch
        self.lr = lr
        self.random_state = random_state

    def _network(self, p: int, k: int) -> Any:
        import torch

        from medgraft.networks.lstm import AutoencoderLSTM

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.random_state)
            return AutoencoderLSTM(p, max(k, 1), min(self.steps, p), self.hidden, self.code)

    def _fit(self, lesson: Lesson) -> None:
        import torch

        for name in ("steps", "hidden", "code", "epochs", "patience", "batch", "lr"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name} must be more than 0, not {getattr(self, name)!r}.")
        if not self.reconstruction >= 0:
            raise InputError(f"reconstruction must be 0 or more, not {self.reconstruction!r}.")
        net = self._network(lesson.Z.shape[1], lesson.k)

        def losses(Z: torch.Tensor, T: torch.Tensor) -> torch.Tensor:
            out, again = net(Z)
            told = fit_losses(out, T, bool(lesson.k))
            return told + self.reconstruction * ((again - Z) ** 2).mean(dim=1)

        self.tensors_, self.epochs_ = train(
            list(net.parameters()),
            losses,
            lesson,
            torch.Generator().manual_seed(self.random_state),
            epochs=self.epochs,
            patience=self.patience,
            batch=self.batch,
            lr=self.lr,
            seed=self.random_state,
        )

    def _output(self, Z: Floats) -> Floats:
        import torch

        k = len(self.classes_) if self.task != "regression" else 0
        net = self._network(Z.shape[1], k)
        parts = []
        with torch.no_grad():
            for weight, kept in zip(net.parameters(), self.tensors_, strict=True):
                weight.copy_(torch.from_numpy(kept))
            net.double()
            for start in range(0, len(Z), CHUNK):
                parts.append(net(torch.from_numpy(Z[start : start + CHUNK]))[0])
        out = torch.cat(parts)
        return np.asarray(torch.softmax(out, dim=1).numpy() if k else out[:, 0].numpy())
