"""Several processes that train one network together: who is who, and sums over all of them.

They are started from outside (``torchrun``), each runs the whole program, and they meet in the training loop:
each computes the gradient of its share of a batch, and all go on with the sum.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import torch

    from medgraft.sources.network import Network

T = TypeVar("T")
PATIENCE = timedelta(days=1)  # for which the others wait while the first works alone
_alone = [False]


def join() -> int:
    """Meet the other processes, if ``torchrun`` has started any; return the number of this one, from 0.

    Processes that this one starts itself do not take part.
    """
    told = {"RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"} <= set(os.environ)
    if told and int(os.environ["WORLD_SIZE"]) > 1:
        import torch
        from torch import distributed

        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
        if not distributed.is_initialized():
            both = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
            distributed.init_process_group(both, timeout=PATIENCE)
    return rank()


def world() -> int:
    """Return how many processes train together."""
    return _group().get_world_size() if _together() else 1


def rank() -> int:
    """Return the number of this process among them, from 0; the first writes the results."""
    return _group().get_rank() if _together() else 0


def _group() -> Any:
    return sys.modules["torch.distributed"]


def _together() -> bool:
    # Without torch there is no group; a program without networks does not load it to find out.
    known = "torch.distributed" in sys.modules and not _alone[0]
    return known and _group().is_available() and _group().is_initialized()


@contextmanager
def alone() -> Iterator[None]:
    """Let this process work for itself: what it trains inside, it trains without the others."""
    before, _alone[0] = _alone[0], True
    try:
        yield
    finally:
        _alone[0] = before


def same(value: T) -> T:
    """Return the first process's value on all of them, so that all decide alike."""
    if world() == 1:
        return value
    box = [value]
    _group().broadcast_object_list(box, src=0)
    return box[0]


def share(parts: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    """Return this process's rows of a batch; together all processes have each row once."""
    import torch

    return tuple(torch.tensor_split(t, world())[rank()] for t in parts)


def add_up(network: Network, loss: torch.Tensor) -> torch.Tensor:
    """Put the sum of the gradients of all processes into each network; return the sum of the losses."""
    import torch

    grads = [p.grad for p in network.parameters() if p.requires_grad and p.grad is not None]
    flat = torch.cat([loss.detach().reshape(1).float(), *(g.reshape(-1) for g in grads)])
    _group().all_reduce(flat)
    at = 1
    for g in grads:
        g.copy_(flat[at : at + g.numel()].view_as(g))
        at += g.numel()
    return flat[0]


def level(network: Network) -> None:
    """Give every process the first one's weights: other machines may differ in the last digit."""
    if world() > 1:
        for tensor in network.state_dict().values():
            _group().broadcast(tensor, src=0)


def trainer_settings() -> dict[str, Any]:
    """Return what lightning's Trainer has to know of the processes."""
    n = world()
    if n == 1:
        return {"devices": 1}
    here = int(os.environ.get("LOCAL_WORLD_SIZE", n))
    strategy = _strategy_class()(cluster_environment=_environment())
    return {"devices": here, "num_nodes": n // here, "strategy": strategy, "use_distributed_sampler": False}


def _environment() -> Any:
    from lightning.pytorch.plugins.environments import TorchElasticEnvironment

    return TorchElasticEnvironment()


@lru_cache(maxsize=1)
def _strategy_class() -> Any:
    from lightning.pytorch.strategies import DDPStrategy

    class Summed(DDPStrategy):
        """Lightning's processes without its hooks: they expect one backward pass over all weights a batch.

        Here blocks are released one by one, and the cores of a CPU each have a gradient of their own; so
        `Step` adds the gradients up itself.
        """

        def configure_ddp(self) -> None:
            pass

    return Summed
