"""Training few weights, low-rank changes of matrices or biases alone, or new ones: attention put in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from medgraft.base import MedgraftError

if TYPE_CHECKING:
    from medgraft.methods.finetune.groups import Policy
    from medgraft.sources.backbone import Backbone
    from medgraft.sources.network import Network

ADAPTERS = ("none", "lora", "bitfit")


def check(adapter: str) -> None:
    """Raise unless the setting exists."""
    if adapter not in ADAPTERS:
        raise MedgraftError(f"adapter='{adapter}' does not exist: use one of {', '.join(ADAPTERS)}.")


def adapt(network: Network, adapter: str, rank: int, blocks: Iterable[int], seed: int) -> None:
    r"""Let the released blocks train few weights only.

    "lora": each weight matrix W of a linear layer or an ungrouped convolution becomes
    :math:`W + 2 B A` with A (r, in) random and B (out, r) zero, and only A and B train (Hu et al.
    2022, arXiv:2106.09685; convolutions as matrices of their outputs by all else). "bitfit": only biases and
    the scales and shifts of norms train (Ben Zaken et al. 2022, doi:10.18653/v1/2022.acl-short.1); BatchNorm
    keeps its statistics.

    Parameters
    ----------
    network : Network
    adapter : str
        One of `ADAPTERS`.
    rank : int
        r; a matrix with a side of r or less keeps its weights.
    blocks : iterable of int
        Places of the released blocks.
    seed : int
        Of the random A.
    """
    import torch
    from torch.nn.utils import parametrize

    from medgraft.networks.low_rank import LowRank, has_matrix, is_norm

    check(adapter)
    if adapter == "none":
        return
    if adapter == "bitfit":
        norms = {id(p) for m in network.trunk.modules() if is_norm(m) for p in m.parameters(recurse=False)}
        named = network.trunk.named_parameters()
        network.only = [p for name, p in named if name.endswith("bias") or id(p) in norms]
        return
    if rank < 1:
        raise MedgraftError(f"rank={rank} is out of range: use a whole number from 1.")
    new = [network.trunk.net.get_submodule(name) for name in network.trunk.inserted]
    chosen: list[torch.nn.Parameter] = []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for block in blocks:
            for part in network.trunk.block_modules(block):
                for module in part.modules() if part not in new else ():
                    if not has_matrix(module) or parametrize.is_parametrized(module):
                        continue
                    weight: torch.Tensor = module.weight  # type: ignore[assignment]
                    if min(weight.shape[0], weight[0].numel()) <= rank:
                        continue
                    change = LowRank(weight, rank)
                    parametrize.register_parametrization(module, "weight", change)
                    chosen += change.parameters()
    if not chosen:
        raise MedgraftError(
            f"No released layer has a matrix for rank {rank}: lower the rank, or release more."
        )
    network.only = [*chosen, *(p for part in new for p in part.parameters())]


def attend(backbone: Backbone, attention: str, at: str, policy: Policy, seed: int) -> None:
    """Put attention behind released blocks of a backbone: those that `at` names, else the last one.

    Raises
    ------
    MedgraftError
        No such attention; a block that is frozen, or has no maps of channels.
    """
    if attention == "none":
        return
    from medgraft.methods.finetune.groups import named

    blocks = [name for name, _ in backbone.module.blocks]
    places = named(blocks, at, "attention_at") if at else [len(blocks) - 1]
    released = {group.block for group in policy.groups}
    frozen = [blocks[place] for place in places if place not in released]
    if frozen:
        raise MedgraftError(
            f"attention='{attention}' would stand behind '{frozen[0]}', which is frozen: release it "
            "(unfreeze or layers), or name blocks that train with attention_at."
        )
    backbone.insert(attention, [blocks[place] for place in places], seed)


def merge(network: Network) -> None:
    """Write what an adapter learnt into the weights: the network has its own shape again."""
    from torch.nn.utils import parametrize

    network.only = None
    for module in network.trunk.modules():
        if parametrize.is_parametrized(module, "weight"):
            parametrize.remove_parametrizations(module, "weight", leave_parametrized=True)
