"""Empty trunks: networks of timm, torchvision and our own without their classifier, random weights."""

from __future__ import annotations

from collections import OrderedDict
from importlib import import_module
from typing import Any

import torch
from torch import nn

from medgraft.base import MedgraftError, did_you_mean
from medgraft.sources.registry import NetworkEntry, networks
from medgraft.sources.resolve import PretrainedSpec


def build(spec: PretrainedSpec, channels: int, seed: int = 0) -> nn.Module:
    """Return the network of `spec` without its head: images (b, channels, s, s) -> features (b, d).

    A network with ``dims=3`` takes volumes (b, channels, s, s, s).

    Parameters
    ----------
    spec : PretrainedSpec
    channels : int
        Channels of the input.
    seed : int
        Seed of the random weights. The caller's random state is left as it was.

    Raises
    ------
    MedgraftError
        The architecture does not exist, is no image classifier, or refuses its settings.
    """
    if not known(spec.library, spec.architecture):
        raise unknown(spec.library, spec.architecture)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            if spec.name in networks and networks[spec.name].builder:
                return _own(networks[spec.name].builder, spec, channels)
            return _timm(spec, channels) if spec.library == "timm" else _torchvision(spec, channels)
        except TypeError as error:
            raise MedgraftError(f"'{spec.name}' cannot be built with {spec.model_args}: {error}.") from error
        except (AssertionError, ValueError) as error:  # what the libraries think of a size
            raise MedgraftError(
                f"'{spec.name}' cannot be built for images of {spec.input_size} pixels: use another size."
            ) from error


def known(library: str, architecture: str) -> bool:
    """Whether the library, or a builder of our own, makes a network of this name."""
    name = f"{library}:{architecture}"
    return (name in networks and bool(networks[name].builder)) or architecture in _names(library)


def unknown(library: str, architecture: str) -> MedgraftError:
    """Return the error for a name that the library does not have."""
    name = f"{library}:{architecture}"
    near = did_you_mean(name, networks) or did_you_mean(architecture, _names(library))
    return MedgraftError(f"There is no network '{name}'.{near}")


def facts(library: str, architecture: str) -> NetworkEntry:
    """Read the facts of a network that the registry does not hold from its library's configuration."""
    plain, _, _tag = architecture.partition(".")
    if not known(library, plain if library == "timm" else architecture):
        raise unknown(library, architecture)
    if library == "timm":
        import timm

        cfg: dict[str, Any] = timm.models.get_pretrained_cfg(architecture, allow_unregistered=True).to_dict()
        first = cfg.get("first_conv") or ""
        return NetworkEntry(
            f"timm:{architecture}",
            "timm",
            architecture,
            int(cfg["input_size"][-1]),
            tuple(cfg["mean"]),
            tuple(cfg["std"]),
            "bilinear" if cfg.get("interpolation") == "bilinear" else "bicubic",
            str(cfg.get("license") or "unknown"),
            None,
            None,
            first if isinstance(first, str) else first[0],
            str(cfg.get("classifier") or ""),
        )
    import torchvision

    weights = torchvision.models.get_model_weights(architecture).DEFAULT
    eyes = weights.transforms()
    return NetworkEntry(
        f"torchvision:{architecture}",
        "torchvision",
        architecture,
        int(eyes.crop_size[0]),
        tuple(eyes.mean),
        tuple(eyes.std),
        str(eyes.interpolation.value),
        "BSD-3-Clause",
        weights.url,
        weights.url.rsplit("-", 1)[1].split(".")[0],
        "",
        "",
    )


def _names(library: str) -> list[str]:
    if library == "medgraft":
        return [networks[name].architecture for name in networks.list("medgraft:*")]
    if library == "timm":
        import timm

        return list(timm.list_models()) + list(timm.list_pretrained())
    import torchvision

    return list(torchvision.models.list_models(module=torchvision.models))


def _own(builder: str, spec: PretrainedSpec, channels: int) -> nn.Module:
    module, _, function = builder.partition(":")
    make = getattr(import_module(f"medgraft.networks.{module}"), function)
    given = {"samples": spec.input_size} if spec.dims == 1 else {}
    net: nn.Module = make(channels=channels, **given, **spec.model_args)
    return net


def _timm(spec: PretrainedSpec, channels: int) -> nn.Module:
    import timm

    args = dict(spec.model_args)
    known: Any = timm.models.get_pretrained_cfg(spec.architecture, allow_unregistered=True)
    if known is not None and known.fixed_input_size:  # a transformer has a place for each patch
        args.setdefault("img_size", spec.input_size)
    net: nn.Module = timm.create_model(
        spec.architecture, pretrained=False, num_classes=0, in_chans=channels, **args
    )
    patch = max(getattr(getattr(net, "patch_embed", None), "patch_size", (1,)))
    if spec.input_size % patch:  # the library would cut the border off
        raise MedgraftError(f"'{spec.name}' takes images whose side is a multiple of {patch} pixels.")
    return net


def _torchvision(spec: PretrainedSpec, channels: int) -> nn.Module:
    """Cut the classifier off: torchvision has no common way, but four common shapes."""
    import torchvision

    args = dict(spec.model_args)
    if spec.architecture in (
        "googlenet",
        "inception_v3",
    ):  # heads of training only; a transform that Trunk does
        args = {"aux_logits": False, "transform_input": False, "init_weights": True} | args
    if spec.architecture.startswith("vit_"):  # it has a place for each patch
        args.setdefault("image_size", spec.input_size)
    net: Any = torchvision.models.get_model(spec.architecture, weights=None, **args)
    for head in ("heads", "head", "fc"):  # vision transformers, Swin, residual networks
        if isinstance(getattr(net, head, None), nn.Module):
            setattr(net, head, nn.Identity())
            break
    else:
        if not isinstance(getattr(net, "features", None), nn.Module):
            raise MedgraftError(
                f"'{spec.name}' has no trunk that can be cut from its head: use another network."
            )
        parts: list[tuple[str, nn.Module]] = [("features", net.features)]
        if isinstance(net, torchvision.models.DenseNet):  # its forward does this between trunk and head
            parts.append(("act", nn.ReLU(inplace=True)))
        net = nn.Sequential(OrderedDict([*parts, ("pool", nn.AdaptiveAvgPool2d(1)), ("flat", nn.Flatten())]))
    if channels != 3:
        _widen(net, channels)
    return net  # type: ignore[no-any-return]


def _widen(net: nn.Module, channels: int) -> None:
    """Replace the first convolution by one for `channels` channels."""
    name, old = next((n, m) for n, m in net.named_modules() if isinstance(m, nn.Conv2d))
    new = nn.Conv2d(
        channels,
        old.out_channels,
        kernel_size=old.kernel_size,  # type: ignore[arg-type]
        stride=old.stride,  # type: ignore[arg-type]
        padding=old.padding,  # type: ignore[arg-type]
        bias=old.bias is not None,
    )
    parent, _, leaf = name.rpartition(".")
    setattr(net.get_submodule(parent), leaf, new)
