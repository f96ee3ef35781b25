"""What a 3-D network learns from: pieces of volumes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medgraft.methods.finetune.batches import MEMORY
from medgraft.methods.segment.cases import Case, Marked, levels
from medgraft.methods.segment.slices import crop, on_disk
from medgraft.methods.segment.train import Feed
from medgraft.methods.segment.turn import turned
from medgraft.methods.splits import Ints

if TYPE_CHECKING:
    import torch

    from medgraft.methods.segment.train import Batch

_MOST = 8  # pieces of one volume an epoch


def on_grid(values: NDArray[Any], case: Case, spacing: float, *, labels: bool) -> torch.Tensor:
    """Return values on the grid of a case (x, y, z), brought to so many mm a voxel; 0: as they are."""
    import torch
    from torch.nn.functional import interpolate

    x = torch.from_numpy(np.ascontiguousarray(values))
    if not spacing:
        return x
    sides = [max(round(n * s / spacing), 1) for n, s in zip(case.grid, case.spacing, strict=True)]
    if labels:
        return interpolate(x[None, None].float(), size=sides, mode="nearest-exact")[0, 0].to(x.dtype)
    return interpolate(x[None, None], size=sides, mode="trilinear", align_corners=False)[0, 0]


class Patches(Feed):
    """Batches of pieces of volumes; half of them are drawn around something.

    Parameters
    ----------
    rows : Marked
    spacing : float
        Millimetres a voxel; 0: the grid that each volume has.
    patch : tuple of int
        Sides of a piece; empty: the median sides of the volumes, each at most 64, as multiples of `step`.
    step : int
        What sides must be multiples of.
    train, held : arrays of int
        Rows to learn from, and rows to watch.
    batch_size : int
    changes : bool
        Whether training pieces are changed at random (see `turned`).
    seed : int

    Attributes
    ----------
    patch : tuple of int
        The sides in use.
    """

    def __init__(
        self,
        rows: Marked,
        spacing: float,
        patch: tuple[int, ...],
        step: int,
        train: Ints,
        held: Ints,
        *,
        batch_size: int,
        changes: bool,
        seed: int,
    ) -> None:
        self.batch_size, self.changes, self.seed = batch_size, changes, seed
        self.weight = rows.weight / rows.weight[train].mean()
        self.volumes: dict[int, NDArray[np.float16]] = {}
        self.codes: dict[int, NDArray[np.uint8]] = {}
        used = 0
        for i in [*train, *held]:
            case, codes = rows.open(int(i))
            volume = on_grid(levels(case.values), case, spacing, labels=False).numpy().astype(np.float16)
            self.volumes[i], self.codes[i] = volume, on_grid(codes, case, spacing, labels=True).numpy()
            used += volume.nbytes + self.codes[i].nbytes
            if used > MEMORY:
                self.volumes[i], self.codes[i] = on_disk(volume), on_disk(self.codes[i])
        sides = np.median([v.shape for v in self.volumes.values()], axis=0)
        self.patch = tuple(int(-(-n // step) * step) for n in (patch or np.minimum(sides, 64)))
        self.watched = [int(i) for i in held]
        size = np.prod(self.patch)
        self.entries = [
            int(i) for i in train for _ in range(min(max(round(self.codes[i].size / size), 1), _MOST))
        ]

    def __len__(self) -> int:
        return -(-len(self.entries) // self.batch_size)

    def epoch(self, rng: np.random.Generator) -> Iterator[Batch]:
        """Yield the batches of one epoch: other pieces, in another order, with other changes each time."""
        for part in np.array_split(rng.permutation(len(self.entries)), len(self)):
            x, codes, weight = self._batch([self.entries[i] for i in part], rng)
            if self.changes:
                x, codes = turned(x, codes, rng, flip=False, white=1.0)
            yield x, codes, weight

    def held(self) -> Iterator[Batch]:
        """Yield a piece of each volume that is watched, the same each time."""
        for i in self.watched:
            yield self._batch([i], np.random.default_rng([self.seed, i]))

    def _batch(self, rows: list[int], rng: np.random.Generator) -> Batch:
        import torch

        seen = [self._one(i, rng) for i in rows]
        weight = torch.tensor([self.weight[i] for i in rows], dtype=torch.float32)
        return torch.stack([x for x, _ in seen]), torch.stack([codes for _, codes in seen]), weight

    def _one(self, i: int, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        import torch
        from torch.nn.functional import pad

        place = crop(self.codes[i], self.patch, rng)
        x = torch.from_numpy(self.volumes[i][place].astype(np.float32))
        codes = torch.from_numpy(np.array(self.codes[i][place]))
        missing = [n - s for n, s in zip(self.patch, x.shape, strict=True)]
        fill = [n for m in reversed(missing) for n in (0, m)]
        return pad(x, fill)[None], pad(codes, fill)
