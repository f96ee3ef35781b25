"""What a 2-D network learns from: images, or slices of volumes, kept as small whole numbers."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medgraft.methods.finetune.batches import MEMORY
from medgraft.methods.segment.cases import Marked
from medgraft.methods.segment.frame import Frame, filled, multiple
from medgraft.methods.segment.train import Feed
from medgraft.methods.segment.turn import turned
from medgraft.methods.splits import Ints

if TYPE_CHECKING:
    import torch

    from medgraft.methods.segment.train import Batch

_CROPS = 16  # windows of one image an epoch, at most


class Slices(Feed):
    """Batches of slices: in each epoch all that hold something, and at most as many that do not.

    Parameters
    ----------
    rows : Marked
    frame : Frame
    train, held : arrays of int
        Rows to learn from, and rows to watch.
    batch_size : int
    changes : bool
        Whether training slices are changed at random (see `turned`).
    seed : int
    """

    def __init__(
        self,
        rows: Marked,
        frame: Frame,
        train: Ints,
        held: Ints,
        *,
        batch_size: int,
        changes: bool,
        seed: int,
    ) -> None:
        self.frame, self.batch_size, self.changes, self.seed = frame, batch_size, changes, seed
        self.flip = rows.kind == "image"  # the sides of a volume are those of the patient
        self.weight = rows.weight / rows.weight[train].mean()
        self.pixels: dict[int, NDArray[np.uint8]] = {}
        self.codes: dict[int, NDArray[np.uint8]] = {}
        self.something: list[tuple[int, int]] = []
        self.nothing: list[tuple[int, int]] = []
        used = 0
        for i in [*train, *held]:
            case, codes = rows.open(int(i), frame.channels)
            self.pixels[i], self.codes[i] = frame.pixels(case), frame.codes(codes, case)
            used += self.pixels[i].nbytes + self.codes[i].nbytes
            if used > MEMORY:
                self.pixels[i], self.codes[i] = on_disk(self.pixels[i]), on_disk(self.codes[i])
        for i in train:
            for s, codes in enumerate(self.codes[i]):
                (self.something if codes.any() else self.nothing).append((int(i), s))
        self.watched = [(int(i), s) for i in held for s in range(len(self.codes[i]))]
        sides = np.array([c.shape[1:] for c in self.codes.values()]).max(axis=0)
        windows = frame.view == "windows"
        self.sides = (frame.size, frame.size) if windows else (multiple(sides[0]), multiple(sides[1]))

    def shares(self, k: int) -> list[float]:
        """Return the share of pixels of each of k classes in the slices of an epoch."""
        counts = np.zeros(k)
        for i, s in self.something:
            counts += np.bincount(self.codes[i][s].ravel(), minlength=k)
        nothing = self.nothing[: max(len(self.something), 1)]
        counts[0] += sum(self.codes[i][s].size for i, s in nothing)
        return [float(c) for c in counts / counts.sum()]

    def __len__(self) -> int:
        return -(-len(self._entries(np.random.default_rng(0))) // self.batch_size)

    def _entries(self, rng: np.random.Generator) -> list[tuple[int, int]]:
        few = rng.permutation(len(self.nothing))[: max(len(self.something), 1)]
        entries = [*self.something, *(self.nothing[i] for i in few)]
        if self.frame.view == "whole":
            return entries
        area = self.frame.size**2
        counts = [round(self.codes[i][s].size / area) for i, s in entries]
        return [e for e, n in zip(entries, counts, strict=True) for _ in range(min(max(n, 1), _CROPS))]

    def epoch(self, rng: np.random.Generator) -> Iterator[Batch]:
        """Yield the batches of one epoch, in another order and with other changes each time."""
        entries = self._entries(rng)
        for part in np.array_split(rng.permutation(len(entries)), len(self)):
            x, codes, weight = self._batch([entries[i] for i in part], rng)
            if self.changes:
                x, codes = turned(x, codes, rng, flip=self.flip, white=255.0)
            yield x, codes, weight

    def held(self) -> Iterator[Batch]:
        """Yield all slices that are watched, as they are."""
        for start in range(0, len(self.watched), 8):
            some = self.watched[start : start + 8]
            yield self._batch(some, np.random.default_rng([self.seed, start]))

    def _batch(self, entries: list[tuple[int, int]], rng: np.random.Generator) -> Batch:
        import torch

        seen = [self._one(i, s, rng) for i, s in entries]
        weight = torch.tensor([self.weight[i] for i, _ in entries], dtype=torch.float32)
        return torch.stack([x for x, _ in seen]), torch.stack([codes for _, codes in seen]), weight

    def _one(self, i: int, s: int, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        import torch

        x, codes = self.frame.look(self.pixels[i], s), torch.from_numpy(np.array(self.codes[i][s]))
        if self.frame.view == "windows":
            place = crop(self.codes[i][s], self.sides, rng)
            x, codes = x[(slice(None), *place)], codes[place]
        return filled(x, self.sides), filled(codes, self.sides)


def crop(codes: NDArray[Any], sides: tuple[int, ...], rng: np.random.Generator) -> tuple[slice, ...]:
    """Draw a window of a mask: in half of the cases around a place that is not background.

    Where the mask is smaller than the window, the window is cut short.
    """
    inside = np.argwhere(codes) if rng.random() < 0.5 else np.zeros((0, codes.ndim), int)
    if len(inside):
        corner = inside[rng.integers(len(inside))] - np.array(sides) // 2
    else:
        corner = np.array([rng.integers(max(n - s, 0) + 1) for n, s in zip(codes.shape, sides, strict=True)])
    last = [max(n - s, 0) for n, s in zip(codes.shape, sides, strict=True)]
    return tuple(slice(c, c + s) for c, s in zip(np.clip(corner, 0, last), sides, strict=True))


def on_disk(values: NDArray[Any]) -> NDArray[Any]:
    """Return the values in a temporary file that is mapped into memory, and gone with the array."""
    file = tempfile.TemporaryFile()  # noqa: SIM115  # open as long as the array lives, then gone
    kept = np.memmap(file, dtype=values.dtype, mode="w+", shape=values.shape)
    kept[...] = values
    return kept
