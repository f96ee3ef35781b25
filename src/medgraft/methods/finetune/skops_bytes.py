"""Learners inside tensors: skops bytes that travel in a safetensors file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medgraft.base import MedgraftError

if TYPE_CHECKING:
    import torch


def write_skops(learner: Any) -> torch.Tensor:
    """Return a learner as a tensor of bytes, without pickle."""
    import skops.io
    import torch

    return torch.frombuffer(bytearray(skops.io.dumps(learner)), dtype=torch.uint8)


def read_skops(data: torch.Tensor) -> Any:
    """Return the learner that :func:`write_skops` wrote.

    Raises
    ------
    MedgraftError
        It holds a type that is not of medgraft, scikit-learn, numpy or scipy.
    """
    import skops.io

    content = data.numpy().tobytes()
    unknown = skops.io.get_untrusted_types(data=content)
    foreign = [t for t in unknown if t.split(".")[0] not in ("medgraft", "sklearn", "numpy", "scipy")]
    if foreign:
        raise MedgraftError(f"The saved model holds types that are not trusted: {', '.join(foreign)}.")
    return skops.io.loads(content, trusted=unknown)
