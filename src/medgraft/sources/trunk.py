"""A network's trunk as a chain of blocks, with its normalisation inside."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

_CONTAINERS = ("features", "blocks", "stages", "layers", "encoder")


class Trunk(nn.Module):
    """Images with values 0 to 255 in, pooled features (b, d) out.

    The normalisation is part of it, so that no caller can forget it, with or without trained weights. The
    network is seen as a chain of blocks from input to output, each of which owns weights; methods freeze,
    release and rate them by name, and may run a prefix and the rest apart.

    Parameters
    ----------
    net : Module
        Normalised images (b, c, s, s) -> features (b, d).
    mean, std : tuple of float
        Normalisation of pixels in [0, 1], one a channel.
    size : int
        Side of the input in pixels.
    dims : int, default 2
        3 for volumes (b, c, s, s, s), 1 for arrays (b, c, s).
    """

    mean: torch.Tensor
    std: torch.Tensor
    # Samples whose gradient one core computes, fixed so that the sum is the same on any number of cores;
    # samples that may pass at once with all their activations kept, 0 for any number; images in a sample.
    piece, whole, slices = 8, 0, 1

    def __init__(
        self, net: nn.Module, mean: tuple[float, ...], std: tuple[float, ...], size: int, dims: int = 2
    ) -> None:
        super().__init__()
        self.net = net
        self.size, self.dims = size, dims
        shape = (1, len(mean), *[1] * dims)
        self.register_buffer("mean", torch.tensor(mean).mul(255.0).view(shape), persistent=False)
        self.register_buffer("std", torch.tensor(std).mul(255.0).view(shape), persistent=False)
        self._blocks: list[tuple[str, tuple[str, ...]]] | None = None
        self.inserted: list[str] = []

    def normalise(self, images: torch.Tensor) -> torch.Tensor:
        """Bring pixels 0 to 255 (any dtype) to what the network was trained on."""
        return _packed((images.to(self.mean.dtype) - self.mean) / self.std)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return features (b, d) of images (b, c, s, s) with values 0 to 255."""
        if self.inserted:
            return self.suffix(images, 0)
        return _flat(self.net(self.normalise(images)))

    @property
    def blocks(self) -> list[tuple[str, tuple[str, ...]]]:
        """Blocks from input to output: a name, and the names of the modules it runs in turn."""
        if self._blocks is None:
            side = min(self.size, 32) if self.dims == 3 else self.size  # a chain holds on any grid
            probe = torch.zeros_like(self.mean).expand(2, -1, *[side] * self.dims)
            self._blocks = _chain(self.net, probe)
        return self._blocks

    def insert(self, block: int, after: int, module: nn.Module) -> None:
        """Run one more module behind the `after`-th of a block: a child of `net`, which never calls it."""
        name, parts = self.blocks[block]
        added = f"inserted_{block}"
        self.net.add_module(added, module.to(self.mean.device).train(self.training))
        self.blocks[block] = (name, (*parts[: after + 1], added, *parts[after + 1 :]))
        self.inserted.append(added)

    def block_modules(self, block: int) -> list[nn.Module]:
        """Modules of one block, in the order in which they run."""
        return [_part(self.net, name) for name in self.blocks[block][1]]

    def prefix(self, images: torch.Tensor, k: int) -> torch.Tensor:
        """Run the first `k` blocks; for ``k = 0`` the images themselves."""
        if k == 0:
            return images
        return self.between(images, 0, k)

    def suffix(self, h: torch.Tensor, k: int) -> torch.Tensor:
        """Run from block `k` to the end: ``suffix(prefix(x, k), k)`` equals ``forward(x)``."""
        return _flat(self.between(h, k, len(self.blocks)))

    def suffix_with_map(self, h: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the last activations that still have places (b, ...), and what `suffix` gives."""
        h = self.normalise(h) if k == 0 else h
        maps = h
        for block in range(k, len(self.blocks)):
            for module in self.block_modules(block):
                h = module(h)
                if h.ndim > 2 and h[0].numel() > h.shape[1]:
                    maps = h
        return maps, _flat(h)

    def between(self, h: torch.Tensor, start: int, stop: int) -> torch.Tensor:
        """Run blocks `start` to `stop` - 1 on what ``prefix(x, start)`` gave."""
        h = self.normalise(h) if start == 0 else _packed(h)
        for block in range(start, stop):
            for module in self.block_modules(block):
                h = module(h)
        return h


class _TokenStem(nn.Module):
    """What a timm vision transformer does before its first block; owns nothing."""

    def __init__(self, vit: Any) -> None:
        super().__init__()
        object.__setattr__(self, "vit", vit)  # not a child: its weights belong to the network

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        vit: Any = self.vit
        return vit.norm_pre(vit.patch_drop(vit._pos_embed(vit.patch_embed(x))))  # type: ignore[no-any-return]

    def parameters(self, recurse: bool = True) -> Any:
        """Weights of the stem, which live in the transformer."""
        own = ("cls_token", "reg_token", "pos_embed")
        vit: Any = self.vit
        for name, weight in vit.named_parameters():
            if name in own or name.startswith(("patch_embed", "norm_pre")):
                yield weight


class _TokenPool(nn.Module):
    """What a timm vision transformer does after its last norm; owns nothing."""

    def __init__(self, vit: Any) -> None:
        super().__init__()
        object.__setattr__(self, "vit", vit)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        vit: Any = self.vit
        return vit.forward_head(x)  # type: ignore[no-any-return]

    def parameters(self, recurse: bool = True) -> Any:
        """Weights between the last norm and the features."""
        vit: Any = self.vit
        yield from vit.fc_norm.parameters()


def _packed(x: torch.Tensor) -> torch.Tensor:
    """Lay the channels of a pixel side by side, as convolutions like it; tokens stay as they are."""
    layouts = {4: torch.channels_last, 5: torch.channels_last_3d}
    return x.contiguous(memory_format=layouts.get(x.ndim, torch.contiguous_format))


def _flat(h: torch.Tensor) -> torch.Tensor:
    return h.flatten(1) if h.ndim > 2 else h


def _part(net: nn.Module, name: str) -> nn.Module:
    if name == "<stem>":
        return _TokenStem(net)
    if name == "<pool>":
        return _TokenPool(net)
    if name in getattr(net, "views", {}):  # a network of our own, with steps that are no single module
        return net.views[name]  # type: ignore[index, return-value]
    return net.get_submodule(name)


def _chain(net: nn.Module, probe: torch.Tensor) -> list[tuple[str, tuple[str, ...]]]:
    """Find the blocks, and prove on random input that running them in turn is the network."""
    was_training = net.training
    net.eval()
    try:
        with torch.inference_mode(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            x = _packed(torch.randn(probe.shape, device=probe.device))
            truth = _flat(net(x))
            for atoms in (_plain_atoms(net), _token_atoms(net), getattr(net, "steps", [])):
                if atoms and _same(net, atoms, x, truth):
                    return _grouped(net, atoms)
    finally:
        net.train(was_training)
    return [("network", ("",))]  # no chain: the network is one block


def _same(net: nn.Module, atoms: list[str], x: torch.Tensor, truth: torch.Tensor) -> bool:
    try:
        for name in atoms:
            x = _part(net, name)(x)
        out = _flat(x)
        return out.shape == truth.shape and torch.allclose(out, truth, rtol=1e-4, atol=1e-5)
    except Exception:  # modules fail in their own ways on input that is not for them: no chain then
        return False


def _plain_atoms(net: nn.Module) -> list[str]:
    """Children in order; the containers of a trunk's stages opened."""
    if not list(net.children()):
        return []
    atoms = []
    for name, child in net.named_children():
        if name in _CONTAINERS and isinstance(child, nn.Sequential | nn.ModuleList):
            atoms += [f"{name}.{inner}" for inner, _ in child.named_children()]
        else:
            atoms.append(name)
    return atoms


def _token_atoms(net: nn.Module) -> list[str]:
    if not all(
        hasattr(net, part) for part in ("_pos_embed", "patch_drop", "norm_pre", "blocks", "norm", "fc_norm")
    ):
        return []
    return ["<stem>", *(f"blocks.{i}" for i in range(len(net.blocks))), "norm", "<pool>"]  # type: ignore[arg-type]


def _grouped(net: nn.Module, atoms: list[str]) -> list[tuple[str, tuple[str, ...]]]:
    """Join what owns no weight matrix (norms, activations, pooling) to the block before it."""
    groups: list[list[str]] = []
    for name in atoms:
        owns = any(p.ndim >= 2 for p in _part(net, name).parameters())
        started = groups and any(p.ndim >= 2 for part in groups[-1] for p in _part(net, part).parameters())
        if not groups or (owns and started):
            groups.append([])
        groups[-1].append(name)
    return [(next((n for n in g if _owns(net, n)), g[0]).strip("<>"), tuple(g)) for g in groups]


def _owns(net: nn.Module, name: str) -> bool:
    return any(True for _ in _part(net, name).parameters())
