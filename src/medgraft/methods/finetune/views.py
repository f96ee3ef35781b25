"""Images as if the patient had been imaged again: what `icc-select` measures repeatability on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from medgraft.cohort.digest import digest
from medgraft.methods.splits import Ints

if TYPE_CHECKING:
    from PIL import Image

    from medgraft.methods.finetune.features import BackboneFeatures

TURNS = (4.0, -4.0)  # degrees, one a view beside the image itself
KEPT = 0.92  # of each side, so that no empty corner comes in
MOST = 60  # images that are measured again


def view(image: Image.Image, k: int, smooth: bool = True) -> Image.Image:
    """Return the k-th view of an image: turned a little, and its middle nearer; 0 is the image itself.

    Examples
    --------
    >>> from PIL import Image
    >>> view(Image.new("L", (100, 50)), 1).size
    (92, 46)
    """
    if k == 0:
        return image
    from PIL.Image import Resampling

    turned = image.rotate(TURNS[k - 1], Resampling.BILINEAR if smooth else Resampling.NEAREST)
    w, h = image.size
    wide, high = round(KEPT * w), round(KEPT * h)
    left, top = (w - wide) // 2, (h - high) // 2
    return turned.crop((left, top, left + wide, top + high))


def some(paths: Sequence[str]) -> Ints:
    """Places of at most 60 images, chosen by their content, so that the order of rows plays no part."""
    order = sorted(range(len(paths)), key=lambda i: digest(paths[i]))
    return np.array(order[:MOST], dtype=np.intp)


def seen_again(featuriser: BackboneFeatures, paths: Sequence[str], k: int) -> np.ndarray:
    """Return a network's features (n, d) of the k-th view of images; they are not kept."""
    from medgraft.cohort.images import decode_image
    from medgraft.sources.forward import pick_device, run_batches

    backbone, device = featuriser.backbone(), pick_device(featuriser.device)
    preprocess: Any = backbone.preprocess  # one for images: callers see to it
    rows = run_batches(
        len(paths),
        lambda i: preprocess(view(decode_image(paths[i]), k)),
        backbone.module.to(device),
        device=device,
    )
    return np.asarray(rows.float().numpy(), dtype=np.float32)


def asks_again(estimator: Any) -> bool:
    """Whether a learner, or a step around it, asks for samples that were measured again."""
    while estimator is not None:
        if getattr(estimator, "asks_again", False):
            return True
        estimator = getattr(estimator, "estimator", None)
    return False
