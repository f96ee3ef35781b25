"""A loaded network: weights in, report out, ready to turn images into features."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import nn

from medgraft.base import MedgraftError
from medgraft.sources.adapt import adapt_channels, adapt_norm, adapt_places, adaptable
from medgraft.sources.array_preprocess import ArrayPreprocess, PicturePreprocess
from medgraft.sources.arrays import (
    Reading,
    SignalReading,
    kind_of_reading,
    reading_from_dict,
    reading_to_dict,
)
from medgraft.sources.build import build
from medgraft.sources.hub import fetch
from medgraft.sources.insert import insert
from medgraft.sources.preprocess import Preprocess
from medgraft.sources.pretrained import sha256_of
from medgraft.sources.report import ENOUGH, LoadReport
from medgraft.sources.resolve import PretrainedSpec, resolve
from medgraft.sources.tensors import read_tensors, renamed
from medgraft.sources.trunk import Trunk
from medgraft.sources.volume_preprocess import SlicePreprocess, VolumePreprocess
from medgraft.sources.volume_trunk import SliceTrunk, VolumeTrunk
from medgraft.sources.volumes import VolumeInput

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
    volume : VolumeInput, optional
        How volumes are read; None: images are.
    array : SignalReading, SequenceReading or OmicsReading, optional
        How signals, sequences or rows of omics are read.

    Attributes
    ----------
    d : int
        Number of features.
    kind : str
        What it reads: ``"image"``, ``"volume"``, ``"signal"``, ``"sequence"`` or ``"omics"``.
    preprocess : Preprocess, SlicePreprocess, VolumePreprocess, ArrayPreprocess or PicturePreprocess
        PIL image -> uint8 tensor (channels, s, s), or `Volume` or array -> what `module` takes.
    """

    def __init__(
        self,
        spec: PretrainedSpec,
        channels: int,
        module: Trunk,
        report: LoadReport,
        volume: VolumeInput | None = None,
        array: Reading | None = None,
    ) -> None:
        self.spec, self.channels, self.module, self.report = spec, channels, module, report
        self.volume, self.array = volume, array
        self.kind = kind_of_reading(array) if array else "image" if volume is None else "volume"
        self.preprocess = _preprocess(spec, channels, volume, array)
        self.attention: dict[str, Any] = {}
        self.d = self._width()

    def blank(self, n: int = 1) -> torch.Tensor:
        """Return n empty samples (n, ...), of the shape and type that `preprocess` gives."""
        kind = torch.uint8 if self.spec.dims == 2 else torch.float32
        return torch.zeros(n, *self.preprocess.shape, dtype=kind)

    def _width(self) -> int:
        """Find the number of features by looking at some."""
        sample = torch.zeros(1, 1, 16, 16, 16) if self.spec.dims == 3 else self.blank()
        try:
            with torch.inference_mode():
                out = self.module(sample)
        except (RuntimeError, ValueError) as error:  # a map that has shrunk to nothing
            what = f"{self.kind}s of {self.spec.input_size} {'samples' if self.spec.dims == 1 else 'pixels'}"
            raise MedgraftError(f"'{self.spec.name}' cannot take {what}: use a larger size.") from error
        if not isinstance(out, torch.Tensor) or out.ndim != 2:
            raise MedgraftError(
                f"'{self.spec.name}' does not turn an image into one row of features: use another network."
            )
        return int(out.shape[1])

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

    def insert(self, kind: str, blocks: list[str], seed: int = 0) -> None:
        """Put attention behind blocks: see `medgraft.sources.insert.insert`; it is saved with the rest."""
        insert(self.module, kind, blocks, self.blank(), seed)
        self.attention = {"kind": kind, "blocks": blocks}

    def config(self) -> dict[str, Any]:
        """Return all but the weights, JSON-able, for :meth:`from_config`."""
        reading = {} if self.volume is None else {"volume": self.volume.to_dict()}
        reading |= {} if self.array is None else {"array": reading_to_dict(self.array)}
        added = {"attention": self.attention} if self.attention else {}
        return {"network": self.spec.to_dict(), "channels": self.channels, **reading, **added}

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
        volume = VolumeInput.of(config["volume"]) if "volume" in config else None
        array = reading_from_dict(config["array"]) if "array" in config else None
        trunk = _trunk(spec, config["channels"], 0, volume)
        nothing = LoadReport(spec.name, (), (), (), (), "", config["channels"])
        made = cls(spec, config["channels"], trunk, nothing, volume, array)
        if "attention" in config:
            made.insert(str(config["attention"]["kind"]), list(config["attention"]["blocks"]))
        names = sorted(trunk.net.state_dict())
        if names != sorted(tensors):
            raise MedgraftError(
                f"The saved weights do not fit the network '{spec.name}': save the model again."
            )
        _copy(trunk.net, tensors)
        made.report = replace(nothing, loaded=tuple(names))
        return made


def load(
    spec: str | PretrainedSpec,
    *,
    channels: int = 3,
    pretrained: bool = True,
    allow_partial: bool = False,
    seed: int = 0,
    volume: VolumeInput | None = None,
    array: Reading | None = None,
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
    volume : VolumeInput, optional
        How volumes are read. A network for images then sees slices; one for volumes always has it, and one
        channel.
    array : SignalReading, SequenceReading or OmicsReading, optional
        How signals, sequences or rows of omics are read; `channels` are then its own.

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
    if spec.dims == 3:
        channels, volume = 1, volume or VolumeInput()
    trunk = _trunk(spec, channels, seed, volume)
    reading = "" if volume is None else f" on {volume.words(spec.dims)}"
    if not pretrained:
        names = tuple(n for n in trunk.net.state_dict() if not n.endswith(_COUNTERS))
        report = LoadReport(spec.name + reading, (), (), (), names, "", channels)
        return Backbone(spec, channels, trunk, report, volume, array)
    if spec.path is None:
        weights, sha, label = fetch(spec), "", spec.name
    else:
        weights, sha = read_tensors(Path(spec.path).expanduser()), sha256_of(spec.path)
        label = f"{spec.name} from {Path(spec.path).name}"
    report = _fill(trunk.net, weights, label + reading, sha, channels)
    if report.fraction < ENOUGH and not allow_partial:
        whose = f"'{Path(spec.path).name}'" if spec.path else "the library"
        raise MedgraftError(
            f"The weights from {whose} are of another architecture than '{spec.name}': only "
            f"{report.came} of {report.total} trunk tensors fit; name the right "
            "one as in FILE.safetensors@timm:NAME, or allow a partial load (allow_partial)."
        )
    return Backbone(spec, channels, trunk, report, volume, array)


def _preprocess(
    spec: PretrainedSpec, channels: int, volume: VolumeInput | None, array: Reading | None
) -> Preprocess | SlicePreprocess | VolumePreprocess | ArrayPreprocess | PicturePreprocess:
    if array is not None and spec.dims == 1:
        return ArrayPreprocess(array)
    if volume is not None and spec.dims == 3:
        return VolumePreprocess(volume, spec.input_size)
    image = Preprocess(spec.input_size, channels, spec.interpolation)
    if isinstance(array, SignalReading):
        return PicturePreprocess(array, image)
    return image if volume is None else SlicePreprocess(volume, image)


def _trunk(spec: PretrainedSpec, channels: int, seed: int, volume: VolumeInput | None) -> Trunk:
    net = build(spec, channels, seed)
    if spec.dims == 1:
        return Trunk(net, (0.0,) * channels, (1 / 255,) * channels, spec.input_size, 1).eval()
    norm = adapt_norm(spec.mean, channels), adapt_norm(spec.std, channels)
    trunk: Trunk
    if volume is None:
        trunk = Trunk(net, *norm, spec.input_size)
    elif spec.dims == 3:
        trunk = VolumeTrunk(net, *norm, spec.input_size, 3)
    else:
        trunk = SliceTrunk(net, *norm, spec.input_size, volume)
    layout = torch.channels_last if spec.dims == 2 else torch.channels_last_3d
    return trunk.to(memory_format=layout).eval()


def _fill(
    net: nn.Module, weights: dict[str, torch.Tensor], label: str, sha: str, channels: int
) -> LoadReport:
    """Copy what fits and note what does not."""
    own = net.state_dict()
    weights = renamed(weights, set(own))
    taken: dict[str, torch.Tensor] = {}
    loaded, adapted, resized = [], [], []
    for name, have in own.items():
        given = weights.get(name)
        if given is None:
            continue
        if given.shape == have.shape:
            loaded.append(name)
        elif adaptable(given.shape, have.shape) and have.shape[1] == channels:
            given = adapt_channels(given.float(), channels)
            adapted.append(name)
        elif (placed := adapt_places(net, name, given, have)) is not None:
            given = placed
            resized.append(name)
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
        tuple(resized),
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
