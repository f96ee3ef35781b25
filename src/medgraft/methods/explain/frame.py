"""What every map shares: a sample opened, its class chosen, the map brought to the sample's own grid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medgraft.methods.explain.scores import Scores, evaluating, scores_of

if TYPE_CHECKING:
    import torch

# (scores, prepared sample (1, ...), place of the class) -> map on a grid of the network, and facts about it
Engine = Callable[[Scores, "torch.Tensor", int], tuple["torch.Tensor", dict[str, float]]]


@dataclass(frozen=True, eq=False)
class Attribution:
    """What the places of one sample said.

    Attributes
    ----------
    values : array (h, w) or (x, y, z), float32
        The map on the sample's own grid.
    target : object
        The class or label it is about; None for values.
    score : float
        The model's score of it, before the softmax (of stages and rough learners: its log chance).
    grid : array, float32
        The map on the grid that the network sees: (s, s), (slices, s, s) or (x, y, z).
    facts : dict
        What the method says about itself, such as ``completeness_error``.
    """

    values: NDArray[np.float32]
    target: Any
    score: float
    grid: NDArray[np.float32]
    facts: dict[str, float] = field(default_factory=dict)


def attributions(model: Any, samples: Sequence[str] | str, engine: Engine, target: Any) -> list[Attribution]:
    """Run an engine on each sample; `target` None takes the predicted class of each."""
    import torch

    from medgraft.sources.forward import pick_device

    scores = model if isinstance(model, Scores) else scores_of(model)
    wanted = None if target is None else scores.code(target)
    device, found = pick_device(scores.device), []
    with evaluating(scores, device):
        for path in [samples] if isinstance(samples, str) else samples:
            pixels = scores.preprocess.open(path)[None].to(device)
            with torch.no_grad():
                out = scores.of(pixels)[0]
            code = int(out.argmax()) if wanted is None else wanted
            coarse, facts = engine(scores, pixels, code)
            coarse = coarse.detach().float().cpu()
            shown = scores.names[code] if scores.names else None
            grid = _finer(coarse, _places(scores, pixels))
            found.append(
                Attribution(
                    _on_sample(scores, coarse, opened(scores.kind, path)),
                    shown,
                    float(out[code]),
                    grid,
                    facts,
                )
            )
    return found


def opened(kind: str, path: str) -> Any:
    """Open a sample: a PIL image, or a `Volume`."""
    from medgraft.cohort.images import decode_image
    from medgraft.cohort.media import open_sample

    return decode_image(path) if kind == "image" else open_sample("volume", path)


def _places(scores: Scores, pixels: torch.Tensor) -> tuple[int, ...]:
    """Return the shape of the network's grid of places: all but the channels."""
    shape = tuple(pixels.shape[1:])
    return (shape[0], *shape[2:]) if scores.slices else shape[1:]


def _finer(coarse: torch.Tensor, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Interpolate a map linearly; of slices (k, h, w) each by itself, where k is the same."""
    from torch.nn import functional

    if coarse.ndim == 3 and coarse.shape[0] == shape[0] and coarse.shape != shape:
        fine = functional.interpolate(coarse[None], size=shape[1:], mode="bilinear", align_corners=False)[0]
    else:
        mode = "bilinear" if coarse.ndim == 2 else "trilinear"
        fine = functional.interpolate(coarse[None, None], size=shape, mode=mode, align_corners=False)[0, 0]
    return np.asarray(fine.numpy(), dtype=np.float32)


def _on_sample(scores: Scores, coarse: torch.Tensor, sample: Any) -> NDArray[np.float32]:
    """Bring a map to the grid of the image or the volume as it was opened."""
    if scores.kind == "image":
        return _finer(coarse, (sample.height, sample.width))
    from medgraft.methods.explain.volumes import from_slices, from_volume

    if scores.slices:
        return from_slices(coarse.numpy(), scores.preprocess.given, sample)
    return from_volume(coarse.numpy(), scores.preprocess, sample)
