"""An autoencoder whose code reconstructs the features and predicts, at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from medgraft.methods.learners.base import Lesson, TaskLearner
from medgraft.methods.learners.passes import fit_losses, train
from medgraft.methods.learners.registry import learner
from medgraft.methods.splits import Floats
from medgraft.methods.table import InputError

if TYPE_CHECKING:
    import torch


@learner("autoencoder", refs=("Le, Patterson and White 2018, NeurIPS 31:107-117",))
class AutoencoderLearner(TaskLearner):
    r"""A dense autoencoder with a linear head on its code: a wide table is read through a few factors.

    Use it on wide tables of correlated columns (methylation, expression) with some hundred rows and more: the
    reconstruction holds the code to what the columns share. Not with a few dozen rows, where the default
    learner is the one to beat, nor where the signal is in single columns.

    With the code z of a row, its decoding f(z) and the head's :math:`V z + c` it minimises

    .. math:: \sum_i w_i \Big[\frac{1}{2p} \|x_i - f(z_i)\|^2 + \lambda\,\ell(y_i, V z_i + c)\Big] \Big/
              \sum_i w_i

    where :math:`\ell` is the log loss or the squared error, by AdamW; a fifth of the patients is held out,
    and the weights at which their loss was least are kept.

    Parameters
    ----------
    task, random_state
        See `TaskLearner`; the seed also draws weights and batches.
    hidden : int, default 64
        Width of the hidden layers.
    latent : int, default 16
        Width of z.
    told : float, default 1
        :math:`\lambda`, the weight of the labels.
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
    A learner is given labelled rows alone; the method ``frozen-generative`` learns its code from unlabelled
    rows, too. Cost O(n p hidden) a pass; memory O(p hidden).

    Examples
    --------
    >>> AutoencoderLearner(latent=8).latent
    8
    """

    rough = True  # a few columns have no common factors

    def __init__(
        self,
        *,
        task: str = "classification",
        hidden: int = 64,
        latent: int = 16,
        told: float = 1.0,
        epochs: int = 100,
        patience: int = 10,
        batch: int = 32,
        lr: float = 1e-3,
        random_state: int = 0,
    ) -> None:
        self.task = task
        self.hidden = hidden
        self.latent = latent
        self.told = told
        self.epochs = epochs
        self.patience = patience
        self.batch = batch
        self.lr = lr
        self.random_state = random_state

    def _make(self, p: int, outputs: int) -> Any:
        """Return a network that is not trained."""
        from medgraft.networks.omics_autoencoder import OmicsAutoencoder

        return OmicsAutoencoder(p, [self.hidden], self.latent, outputs)

    def _network(self, p: int, k: int) -> Any:
        import torch

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.random_state)
            return self._make(p, max(k, 1))

    def _fit(self, lesson: Lesson) -> None:
        import torch

        for name in ("hidden", "latent", "told", "epochs", "patience", "batch", "lr"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name} must be more than 0, not {getattr(self, name)!r}.")
        net = self._network(lesson.Z.shape[1], lesson.k)
        draw = torch.Generator().manual_seed(self.random_state)

        def losses(Z: torch.Tensor, T: torch.Tensor) -> torch.Tensor:
            # Held-out patients are judged without noise: it would choose the epoch.
            z, each = net.losses(Z, draw if torch.is_grad_enabled() else None)
            return each + self.told * fit_losses(net.head(z), T, bool(lesson.k))

        self.tensors_, self.epochs_ = train(
            list(net.parameters()),
            losses,
            lesson,
            draw,
            epochs=self.epochs,
            patience=self.patience,
            batch=self.batch,
            lr=self.lr,
            seed=self.random_state,
        )

    def _codes(self, Z: Floats, k: int) -> tuple[Any, Any]:
        """Return the trained network in double precision, and the codes of standardised rows."""
        import torch

        net = self._network(Z.shape[1], k).double()
        with torch.no_grad():
            for weight, kept in zip(net.parameters(), self.tensors_, strict=True):
                weight.copy_(torch.from_numpy(kept))
            return net, net.code(torch.from_numpy(np.asarray(Z, dtype=np.float64)))

    @property
    def _k(self) -> int:
        return len(self.classes_) if self.task != "regression" else 0

    def codes(self, X: Any) -> Floats:
        """Return the codes (n, latent) of rows (n, p)."""
        return np.asarray(self._codes(self._standard(X), self._k)[1].numpy())

    def _output(self, Z: Floats) -> Floats:
        import torch

        net, z = self._codes(Z, self._k)
        with torch.no_grad():
            out = net.head(z)
        return np.asarray(torch.softmax(out, dim=1).numpy() if self._k else out[:, 0].numpy())
