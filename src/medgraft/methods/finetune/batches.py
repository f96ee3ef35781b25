"""What training reads, in batches: images, or what stands for them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medgraft.methods.finetune.augment import augment
from medgraft.methods.splits import Floats

if TYPE_CHECKING:
    import torch

MEMORY = 2**30  # bytes of images that may be kept in memory


class Inputs(ABC):
    """Inputs of the trained part of a network for n images.

    Parameters
    ----------
    first : int
        Block at which they enter.
    """

    first: int

    @abstractmethod
    def get(self, rows: NDArray[np.intp], rng: np.random.Generator | None) -> torch.Tensor:
        """Return the inputs of some images; `rng` None: unchanged images."""


class Live(Inputs):
    """The images themselves, changed anew at every epoch; decoded once if they fit into memory."""

    first = 0

    def __init__(self, read: Callable[[int], torch.Tensor], n: int, changes: bool, bytes_each: int) -> None:
        self.read, self.changes = read, changes
        self.kept: dict[int, Any] | None = {} if n * bytes_each <= MEMORY else None

    def _image(self, i: int) -> torch.Tensor:
        if self.kept is None:
            return self.read(i)
        if i not in self.kept:
            self.kept[i] = self.read(i)
        image: torch.Tensor = self.kept[i]
        return image

    def get(self, rows: NDArray[np.intp], rng: np.random.Generator | None) -> torch.Tensor:
        """Return images (b, c, s, s)."""
        import torch

        images = torch.stack([self._image(int(i)) for i in rows])
        return augment(images, rng) if rng is not None and self.changes else images


class Batches:
    """Shuffled batches of one epoch after the other: inputs, targets, weights.

    Parameters
    ----------
    inputs : Inputs
    rows : array of int
        Which of the inputs, one for each target.
    y, weight : arrays
        Targets (codes or values) and weights of these rows; the weights are brought to mean 1, so that the
        mean of weight times loss over a batch is, on average, the weighted mean over all rows.
    size : int
        Images a batch, at most; batches of one epoch are of nearly equal size.
    seed : int
        Order and changes depend on it and on the epoch alone.
    """

    def __init__(
        self, inputs: Inputs, rows: NDArray[np.intp], y: NDArray[Any], weight: Floats, size: int, seed: int
    ) -> None:
        self.inputs, self.rows, self.y, self.seed = inputs, rows, y, seed
        self.weight = weight / weight.mean() if len(weight) else weight
        self.count = -(-len(rows) // size)
        self.epoch = 0

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
        rng = np.random.default_rng([self.seed, self.epoch])
        self.epoch += 1
        for part in np.array_split(rng.permutation(len(self.rows)), self.count):
            yield self.batch(part, rng)

    def endless(self, count: int, seed: int) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
        """Yield `count` batches, epoch after epoch, in an order of their own."""
        again = Batches(self.inputs, self.rows, self.y, self.weight, -(-len(self.rows) // self.count), seed)
        while count > 0:
            for batch in again:
                if count > 0:
                    yield batch
                count -= 1

    def batch(
        self, part: NDArray[np.intp], rng: np.random.Generator | None
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return inputs, targets and weights of some rows."""
        import torch

        x = self.inputs.get(self.rows[part], rng)
        y = torch.from_numpy(self.y[part])
        w = torch.from_numpy(self.weight[part].astype(np.float32))
        return x, (y if y.dtype == torch.int64 else y.float()), w

    def in_order(self, size: int = 32) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
        """Yield all rows once, unchanged images, in order: for measuring."""
        for start in range(0, len(self.rows), size):
            yield self.batch(np.arange(start, min(start + size, len(self.rows))), None)
