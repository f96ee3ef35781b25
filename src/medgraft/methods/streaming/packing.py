"""A model as bytes: named arrays and plain settings, no pickle."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError


def pack(arrays: dict[str, NDArray[Any]], settings: dict[str, Any]) -> bytes:
    """Return arrays and settings (what JSON can hold) as the bytes of a safetensors file.

    Examples
    --------
    >>> arrays, settings = unpack(pack({"mean": np.zeros((1, 2))}, {"kind": "StreamingKMeans"}))
    >>> arrays["mean"].tolist(), settings
    ([[0.0, 0.0]], {'kind': 'StreamingKMeans'})
    """
    from safetensors.numpy import save

    text = np.frombuffer(json.dumps(settings, separators=(",", ":")).encode(), dtype=np.uint8)
    return bytes(save({name: np.ascontiguousarray(a) for name, a in arrays.items()} | {"settings": text}))


def unpack(state: bytes) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Return the arrays and settings that `pack` made bytes of; MedgraftError if they are not such bytes."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        arrays = {name: a.copy() for name, a in load(state).items()}  # a model changes its arrays
        settings = json.loads(arrays.pop("settings").tobytes())
    except (SafetensorError, KeyError, ValueError) as error:
        raise MedgraftError(f"The state is not one that a streaming model saved ({error}).") from None
    return arrays, settings
