"""What training will cost, from a timed probe on random images."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medgraft.sources.preprocess import Preprocess

if TYPE_CHECKING:
    from medgraft.sources.backbone import Backbone
    from medgraft.sources.network import Network

DECODE = Preprocess.seconds


def forward_seconds(backbone: Backbone) -> float:
    """CPU seconds of a forward pass over one image."""
    import torch

    from medgraft.sources.forward import CPU_BATCH, run_batches, workers

    if backbone.volume is not None:  # dear enough to be timed without filling a batch
        trunk = torch.no_grad()(backbone.module.cpu())
        with workers(1) as one:
            return one.submit(_timed, lambda: trunk(backbone.blank())).result()
    image = backbone.blank()[0]
    n = 2 * CPU_BATCH
    return _timed(lambda: run_batches(n, lambda i: image, backbone.module.cpu())) / n


def step_seconds(network: Network, backbone: Backbone, first: int, batch: int = 8) -> tuple[float, float]:
    """CPU seconds per image of the frozen part before block `first`, and of a training step after it.

    Measured on one thread, as the cores of a CPU share the work by images.
    """
    import torch

    from medgraft.sources.forward import workers
    from medgraft.sources.memory import kept_memory

    batch = min(batch, backbone.module.piece)
    images = backbone.blank(batch)
    network.release(range(first, len(network.trunk.blocks)))
    network.train()

    def prefix() -> torch.Tensor:
        with torch.no_grad():
            return network.trunk.prefix(images, first)

    h = prefix()

    def step() -> None:
        network.rest(h, first).square().mean().backward()  # type: ignore[no-untyped-call]

    with kept_memory(), workers(1) as one:
        costs = (
            one.submit(_timed, prefix).result() / batch if first else 0.0,
            one.submit(_timed, step).result() / batch,
        )
    network.zero_grad(set_to_none=True)
    network.eval()
    return costs


@dataclass(frozen=True)
class Training:
    """What one training costs in CPU seconds.

    Attributes
    ----------
    each, predicted : float
        For an image to learn from, and for one to predict.
    saved : float
        What kept activations save for an image to learn from.
    """

    each: float
    predicted: float
    saved: float

    def seconds(self, n_fit: int, n_predict: int) -> float:
        """Return the cost of so many images."""
        return n_fit * self.each + n_predict * self.predicted


def training(
    network: Network,
    backbone: Backbone,
    first: int,
    *,
    epochs: int,
    views: int,
    head: bool,
    kept: bool = True,
) -> Training:
    """Return what a training costs.

    `first` is the lowest block that trains, `views` how often the frozen ones see an image if their
    activations are `kept` (else they run in each epoch), and `head` whether one more pass fits the head.
    """
    before, step = step_seconds(network, backbone, first)
    forward = forward_seconds(backbone)
    read = backbone.preprocess.seconds
    runs = views if kept else epochs
    each = forward * head + before * runs + 2 * read + epochs * step
    return Training(each, forward + read, before * max(epochs - runs, 0))


def _timed(work: Callable[[], object]) -> float:
    """CPU seconds of the second of two runs: the first one warms up."""
    work()
    before = time.process_time()
    work()
    return time.process_time() - before
