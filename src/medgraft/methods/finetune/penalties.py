"""Penalties that hold a trained network near what the pretrained one knew."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from medgraft.base import MedgraftError

if TYPE_CHECKING:
    import torch

    from medgraft.methods.finetune.batches import Batches
    from medgraft.methods.finetune.objective import Loss
    from medgraft.sources.network import Network

SAMPLE = 256  # training images by which DELTA weighs the channels


class Penalty:
    """Nothing is added to the loss; derive from it to add something.

    Attributes
    ----------
    whole_batch : bool
        Whether the penalty of a batch is no sum over its images.
    reads_target : bool
        Whether it compares with images of the target, labelled or not.
    target : Batches
        Those images, where it does.
    """

    whole_batch = False
    reads_target = False
    target: Batches

    def __init__(self, strength: float) -> None:
        self.strength = strength

    def begin(self, network: Network, first: int, fit: Batches, loss: Loss) -> None:
        """Remember what is needed of the network before it is trained.

        Parameters
        ----------
        network : Network
            On the device on which it will train.
        first : int
            Blocks from this one on will train.
        fit : Batches
            The training rows.
        loss : callable
            What is minimised: scores and targets -> the loss of each image.
        """

    def weights(self) -> list[torch.nn.Parameter]:
        """Return weights of its own, which train with the head."""
        return []

    def tick(self, done: float) -> None:
        """Learn which share of the training is done."""

    def of_batch(
        self, x: torch.Tensor, first: int, maps: torch.Tensor, features: torch.Tensor
    ) -> torch.Tensor:
        """Return the penalty of a batch, (b,) or one number, with a gradient.

        Parameters
        ----------
        x : tensor
            What entered block `first`.
        maps : tensor
            The network's last activations before pooling.
        features : tensor (b, d)
        """
        return features.new_zeros(len(features))

    def add_gradient(self, network: Network) -> None:
        """Add the gradient of a penalty on the weights alone to ``grad``."""


class L2SP(Penalty):
    r"""Add :math:`\frac{\alpha}{2} \|w - w^0\|^2` over the released weights of the trunk (Li et al. 2018)."""

    def begin(self, network: Network, first: int, fit: Batches, loss: Loss) -> None:
        """Remember the weights."""
        blocks = range(first, len(network.trunk.blocks))
        self.start = [(p, p.detach().clone()) for b in blocks for p in network.block_weights(b)]

    def add_gradient(self, network: Network) -> None:
        """Add alpha (w - w0)."""
        for weight, start in self.start:
            if weight.grad is not None:
                weight.grad.add_(weight.detach() - start.to(weight.device), alpha=self.strength)


class Delta(Penalty):
    r"""Add :math:`\frac{\alpha}{2} \sum_c \omega_c \|F_c(x) - F^0_c(x)\|^2` over channels of the last map.

    :math:`F^0` is the pretrained network's map, flattened; :math:`\omega` the softmax, over channels, of how
    much the loss of the fitted head grows when a channel is put out (Li et al. 2019, which has it on several
    layers; here the last one, where putting out a channel costs no pass through the network).
    """

    def begin(self, network: Network, first: int, fit: Batches, loss: Loss) -> None:
        """Keep a copy of the network, and weigh its channels."""
        import torch

        self.old = copy.deepcopy(network.trunk).eval()
        for weight in self.old.parameters():
            weight.requires_grad_(False)
        device = network.head.mean.device
        losses, total = torch.zeros(network.head.mean.numel()), 0
        with torch.no_grad():
            for x, y, _ in fit.in_order():
                x, y = x.to(device), y.to(device)
                entered = x if fit.inputs.first == first else self.old.prefix(x, first)
                features = self.old.suffix(entered, first)
                for j in range(features.shape[1]):
                    out = features.clone()
                    out[:, j] = 0.0
                    losses[j] += float(loss(network.head(out), y).sum())
                total += len(y)
                if total >= SAMPLE:
                    break
        self.omega = torch.softmax(losses / max(total, 1), dim=0)

    def of_batch(
        self, x: torch.Tensor, first: int, maps: torch.Tensor, features: torch.Tensor
    ) -> torch.Tensor:
        """Return the weighted squared distance of the maps, (b,)."""
        import torch

        with torch.no_grad():
            self.old.to(x.device)
            was, _ = self.old.suffix_with_map(x, first)
        channel = 1 if maps.ndim == 4 else -1
        apart = ((maps - was) ** 2).movedim(channel, 1).flatten(2).sum(dim=2)
        if apart.shape[1] != len(self.omega):  # a map of other channels than the features
            return 0.5 * self.strength * apart.mean(dim=1)
        return 0.5 * self.strength * apart @ self.omega.to(apart.device)


class BSS(Penalty):
    r"""Add :math:`\eta\, \sigma_{\min}^2` of a batch's features (spectral shrinkage, Chen et al. 2019)."""

    whole_batch = True

    def of_batch(
        self, x: torch.Tensor, first: int, maps: torch.Tensor, features: torch.Tensor
    ) -> torch.Tensor:
        """Return eta times the square of the smallest singular value, of the whole batch."""
        import torch

        return self.strength * torch.linalg.svdvals(features.float())[-1] ** 2


# Strengths that the papers recommend.
PENALTIES: dict[str, tuple[type[Penalty], float]] = {
    "none": (Penalty, 0.0),
    "l2-sp": (L2SP, 0.1),
    "delta": (Delta, 0.01),
    "bss": (BSS, 0.001),
}


def make_penalty(name: str, strength: float) -> Penalty:
    """Return a penalty by name; a strength below zero stands for the paper's.

    Raises
    ------
    MedgraftError
        No such penalty.
    """
    if name not in PENALTIES:
        raise MedgraftError(f"penalty='{name}' does not exist: use one of {', '.join(PENALTIES)}.")
    kind, usual = PENALTIES[name]
    return kind(usual if strength < 0 else strength)
