"""What every map shares: a sample opened, its class chosen, the map brought to the sample's own grid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medgraft.cohort.media import ARRAYS
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
    values : array (h, w), (x, y, z), (channels, samples), (letters,) or (features,), float32
        The map on the sample's own grid; of a signal that to which it was brought, of a sequence its letters
        (0 for those that the network does not read).
    target : object
        The class or label it is about; None for values.
    score : float
        The model's score of it, before the softmax (of stages and rough learners: its log chance).
    grid : array, float32
        The map on the grid that the network sees: (s, s), (slices, s, s), (x, y, z), ...
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
            if scores.shown in ARRAYS:  # the engines of arrays give a value for each place
                grid = np.asarray(coarse.numpy(), dtype=np.float32)
                values = _on_letters(grid, len(path)) if scores.shown == "sequence" else grid
            else:
                grid = _finer(coarse, _places(scores, pixels))
                values = _on_sample(scores, coarse, opened(scores, path))
            found.append(Attribution(values, shown, float(out[code]), grid, facts))
    return found


def opened(scores: Scores, path: str) -> Any:
    """Open a sample as a map lies over it: a PIL image, `Volume`, `Signal`, letters, values (p,)."""
    from PIL import Image

    from medgraft.cohort.images import decode_image
    from medgraft.cohort.media import open_sample

    if scores.kind == "image":
        return decode_image(path)
    if scores.kind == "volume":
        return open_sample("volume", path)
    if scores.kind == "sequence":
        return path.upper()
    reading = scores.preprocess.given
    if scores.kind == "omics":
        return reading.row(path)
    return Image.fromarray(reading.drawn(path)) if scores.shown == "image" else reading.open(path)


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


def _on_letters(grid: NDArray[np.float32], n: int) -> NDArray[np.float32]:
    """Bring a map of columns (length,) to n letters, the middle one in the middle column.

    Examples
    --------
    >>> grid = np.array([1, 2, 3, 4], np.float32)
    >>> _on_letters(grid, 2).tolist(), _on_letters(grid, 5).tolist()
    ([2.0, 3.0], [1.0, 2.0, 3.0, 4.0, 0.0])
    """
    at = np.arange(n) + len(grid) // 2 - n // 2
    own = (at >= 0) & (at < len(grid))
    return np.where(own, grid[np.where(own, at, 0)], np.float32(0))


def _on_sample(scores: Scores, coarse: torch.Tensor, sample: Any) -> NDArray[np.float32]:
    """Bring a map to the grid of the image or the volume as it was opened."""
    if scores.shown == "image":
        return _finer(coarse, (sample.height, sample.width))
    from medgraft.methods.explain.volumes import from_slices, from_volume

    if scores.slices:
        return from_slices(coarse.numpy(), scores.preprocess.given, sample)
    return from_volume(coarse.numpy(), scores.preprocess, sample)
