"""A loaded network: weights in, report out, ready to turn images into features."""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import nn

from medgraft.base import MedgraftError
from medgraft.sources.adapt import adapt_channels, adapt_norm, adaptable
from medgraft.sources.build import build
from medgraft.sources.hub import fetch
from medgraft.sources.preprocess import Preprocess
from medgraft.sources.pretrained import sha256_of
from medgraft.sources.report import ENOUGH, LoadReport
from medgraft.sources.resolve import PretrainedSpec, resolve
from medgraft.sources.tensors import read_tensors
from medgraft.sources.trunk import Trunk

__all__ = ["Backbone", "LoadReport", "PretrainedSpec", "load", "resolve"]

_COUNTERS = "num_batches_tracked"  # bookkeeping of BatchNorm, which old files lack


class Backbone:
    """A pretrained trunk with its preprocessing and its loading report.

    Get one from :func:`load`.

    Parameters
    ----------
    spec : PretrainedSpec
        What was loaded.
    channels : int
        Channels of the input.
    module : Trunk
        Images (b, channels, s, s) with values 0 to 255 -> features (b, d); normalises by itself.
    report : LoadReport
        What became of every tensor.

    Attributes
    ----------
    d : int
        Number of features.
    preprocess : Preprocess
        PIL image -> uint8 tensor (channels, s, s).
    """

    def __init__(self, spec: PretrainedSpec, channels: int, module: Trunk, report: LoadReport) -> None:
        self.spec, self.channels, self.module, self.report = spec, channels, module, report
        self.preprocess = Preprocess(spec.input_size, channels, spec.interpolation)
        self.d = _width(spec, module)

    def blocks(self) -> list[tuple[str, list[nn.Module]]]:
        """Blocks from input to output: name, and the modules that own its weights."""
        return [(name, self.module.block_modules(i)) for i, (name, _) in enumerate(self.module.blocks)]

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over weights, architecture and preprocessing: equal ones give equal features."""
        said = json.dumps([self.spec.to_dict(), self.channels, self.preprocess.key], sort_keys=True)
        digest = hashlib.sha256(said.encode())
        for name, tensor in sorted(self.module.net.state_dict().items()):
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()

    def config(self) -> dict[str, Any]:
        """Return all but the weights, JSON-able, for :meth:`from_config`."""
        return {"network": self.spec.to_dict(), "channels": self.channels}

    def tensors(self) -> dict[str, torch.Tensor]:
        """Return the weights by name."""
        return {name: t.detach().cpu().contiguous() for name, t in self.module.net.state_dict().items()}

    @classmethod
    def from_config(cls, config: dict[str, Any], tensors: dict[str, torch.Tensor]) -> Backbone:
        """Rebuild what :meth:`config` and :meth:`tensors` described, to the last bit.

        Raises
        ------
        MedgraftError
            The weights are not those of the network.
        """
        spec = PretrainedSpec.from_dict(config["network"])
        trunk = _trunk(spec, config["channels"], seed=0)
        names = sorted(trunk.net.state_dict())
        if names != sorted(tensors):
            raise MedgraftError(
                f"The saved weights do not fit the network '{spec.name}': save the model again."
            )
        _copy(trunk.net, tensors)
        report = LoadReport(spec.name, tuple(names), (), (), (), "", config["channels"])
        return cls(spec, config["channels"], trunk, report)


def load(
    spec: str | PretrainedSpec,
    *,
    channels: int = 3,
    pretrained: bool = True,
    allow_partial: bool = False,
    seed: int = 0,
) -> Backbone:
    """Build a network, fill it with its weights, and report what became of every tensor.

    Parameters
    ----------
    spec : str or PretrainedSpec
        See :func:`medgraft.sources.resolve.resolve`.
    channels : int, default 3
        Channels of the input: 1, 3 or 4.
    pretrained : bool, default True
        False: random weights (normalisation and preprocessing stay the same).
    allow_partial : bool, default False
        Accept weights that fill less than 90 % of the trunk.
    seed : int, default 0
        Seed of the weights that stay random.

    Returns
    -------
    Backbone

    Raises
    ------
    MedgraftError
        No such network or file, weights of another architecture, or no way to download them.
    """
    if isinstance(spec, str):
        spec = resolve(spec)
    trunk = _trunk(spec, channels, seed)
    if not pretrained:
        names = tuple(n for n in trunk.net.state_dict() if not n.endswith(_COUNTERS))
        return Backbone(spec, channels, trunk, LoadReport(spec.name, (), (), (), names, "", channels))
    if spec.path is None:
        weights, sha, label = fetch(spec), "", spec.name
    else:
        weights, sha = read_tensors(Path(spec.path).expanduser()), sha256_of(spec.path)
        label = f"{spec.name} from {Path(spec.path).name}"
    report = _fill(trunk.net, weights, label, sha, channels)
    if report.fraction < ENOUGH and not allow_partial:
        whose = f"'{Path(spec.path).name}'" if spec.path else "the library"
        raise MedgraftError(
            f"The weights from {whose} are of another architecture than '{spec.name}': only "
            f"{len(report.loaded) + len(report.adapted)} of {report.total} trunk tensors fit; name the right "
            "one as in FILE.safetensors@timm:NAME, or allow a partial load (allow_partial)."
        )
    return Backbone(spec, channels, trunk, report)


def _trunk(spec: PretrainedSpec, channels: int, seed: int) -> Trunk:
    net = build(spec, channels, seed)
    norm = adapt_norm(spec.mean, channels), adapt_norm(spec.std, channels)
    trunk = Trunk(net, *norm, spec.input_size, spec.dims)
    layout = torch.channels_last if spec.dims == 2 else torch.channels_last_3d
    return trunk.to(memory_format=layout).eval()


def _width(spec: PretrainedSpec, trunk: Trunk) -> int:
    """Find the number of features by looking at some."""
    with torch.inference_mode():
        out = trunk(torch.zeros(1, trunk.mean.shape[1], *[trunk.size] * trunk.dims, dtype=torch.uint8))
    if not isinstance(out, torch.Tensor) or out.ndim != 2:
        raise MedgraftError(
            f"'{spec.name}' does not turn an image into one row of features: use another network."
        )
    return int(out.shape[1])


def _fill(
    net: nn.Module, weights: dict[str, torch.Tensor], label: str, sha: str, channels: int
) -> LoadReport:
    """Copy what fits and note what does not."""
    own = net.state_dict()
    taken: dict[str, torch.Tensor] = {}
    loaded, adapted = [], []
    for name, have in own.items():
        given = weights.get(name)
        if given is None:
            continue
        if given.shape == have.shape:
            loaded.append(name)
        elif adaptable(given.shape, have.shape) and have.shape[1] == channels:
            given = adapt_channels(given.float(), channels)
            adapted.append(name)
        else:
            continue
        taken[name] = given
    _copy(net, taken)

    def tensors(names: list[str]) -> tuple[str, ...]:
        return tuple(n for n in names if not n.endswith(_COUNTERS))

    return LoadReport(
        label,
        tensors(loaded),
        tuple(adapted),
        tensors([n for n in weights if n not in taken]),
        tensors([n for n in own if n not in taken]),
        sha,
        channels,
    )


def _copy(net: nn.Module, tensors: dict[str, torch.Tensor]) -> None:
    """Copy into the network's own tensors, which keep their type (float32) and memory format."""
    own = net.state_dict()
    with torch.no_grad():
        for name, tensor in tensors.items():
            if own[name].shape != tensor.shape:
                raise MedgraftError(
                    f"The weights of '{name}' have the shape {tuple(tensor.shape)}, which does not fit."
                )
            own[name].copy_(tensor)
