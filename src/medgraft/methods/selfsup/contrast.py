"""SimCLR: know two changed copies of an image among those of all others."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from medgraft.methods.finetune.batches import Batches, Live
from medgraft.methods.finetune.penalties import Penalty
from medgraft.methods.selfsup.tasks import Task, Unlabelled
from medgraft.sources.network import Head, Network

PROJECTION, TEMPERATURE = 128, 0.5


class Pairs(Batches):
    """Batches of two changed copies of each image; the target is the number of the image."""

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
        rng = np.random.default_rng([self.seed, self.epoch])
        self.epoch += 1
        for part in np.array_split(rng.permutation(len(self.rows)), self.count):
            x = torch.cat([self.inputs.get(self.rows[part], rng) for _ in range(2)])
            yield x, torch.arange(len(part)).repeat(2), torch.ones(2 * len(part))


class Together(Penalty):
    """No penalty, but one gradient for the whole batch: its images are compared with each other."""

    whole_batch = True


def contrast(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    r"""Return the normalised temperature-scaled cross-entropy of each image (b,), NT-Xent.

    .. math:: -\log \frac{e^{s_{ij} / 0.5}}{\sum_{k \ne i} e^{s_{ik} / 0.5}}

    with the cosine s and j the other copy of image i, the row of the same target.
    """
    z = torch.nn.functional.normalize(scores.float(), dim=1)
    similar = z @ z.T / TEMPERATURE
    itself = torch.eye(len(z), dtype=torch.bool, device=z.device)
    similar = similar.masked_fill(itself, float("-inf"))
    partner = ((target[:, None] == target[None]) & ~itself).float().argmax(dim=1)
    return torch.nn.functional.cross_entropy(similar, partner, reduction="none")


def make(given: Unlabelled) -> Task:
    """Return the task of Chen et al. 2020 (arXiv:2002.05709), with one linear layer; images always change."""
    inputs = Live(given.read, given.n, True, given.bytes_each)
    network = Network(given.backbone.module, Head(given.backbone.d, PROJECTION), given.batchnorm)
    n = given.n
    fit = Pairs(inputs, np.arange(n), np.zeros(n), np.ones(n), given.batch_size, given.seed)
    return Task(network, fit, contrast, Together(0.0))
