"""Where knowledge comes from: pretrained networks, by name or from a file of weights.

``mg.sources`` is the registry of networks whose facts medgraft knows by heart; every other ``timm:`` or
``torchvision:`` name works too. torch is imported only when a network is loaded.
"""

from __future__ import annotations

from medgraft.base.lookup import lookup
from medgraft.sources.pretrained import Pretrained, source, source_kind
from medgraft.sources.registry import NetworkEntry, networks
from medgraft.sources.volumes import VolumeInput

__all__ = ["NetworkEntry", "Pretrained", "VolumeInput", "networks", "source", "source_kind"]

lookup(__name__, networks, lambda entry: entry)
