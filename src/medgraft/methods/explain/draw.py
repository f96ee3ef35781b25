"""A map drawn over its sample, of whatever kind, and its strongest place in words."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from medgraft.methods.explain.frame import Attribution
from medgraft.methods.explain.pictures import bars, over_image, over_volume
from medgraft.methods.explain.scores import Scores
from medgraft.methods.explain.traces import over_letters, over_signal

FEATURES = 20  # bars of a row of omics


def draw(scores: Scores, sample: Any, found: Attribution, caption: str, unit: str) -> bytes:
    """Return a PNG of a sample, as `medgraft.methods.explain.frame.opened` gave it, with its map."""
    if scores.shown == "omics":
        names = feature_names(scores, sample)
        return bars(names, found.values.astype(float), caption, unit, FEATURES)
    ways: dict[str, Any] = {
        "image": over_image,
        "volume": over_volume,
        "signal": over_signal,
        "sequence": over_letters,
    }
    made: bytes = ways[scores.shown](sample, found.values, caption, unit)
    return made


def feature_names(scores: Scores, sample: NDArray[np.float32]) -> list[str]:
    """Return the features of a row of omics with its own values."""
    names = scores.preprocess.given.features
    return [
        f"{name} = {'missing' if np.isnan(value) else f'{value:.4g}'}"
        for name, value in zip(names, sample, strict=True)
    ]


def place_in_words(scores: Scores, sample: Any, at: tuple[int, ...], shape: tuple[int, ...]) -> str:
    """Say where a place of a map is: in words for an image, else as a voxel, a time, a letter, a feature."""
    if scores.shown == "signal":
        when = f"{at[1] / sample.rate:.4g} s" if sample.rate != 1 else f"sample {at[1]}"
        return f"{when} in channel {sample.channels[at[0]]}"
    if scores.shown == "sequence":
        return f"letter {at[0] + 1} ({sample[at[0]]})"
    if scores.shown == "omics":
        return feature_names(scores, sample)[at[0]]
    if len(shape) == 3:
        return f"voxel {tuple(int(a) for a in at)}"
    words = (("upper", "middle", "lower"), ("left", "middle", "right"))
    row, column = (words[k][min(2, int(3 * at[k] / shape[k]))] for k in range(2))
    where = "the middle" if row == column == "middle" else f"{row} {column}"
    return f"{where} (pixel {int(at[1])} from the left, {int(at[0])} from the top)"
