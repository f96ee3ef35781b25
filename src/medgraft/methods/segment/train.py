"""The training loop of dense networks: gradual release, early stopping, the same on any number of cores."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from medgraft.methods.finetune import optimisers
from medgraft.methods.finetune.loop import History
from medgraft.methods.segment.loss import dice_and_entropy

if TYPE_CHECKING:
    import torch

    Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


class Feed(ABC):
    """What training reads: batches of samples, of their masks as class numbers, and of weights.

    The weights have mean 1 over the training rows, so that each sample counts the same in any batch.
    """

    @abstractmethod
    def __len__(self) -> int:
        """Steps of an epoch."""

    @abstractmethod
    def epoch(self, rng: np.random.Generator) -> Iterator[Batch]:
        """Yield the batches of one epoch, changed at random."""

    @abstractmethod
    def held(self) -> Iterator[Batch]:
        """Yield what is held out, as it is; nothing where there is none."""


@dataclass(frozen=True)
class Course:
    """How to train.

    Attributes
    ----------
    epochs : int
        At most so many.
    patience : int
        Epochs without a better held-out loss after which training stops.
    optimizer, schedule : str
        See `medgraft.methods.finetune.optimisers`.
    weight_decay : float
        Of the optimiser.
    piece : int
        Samples whose gradient one core computes.
    apart : bool
        Whether samples of a batch do not see each other: no BatchNorm trains.
    loss : callable
        Scores and targets -> the loss of each sample.
    """

    epochs: int
    patience: int
    optimizer: str
    schedule: str
    weight_decay: float
    piece: int
    apart: bool
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] = dice_and_entropy

    def __post_init__(self) -> None:
        optimisers.check(self.optimizer, self.schedule)


def train(
    network: torch.nn.Module,
    groups: list[dict[str, Any]],
    release: Callable[[int], None],
    feed: Feed,
    course: Course,
    *,
    seed: int,
    device: torch.device,
    tell: Callable[[int, int], None],
) -> History:
    """Train `network` in place, and leave it with the weights of its best epoch, in evaluation mode.

    The best epoch is the one of least held-out loss; without held-out samples the last one counts. Where
    samples do not see each other, each core of a CPU computes the gradient of pieces of a batch, so that the
    weights are the same to the last bit on any number of cores.

    Parameters
    ----------
    network : Module
        Samples (b, ...) -> scores (b, K, ...).
    groups : list of dict
        Weights ("params") and their peak learning rates ("peak").
    release : callable
        Called with the number of each epoch, from 0: lets weights train.
    """
    import torch

    from medgraft.sources.forward import workers
    from medgraft.sources.memory import kept_memory

    history = History()
    optimizer = optimisers.make_optimiser(
        course.optimizer, [g for g in groups if g["params"]], course.weight_decay
    )
    best: dict[str, torch.Tensor] = {}
    with kept_memory(), torch.random.fork_rng(devices=[]), ExitStack() as stack:
        torch.manual_seed(seed)
        pool = None
        if device.type == "cpu" and course.apart:
            pool = stack.enter_context(workers(torch.get_num_threads()))
            torch.set_num_threads(1)  # the caller's setting comes back with the end of the workers
        step = _Step(network.to(device), course, device, pool)
        for epoch in range(course.epochs):
            release(epoch)
            network.train()
            losses = []
            for i, batch in enumerate(feed.epoch(np.random.default_rng([seed, epoch]))):
                done = (epoch + i / len(feed)) / course.epochs
                tell(epoch * len(feed) + i, course.epochs * len(feed))
                factor = optimisers.factor(course.schedule, done)
                if course.schedule == "plateau":
                    factor *= optimisers.DROP ** optimisers.plateaus(history.held)
                for group in optimizer.param_groups:
                    group["lr"] = group["peak"] * factor
                optimizer.zero_grad()
                losses.append(step.gradient(batch))
                optimizer.step()
            history.train.append(sum(losses) / len(losses))
            held = step.measure(feed)
            if held is None:
                history.best = epoch + 1
                continue
            if held < min(history.held, default=math.inf):
                history.best = epoch + 1
                best = {n: t.detach().cpu().clone() for n, t in network.state_dict().items()}
            history.held.append(held)
            if epoch + 1 - history.best >= course.patience:
                break
        tell(1, 1)
    network.to("cpu")
    if best:
        network.load_state_dict(best)
    for weight in network.parameters():
        weight.grad = None
    network.eval()
    return history


class _Step:
    """Loss and gradient of a batch."""

    def __init__(
        self,
        network: torch.nn.Module,
        course: Course,
        device: torch.device,
        pool: ThreadPoolExecutor | None,
    ) -> None:
        self.network, self.course, self.device, self.pool = network, course, device, pool

    def gradient(self, batch: Batch) -> float:
        """Put the gradient of a batch into the weights; return its loss."""
        import torch

        x, codes, weight = batch
        parts = (x, codes, weight / len(weight))
        if self.pool is None:
            loss = self._loss(*parts)
            loss.backward()  # type: ignore[no-untyped-call]
            return float(loss.detach())
        weights = [p for p in self.network.parameters() if p.requires_grad]

        def piece(part: Batch) -> tuple[float, tuple[torch.Tensor, ...]]:
            loss = self._loss(*part)
            return float(loss.detach()), torch.autograd.grad(loss, weights, allow_unused=True)

        pieces = zip(*(torch.split(t, self.course.piece) for t in parts), strict=True)
        done = list(self.pool.map(piece, pieces))
        for place, *grads in zip(weights, *(g for _, g in done), strict=True):
            some = [g for g in grads if g is not None]  # what follows the coarsest map has none
            place.grad = torch.stack(some).sum(dim=0) if some else None
        return sum(loss for loss, _ in done)

    def measure(self, feed: Feed) -> float | None:
        """Return the mean loss of what is held out; None where nothing is."""
        import torch

        self.network.eval()

        def part(batch: Batch) -> tuple[float, float]:
            with torch.no_grad():
                return float(self._loss(*batch)), float(batch[2].sum())

        batches = feed.held()
        done = list(map(part, batches) if self.pool is None else self.pool.map(part, batches))
        return sum(loss for loss, _ in done) / sum(w for _, w in done) if done else None

    def _loss(self, x: torch.Tensor, codes: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        scores = self.network(x.to(self.device))
        each = self.course.loss(scores, codes.to(self.device))
        return (weight.to(self.device) * each).sum()
