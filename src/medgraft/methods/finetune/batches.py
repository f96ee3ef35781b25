"""What training reads: activations of the frozen blocks, kept in memory, or the images themselves."""

from __future__ import annotations

import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medgraft.methods.finetune.augment import augment
from medgraft.methods.splits import Floats

if TYPE_CHECKING:
    import torch

    from medgraft.sources.backbone import Backbone
    from medgraft.sources.network import Network

MEMORY = 2**30  # bytes of activations or images that may be kept in memory
DISK = 0.5  # share of the free disk that activations may take beyond that
TYPES = {"float32": 4, "float16": 2}  # bytes of a number


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


class Kept(Inputs):
    """Activations before block `first` of every image, in several views, computed once.

    They lie in memory up to 1 GiB, and beyond that in a temporary file that is mapped into memory and gone
    with the process.

    View 0 is the image as it is; the others are changed at random. Training draws one view of each image
    an epoch, so that the frozen blocks run once per view and not once per epoch.
    """

    def __init__(
        self,
        network: Network,
        backbone: Backbone,
        read: Callable[[int], torch.Tensor],
        n: int,
        views: int,
        first: int,
        seed: int,
        device: torch.device,
        tell: Callable[[int, int], None],
        dtype: str = "float32",
    ) -> None:
        from medgraft.sources.forward import run_batches

        def view(i: int) -> torch.Tensor:
            image, number = read(i % n), i // n
            if number == 0:
                return image.float()
            return augment(image[None], np.random.default_rng([seed, i % n, number]))[0]

        network.eval()
        self.first, self.n, self.views = first, n, views
        self.values = run_batches(
            n * views,
            view,
            lambda images: network.trunk.prefix(images, first),
            device=device,
            progress=lambda done: tell(done, n * views),
            out=_store((n * views, *activation_shape(network, backbone, first)), dtype),
        )

    def get(self, rows: NDArray[np.intp], rng: np.random.Generator | None) -> torch.Tensor:
        """Return activations (b, ...)."""
        import torch

        views = np.zeros(len(rows), np.intp) if rng is None else rng.integers(self.views, size=len(rows))
        return self.values[torch.from_numpy(views * self.n + rows)].float()


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


def activation_shape(network: Network, backbone: Backbone, first: int) -> tuple[int, ...]:
    """Return the shape of one image's activations before block `first`."""
    import torch

    size = backbone.spec.input_size
    image = torch.zeros(1, backbone.channels, size, size)
    with torch.inference_mode():
        return tuple(network.trunk.cpu().prefix(image, first).shape[1:])


def room(count: int, shape: tuple[int, ...], dtype: str) -> tuple[int, str]:
    """Return the bytes of so many activations, and where there is room: "memory", "disk" or ""."""
    needed = count * int(np.prod(shape)) * TYPES[dtype]
    if needed <= MEMORY:
        return needed, "memory"
    return needed, "disk" if needed <= DISK * shutil.disk_usage(tempfile.gettempdir()).free else ""


def _store(shape: tuple[int, ...], dtype: str) -> torch.Tensor:
    import torch

    if room(shape[0], shape[1:], dtype)[1] == "memory":
        return torch.empty(shape, dtype=getattr(torch, dtype))
    file = tempfile.TemporaryFile()  # noqa: SIM115  # open as long as the tensor lives, then gone
    return torch.from_numpy(np.memmap(file, dtype=dtype, mode="w+", shape=shape))


class Batches:
    """Shuffled batches of one epoch after the other: inputs, targets, weights.

    Parameters
    ----------
    inputs : Inputs
    rows : array of int
        Which of the inputs, one for each target.
    y, weight : arrays
        Targets (codes or values) and weights of these rows.
    size : int
        Images a batch, at most; batches of one epoch are of nearly equal size.
    seed : int
        Order and changes depend on it and on the epoch alone.
    """

    def __init__(
        self, inputs: Inputs, rows: NDArray[np.intp], y: NDArray[Any], weight: Floats, size: int, seed: int
    ) -> None:
        self.inputs, self.rows, self.y, self.weight, self.seed = inputs, rows, y, weight, seed
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
