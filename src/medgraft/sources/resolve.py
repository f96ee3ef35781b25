"""From a few words to the facts of a network: which architecture, which preprocessing, which file."""

from __future__ import annotations

import json
import struct
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from medgraft.base import MedgraftError, did_you_mean
from medgraft.sources.chain import OUTLINER, graft_folder, network_of
from medgraft.sources.registry import NetworkEntry, networks

LIBRARIES = ("timm", "torchvision", "medgraft")
SUFFIXES = (".safetensors", ".pth", ".pt")
# What a weight file may not decide: these name other files to read, or belong to medgraft.
_FORBIDDEN = {
    "pretrained",
    "checkpoint_path",
    "cache_dir",
    "num_classes",
    "in_chans",
    "weights",
    "model_name",
}


@dataclass(frozen=True)
class PretrainedSpec:
    """The facts needed to build, load and feed one network.

    Get one from :func:`resolve`.

    Attributes
    ----------
    name : str
        ``"timm:mobilenetv2_100"``.
    library, architecture : str
        Who builds it, and under which name.
    input_size : int
        Side of the square input in pixels.
    mean, std : tuple of float
        Normalisation of pixels in [0, 1].
    interpolation : str
        ``"bilinear"`` or ``"bicubic"``.
    licence : str
        Licence of the weights, or ``"unknown"``.
    path : str or None
        File of weights; None: the library's own, downloaded.
    model_args : dict
        More arguments of the builder.
    dims : int
        2 for images, 3 for volumes, 1 for signals, sequences and omics.
    """

    name: str
    library: str
    architecture: str
    input_size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    interpolation: str
    licence: str
    path: str | None = None
    model_args: dict[str, Any] = field(default_factory=dict)
    dims: int = 2

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the path, for files that travel."""
        out = asdict(self)
        del out["path"]
        return out

    @classmethod
    def from_dict(cls, facts: dict[str, Any]) -> PretrainedSpec:
        """Read what :meth:`to_dict` wrote."""
        facts = dict(facts)
        facts["mean"], facts["std"] = tuple(facts["mean"]), tuple(facts["std"])
        return cls(**{**facts, "path": None, "model_args": _checked_args(facts["model_args"], facts["name"])})


def resolve(spec: str) -> PretrainedSpec:
    """Find out which network a few words mean.

    Parameters
    ----------
    spec : str
        ``"timm:NAME"``, ``"torchvision:NAME"``, ``"medgraft:NAME"`` (a network of our own),
        ``"PATH.safetensors"`` (the architecture stands in the file's metadata, or the file is named like a
        registered one), or ``"PATH.safetensors@timm:NAME"``; the file may be a ``.pth`` or ``.pt`` that
        holds tensors alone.

    Returns
    -------
    PretrainedSpec

    Raises
    ------
    MedgraftError
        No such network or file, or the file does not say which architecture it is for.

    Examples
    --------
    >>> resolve("timm:mobilenetv2_100").input_size
    224
    >>> resolve("torchvision:resnet18").interpolation
    'bilinear'
    """
    path, name = split_file(spec)
    if path:
        return _from_file(path, name)
    if folder := graft_folder(spec):
        facts, file = network_of(folder)
        return replace(PretrainedSpec.from_dict(facts), path=str(file))
    if spec.endswith((".bin", ".ckpt", ".h5", ".npz")):
        raise MedgraftError(
            f"Weights are not read from '{spec}': it takes .safetensors, and .pth or .pt that hold tensors "
            "alone; convert it once with safetensors.torch.save_file."
        )
    return _by_name(spec)


def split_file(spec: str) -> tuple[str, str]:
    """Split ``FILE@NETWORK`` or ``FILE`` into both; two empty texts where no file of weights is meant.

    Examples
    --------
    >>> split_file("w.pth@timm:resnet18"), split_file("w.safetensors"), split_file("timm:resnet18")
    (('w.pth', 'timm:resnet18'), ('w.safetensors', ''), ('', ''))
    """
    path, at, name = spec.rpartition("@")
    if at and path.endswith(SUFFIXES):
        return path, name
    return (spec, "") if spec.endswith(SUFFIXES) else ("", "")


def _by_name(name: str) -> PretrainedSpec:
    if name == OUTLINER["name"]:
        return PretrainedSpec.from_dict(OUTLINER)
    library, colon, architecture = name.partition(":")
    if not colon or library not in LIBRARIES:
        near = did_you_mean(name, networks)
        if not colon and did_you_mean(name, [n.partition(":")[2] for n in networks]):
            near = did_you_mean(f"timm:{name}", networks)
        raise MedgraftError(
            f"'{name}' is no pretrained network: give timm:NAME, torchvision:NAME, medgraft:NAME, the path "
            f"of a .safetensors or .pth file, or the folder of a finished run.{near}"
        )
    entry = networks[name] if name in networks else _ask_library(library, architecture)
    return PretrainedSpec(
        entry.name,
        entry.library,
        entry.architecture,
        entry.input_size,
        entry.mean,
        entry.std,
        entry.interpolation,
        entry.licence,
        dims=entry.dims,
    )


def _ask_library(library: str, architecture: str) -> NetworkEntry:
    """Read the facts of a network from its library; slow, because the library must be imported."""
    from medgraft.sources.build import facts

    return facts(library, architecture)


def read_header(path: Path) -> dict[str, Any]:
    """Read the JSON header of a safetensors file, without torch.

    Raises
    ------
    MedgraftError
        The file does not exist or is not a safetensors file.
    """
    if not path.is_file():
        raise MedgraftError(f"The weight file '{path}' does not exist: check the path.")
    try:
        with path.open("rb") as file:
            (size,) = struct.unpack("<Q", file.read(8))
            if size > min(path.stat().st_size, 100_000_000):
                raise ValueError("header longer than the file")
            header = json.loads(file.read(size))
        if not isinstance(header, dict):
            raise ValueError("header is no object")
    except (struct.error, ValueError) as error:  # JSONDecodeError and UnicodeDecodeError are ValueErrors
        raise MedgraftError(f"The file '{path}' is not a whole safetensors file: get it again.") from error
    return header


def _from_file(path: str, name: str) -> PretrainedSpec:
    """Combine what the file says of itself with what is known of its architecture."""
    place = Path(path).expanduser()
    if not place.is_file():
        raise MedgraftError(f"The weight file '{path}' does not exist: check the path.")
    said = (read_header(place).get("__metadata__") or {}) if path.endswith(SUFFIXES[0]) else {}
    stem = Path(path).stem
    whose = _said_name(said)
    if not name and whose:
        name = whose
        if whose.partition(":")[0] not in LIBRARIES:
            raise MedgraftError(
                f"The weight file '{path}' is for '{name}', which neither timm, torchvision nor medgraft "
                "builds: use a file of theirs."
            )
    if not name:
        fitting = [n for n in networks if networks[n].architecture == stem]
        if not fitting:
            raise MedgraftError(
                f"The weight file '{path}' does not say which network it is for: name it after the file, "
                f"as in {path}@timm:resnet18."
            )
        name = fitting[0]
    base = _by_name(name)
    own = said if whose in ("", base.name) else {}
    try:
        return PretrainedSpec(
            base.name,
            base.library,
            base.architecture,
            int(own.get("input_size", base.input_size)),
            _numbers(own.get("mean"), base.mean),
            _numbers(own.get("std"), base.std),
            own.get("interpolation", base.interpolation),
            own.get("licence", own.get("license", "unknown")),
            str(path),
            _checked_args(json.loads(own.get("model_args", "{}")), path),
            base.dims,
        )
    except ValueError as error:
        raise MedgraftError(f"The metadata of the weight file '{path}' cannot be read: {error}.") from error


def _said_name(said: dict[str, str]) -> str:
    """Return the network that a file's metadata name; the first word, since some add a remark."""
    library, words = said.get("library", ""), said.get("architecture", "").split()
    if not library or not words:
        return ""
    return f"{'medgraft' if library == 'own' else library}:{words[0]}"


def _numbers(text: str | None, default: tuple[float, ...]) -> tuple[float, ...]:
    return default if text is None else tuple(float(v) for v in text.strip("[]() ").split(","))


def _checked_args(args: Any, where: str) -> dict[str, Any]:
    """Let only plain values through that cannot point the builder at other files."""
    if not isinstance(args, dict):
        raise MedgraftError(f"The model_args of '{where}' must be a JSON object.")
    for key, value in args.items():
        if key in _FORBIDDEN or key.startswith("pretrained") or isinstance(value, dict | list):
            raise MedgraftError(f"The model_args of '{where}' may not set '{key}'.")
    return dict(args)
