"""Activations of frozen blocks: computed once for each image and view, and shared by all arms and folds."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medgraft.methods.finetune.augment import augment
from medgraft.methods.finetune.batches import Inputs

if TYPE_CHECKING:
    import torch

    from medgraft.sources.backbone import Backbone
    from medgraft.sources.trunk import Trunk

MEMORY = 2**30  # bytes of activations that may be kept in memory
DISK = 0.5  # share of the free disk that activations may take beyond that
SHELVES = 4  # depths and networks that are kept at a time
TYPES = {"float32": 4, "float16": 2}  # bytes of a number

View = tuple[bytes, int]  # the checksum of an image, and the number of its view
Spot = tuple[int, int]  # a piece of a shelf, and the row in it


class Shelf:
    """Activations before one block, in pieces of memory or of mapped temporary files.

    Attributes
    ----------
    pieces : list of tensor (n, ...)
    spots : dict
        Where the activations of an image's view stand.
    """

    def __init__(self) -> None:
        self.pieces: list[torch.Tensor] = []
        self.spots: dict[View, Spot] = {}
        self.in_memory = 0

    def add(self, values: torch.Tensor, views: Sequence[View], in_memory: int) -> None:
        """Put one more piece on the shelf."""
        self.spots |= {view: (len(self.pieces), row) for row, view in enumerate(views)}
        self.pieces.append(values)
        self.in_memory += in_memory

    def row(self, view: View) -> torch.Tensor:
        """Return the activations of one view of one image."""
        piece, row = self.spots[view]
        return self.pieces[piece][row]


# By everything that the values depend on; the one used last stands last. They end with the process.
_shelves: OrderedDict[tuple[str, str], Shelf] = OrderedDict()


def forget() -> None:
    """Give back the memory of all activations that no training reads any more."""
    _shelves.clear()


class Kept(Inputs):
    """Activations before block `first` of every image, in several views, computed once.

    View 0 is the image as it is; the others are changed at random, by the image's content and the number of
    the view alone. Training draws one view of each image an epoch, so that the frozen blocks run once per
    view and not once per epoch; and every arm, fold and repeat that freezes the same blocks of one network
    reads the same activations. Where another arm froze fewer blocks, its activations are the start.

    They lie in memory up to 1 GiB in all, and beyond that in temporary files that are mapped into memory and
    gone with the process.

    Parameters
    ----------
    trunk : Trunk
        On `device`; its blocks before `first` are frozen.
    backbone : Backbone
        Its preprocessing.
    keys : sequence of bytes
        Checksum of each image (see `medgraft.cohort.digest.digest`).
    read : callable
        Number of an image -> the image (c, s, s), uint8.
    views, first : int
    device : torch device
    tell : callable
        Told (done, total).
    dtype : {"float32", "float16"}
    """

    def __init__(
        self,
        trunk: Trunk,
        backbone: Backbone,
        keys: Sequence[bytes],
        read: Callable[[int], torch.Tensor],
        views: int,
        first: int,
        device: torch.device,
        tell: Callable[[int, int], None],
        dtype: str = "float32",
    ) -> None:
        self.first, self.n, self.views = first, len(keys), views
        names = _prefixes(trunk, backbone, first, device)
        shelf = _shelf(names[-1], dtype)
        wanted = {(key, v): i for v in range(views) for i, key in reversed(list(enumerate(keys)))}
        missing = [view for view in wanted if view not in shelf.spots]
        done = len(wanted) - len(missing)
        tell(done, len(wanted))
        for block, name in [*reversed(list(enumerate(names[:-1], 1))), (0, "")]:
            lower = _shelves.get((name, "float32")) if block else None
            if block and (lower is None or dtype != "float32"):  # a rounded start would give other values
                continue
            part = [view for view in missing if lower is None or view in lower.spots]
            missing = [view for view in missing if lower is not None and view not in lower.spots]
            if part:
                start = lower.row if lower is not None else _view_of(read, wanted)
                said = done
                _compute(
                    shelf,
                    part,
                    start,
                    lambda h, block=block: trunk.between(h, block, first),  # type: ignore[misc]
                    device,
                    lambda count, said=said: tell(said + count, len(wanted)),  # type: ignore[misc]
                    dtype,
                    (len(part), *activation_shape(trunk, backbone, first)),
                )
                done += len(part)
        self.pieces = list(shelf.pieces)
        self.spots = np.array([[shelf.spots[key, v] for key in keys] for v in range(views)], dtype=np.intp)

    def get(self, rows: NDArray[np.intp], rng: np.random.Generator | None) -> torch.Tensor:
        """Return activations (b, ...), float32."""
        import torch

        views = np.zeros(len(rows), np.intp) if rng is None else rng.integers(self.views, size=len(rows))
        piece, row = self.spots[views, rows].T
        out = torch.empty((len(rows), *self.pieces[0].shape[1:]))
        for p in np.unique(piece):
            here = torch.from_numpy(np.flatnonzero(piece == p))
            out[here] = self.pieces[p][torch.from_numpy(row[piece == p])].float()
        return out


def _view_of(read: Callable[[int], torch.Tensor], wanted: dict[View, int]) -> Callable[[View], torch.Tensor]:
    def view(asked: View) -> torch.Tensor:
        image, number = read(wanted[asked]), asked[1]
        if number == 0:
            return image.float()
        # Of the pixels, not of the file: the same picture in another format is changed in the same way.
        content = hashlib.sha256(image.contiguous().numpy().tobytes()).digest()
        return augment(image[None], np.random.default_rng([int.from_bytes(content[:8], "little"), number]))[0]

    return view


def _compute(
    shelf: Shelf,
    views: Sequence[View],
    start: Callable[[View], torch.Tensor],
    blocks: Callable[[torch.Tensor], torch.Tensor],
    device: torch.device,
    tell: Callable[[int], None],
    dtype: str,
    shape: tuple[int, ...],
) -> None:
    """Run the blocks on what each view starts from, and put the results on the shelf."""
    from medgraft.sources.forward import run_batches

    out, in_memory = _store(shape, dtype)
    run_batches(len(views), lambda i: start(views[i]), blocks, device=device, progress=tell, out=out)
    shelf.add(out, views, in_memory)


def _shelf(name: str, dtype: str) -> Shelf:
    shelf = _shelves.setdefault((name, dtype), Shelf())
    _shelves.move_to_end((name, dtype))
    while len(_shelves) > SHELVES:
        _shelves.popitem(last=False)
    return shelf


def _prefixes(trunk: Trunk, backbone: Backbone, first: int, device: torch.device) -> list[str]:
    """Return what the activations before block 1, 2, ... `first` depend on, as checksums."""
    said = [backbone.spec.to_dict(), backbone.channels, backbone.preprocess.key, device.type]
    digest = hashlib.sha256(repr(said).encode())
    names = []
    for block in range(first):
        for module in trunk.block_modules(block):
            for tensor in [*module.parameters(), *module.buffers()]:
                digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
        names.append(digest.hexdigest())
    return names


def activation_shape(trunk: Trunk, backbone: Backbone, first: int) -> tuple[int, ...]:
    """Return the shape of one image's activations before block `first`."""
    import torch

    with torch.inference_mode():
        return tuple(trunk.prefix(backbone.blank().to(trunk.mean.device), first).shape[1:])


def room(count: int, shape: tuple[int, ...], dtype: str) -> tuple[int, str]:
    """Return the bytes of so many activations, and where there is room: "memory", "disk" or ""."""
    needed = count * int(np.prod(shape)) * TYPES[dtype]
    if needed <= MEMORY:
        return needed, "memory"
    return needed, "disk" if needed <= DISK * shutil.disk_usage(tempfile.gettempdir()).free else ""


def _store(shape: tuple[int, ...], dtype: str) -> tuple[torch.Tensor, int]:
    """Return an empty tensor, and its bytes in memory; shelves that were not used of late make room."""
    import torch

    needed, place = room(shape[0], shape[1:], dtype)
    if place == "memory":
        used = {name: shelf.in_memory for name, shelf in _shelves.items()}
        for name in list(used)[:-1]:
            if sum(used.values()) + needed > MEMORY and used[name]:
                del _shelves[name], used[name]
        if sum(used.values()) + needed <= MEMORY:
            return torch.empty(shape, dtype=getattr(torch, dtype)), needed
    file: Any = tempfile.TemporaryFile()  # noqa: SIM115  # open as long as the tensor lives, then gone
    return torch.from_numpy(np.memmap(file, dtype=dtype, mode="w+", shape=shape)), 0
