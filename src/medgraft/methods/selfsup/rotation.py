"""Rotation: by how many quarters was an image turned? Before fine-tuning, or along with it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy

from medgraft.methods.finetune.batches import Batches, Live
from medgraft.methods.finetune.objective import Loss, make_loss
from medgraft.methods.finetune.penalties import Penalty
from medgraft.methods.selfsup.tasks import Task, Unlabelled
from medgraft.sources.network import Head, Network

QUARTERS = 4


def turn(image: torch.Tensor, quarter: int) -> torch.Tensor:
    """Return an image (c, s, s) turned by so many quarters, counter-clockwise."""
    return torch.rot90(image, quarter, (1, 2))


class Turned(Live):
    """Every image in four orientations: row 4 i + q is image i, changed as ever, turned by q quarters."""

    def get(self, rows: NDArray[np.intp], rng: np.random.Generator | None) -> torch.Tensor:
        """Return images (b, c, s, s)."""
        images = super().get(rows // QUARTERS, rng)
        return torch.stack([turn(x, int(q)) for x, q in zip(images, rows % QUARTERS, strict=True)])


def make(given: Unlabelled) -> Task:
    """Return the task of Gidaris et al. 2018 (arXiv:1803.07728): four classes, each image in all of them."""
    count = given.n * QUARTERS
    y, even = np.arange(count) % QUARTERS, np.ones(count)
    inputs = Turned(given.read, given.n, given.changes, given.bytes_each)
    network = Network(given.backbone.module, Head(given.backbone.d, QUARTERS), given.batchnorm)
    fit = Batches(inputs, np.arange(count), y, even, given.batch_size, given.seed)
    return Task(network, fit, make_loss("auto", y, even, QUARTERS), Penalty(0.0))


class Auxiliary(Penalty):
    r"""Add :math:`\lambda \overline{\ell(q, A f_\theta(\mathrm{turn}(x, q)))}`, besides another penalty.

    Each batch meets as many turned images, in a random one of four orientations; A is a linear layer on the
    features that the head sees, and trains with it (Hendrycks et al. 2019, arXiv:1906.12340, which turns each
    image of the batch in all four ways).

    Parameters
    ----------
    other : Penalty
        What is added to the loss anyway.
    weight : float
        :math:`\lambda`.
    seed : int
        Of A.

    Attributes
    ----------
    turned : Batches
        The turned images, set before training; the target is the number of quarters.
    """

    whole_batch = True
    turned: Batches

    def __init__(self, other: Penalty, weight: float, seed: int) -> None:
        super().__init__(weight)
        self.other, self.seed = other, seed

    def begin(self, network: Network, first: int, fit: Batches, loss: Loss) -> None:
        """Make the linear layer."""
        self.other.begin(network, first, fit, loss)
        self.network = network
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            self.layer = torch.nn.Linear(network.head.mean.numel(), QUARTERS)
        self.layer.to(next(network.parameters()).device)
        self._stream = self._batches()

    def _batches(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        while True:
            for x, quarters, _ in self.turned:
                yield x, quarters

    def weights(self) -> list[torch.nn.Parameter]:
        """The linear layer's, and the other penalty's."""
        return [*self.layer.parameters(), *self.other.weights()]

    def tick(self, done: float) -> None:
        """Tell the other penalty."""
        self.other.tick(done)

    def add_gradient(self, network: Network) -> None:
        """Let the other penalty add its own."""
        self.other.add_gradient(network)

    def of_batch(
        self, x: torch.Tensor, first: int, maps: torch.Tensor, features: torch.Tensor
    ) -> torch.Tensor:
        """Return the other penalty, and the mean log loss of a batch of turned images."""
        turned, quarters = (t.to(x.device) for t in next(self._stream))
        if self.turned.inputs.first < first:
            with torch.no_grad():
                turned = self.network.trunk.prefix(turned, first)
        head = self.network.head
        z = (self.network.trunk.suffix(turned, first) - head.mean) / head.scale
        own = self.strength * cross_entropy(self.layer(z).float(), quarters)
        return self.other.of_batch(x, first, maps, features) + own
