"""How large and how slow a network is, for studies that choose small ones."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from medgraft.sources import Pretrained


def size_of(source: Pretrained) -> str:
    """Return a network's number of weights, and its time for an image on this machine, in a sentence."""
    import torch

    backbone = source.load()
    millions = sum(p.numel() for p in backbone.module.parameters()) / 1e6
    spent = []
    with torch.inference_mode():
        for _ in range(8):
            begun = time.perf_counter()
            backbone.module(backbone.blank())
            spent.append(time.perf_counter() - begun)
    facts, ms = source.facts, 1000 * np.median(spent)
    name = Path(facts.path).stem if facts.path else facts.architecture
    return f"{name}: {millions:.2f} million weights, {ms:.1f} ms an image on this machine."
