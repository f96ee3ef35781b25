"""Decoding and forward passes over many images, on all cores, with results that do not depend on how many."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Protocol

import numpy as np
import torch

from medgraft.base import MedgraftError

# Small batches stay in the processor's cache; a fixed size (short ones are filled up) makes every
# image's result the same to the last bit in whatever company it comes.
CPU_BATCH, GPU_BATCH = 4, 64


def pick_device(device: str) -> torch.device:
    """Return the torch device of ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.

    Raises
    ------
    MedgraftError
        It is not one of these, or this computer has none.
    """
    has = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if device == "auto":
        return torch.device(next(name for name in ("cuda", "mps", "cpu") if has[name]))
    if not has.get(device, False):
        ready = ", ".join(name for name, there in has.items() if there)
        raise MedgraftError(f"The device '{device}' is not available: use auto or one of {ready}.")
    return torch.device(device)


class Opens(Protocol):
    """What brings a file to a network: see `Preprocess`."""

    def open(self, path: str) -> torch.Tensor:
        """Open a reference and prepare the sample."""


def open_image(path: str, preprocess: Opens) -> torch.Tensor:
    """Open an image or a volume and bring it to the network's size: uint8 (c, s, s), and so on."""
    return preprocess.open(path)


def run_batches(
    n: int,
    read: Callable[[int], torch.Tensor],
    network: Callable[[torch.Tensor], torch.Tensor],
    *,
    device: torch.device | str = "cpu",
    progress: Callable[[int], None] | None = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """Apply `network` to n tensors, and return its rows in order.

    On the CPU each core takes a batch of its own, from reading the file to the last layer, on one thread;
    so the result is the same on any number of cores. On a GPU the threads read and the GPU computes.

    Parameters
    ----------
    n : int
        How many tensors; at least 1.
    read : callable
        Number of a tensor -> the tensor; called from several threads.
    network : callable
        Batch (b, ...) -> rows (b, ...); a module in eval mode.
    device : torch device
        Where the network lies.
    progress : callable, optional
        Called with the number of rows done.
    out : tensor (n, ...), optional
        Where the rows are put, in its type; made where none is given.
    """
    device = torch.device(device)
    on_cpu = device.type == "cpu"
    size = CPU_BATCH if on_cpu else GPU_BATCH
    starts = range(0, n, size)

    def gather(start: int) -> torch.Tensor:
        rows = [read(i) for i in range(start, min(start + size, n))]
        rows += rows[-1:] * (size - len(rows))
        batch = torch.stack(rows)
        return batch.contiguous(memory_format=torch.channels_last) if batch.ndim == 4 else batch

    def compute(batch: torch.Tensor, start: int) -> torch.Tensor:
        with torch.inference_mode():  # holds for one thread only, so it must stand here
            return network(batch.to(device))[: n - start].cpu()

    def whole(start: int) -> torch.Tensor:
        return compute(gather(start), start)

    with workers(torch.get_num_threads() if on_cpu else 4) as pool:
        for start, part in zip(starts, _ahead(pool, whole if on_cpu else gather, starts), strict=True):
            rows = part if on_cpu else compute(part, start)
            if out is None:
                out = torch.empty(n, *rows.shape[1:], dtype=rows.dtype)
            out[start : start + len(rows)] = rows
            if progress is not None:
                progress(min(start + size, n))
    if out is None:
        raise ValueError("there is nothing to compute")
    return out


def features_of(
    paths: Sequence[str],
    preprocess: Opens,
    network: Callable[[torch.Tensor], torch.Tensor],
    *,
    device: torch.device | str = "cpu",
    progress: Callable[[int], None] | None = None,
) -> np.ndarray:
    """Return the rows (n, d), float32, that `network` makes of files of images or volumes."""
    rows = run_batches(
        len(paths), lambda i: open_image(paths[i], preprocess), network, device=device, progress=progress
    )
    return np.asarray(rows.float().numpy(), dtype=np.float32)


@contextmanager
def workers(count: int) -> Iterator[ThreadPoolExecutor]:
    """Yield threads that compute on one core each; the caller's own setting comes back afterwards."""
    before = torch.get_num_threads()
    pool = ThreadPoolExecutor(max(count, 1), initializer=torch.set_num_threads, initargs=(1,))
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        torch.set_num_threads(before)


def _ahead(
    pool: ThreadPoolExecutor, work: Callable[[int], torch.Tensor], starts: range
) -> Iterator[torch.Tensor]:
    """Run the work a few pieces ahead of the one asked for: busy cores, bounded memory."""
    depth = 2 * pool._max_workers
    waiting = [pool.submit(work, start) for start in starts[:depth]]
    for start in [*starts[depth:], *[-1] * min(depth, len(starts))]:
        done = waiting.pop(0).result()
        if start >= 0:
            waiting.append(pool.submit(work, start))
        yield done
