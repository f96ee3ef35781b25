"""What training will cost, from a timed probe on random images."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from medgraft.sources.backbone import Backbone
    from medgraft.sources.network import Network

DECODE = 0.004  # CPU seconds to read, decode and resize an image of ordinary size


def forward_seconds(backbone: Backbone) -> float:
    """CPU seconds of a forward pass over one image."""
    import torch

    from medgraft.sources.forward import CPU_BATCH, run_batches

    image = torch.zeros(
        backbone.channels, backbone.spec.input_size, backbone.spec.input_size, dtype=torch.uint8
    )
    n = 2 * CPU_BATCH
    return _timed(lambda: run_batches(n, lambda i: image, backbone.module.cpu())) / n


def step_seconds(network: Network, backbone: Backbone, first: int, batch: int = 8) -> tuple[float, float]:
    """CPU seconds per image of the frozen part before block `first`, and of a training step after it.

    Measured on one thread, as the cores of a CPU share the work by images.
    """
    import torch

    from medgraft.sources.forward import workers
    from medgraft.sources.memory import kept_memory

    size = backbone.spec.input_size
    images = torch.zeros(batch, backbone.channels, size, size, dtype=torch.uint8)
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


def training_seconds(
    network: Network, backbone: Backbone, first: int, *, epochs: int, views: int, head: bool
) -> Callable[[int, int], float]:
    """CPU seconds as a function of the images to learn from and those to predict.

    `first` is the lowest block that trains, `views` how often the frozen ones see an image, and `head`
    whether one more pass fits the head.
    """
    before, step = step_seconds(network, backbone, first)
    forward = forward_seconds(backbone)
    each = forward * head + before * views + 2 * DECODE + epochs * step
    return lambda n_fit, n_predict: n_fit * each + n_predict * (forward + DECODE)


def _timed(work: Callable[[], object]) -> float:
    """CPU seconds of the second of two runs: the first one warms up."""
    work()
    before = time.process_time()
    work()
    return time.process_time() - before
