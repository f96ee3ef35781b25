"""An image in 48 x 48 grey pixels, and the figures of its quality, its borders and its file."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from medgraft.cohort.images import decode_image

SIDE = 48
SIZE = SIDE * SIDE
DTYPE = np.uint8
ALIKE = 0.995
SHAPE = (SIDE, SIDE)
CENTRE = False

_WORK = 256  # the longest side at which quality and borders are measured
_BORDERS = ("top", "bottom", "left", "right")
_CORNERS = ("top left", "top right", "bottom left", "bottom right")

_FILE = ("width", "height", "format", "mode", "quantisation", "progressive", "exif", "dpi")
FAMILIES = {
    "size and file format": _FILE,
    "bytes of the files": ("bytes a pixel",),
    "borders": tuple(f"{of} {what}" for of in _BORDERS for what in ("mean", "sd"))
    + tuple(f"{of} mean" for of in _CORNERS),
}


def sketch(text: str) -> tuple[NDArray[np.uint8], dict[str, Any]]:
    """Return the grey thumbnail of an image and its figures.

    Notes
    -----
    A JPEG is decoded at the smallest of 1/1, 1/2, 1/4 and 1/8 of its size that leaves both sides at 256
    pixels or more; thumbnails of the whole and of the reduced image correlate above 0.998.
    """
    image, facts = _open(text)
    colour = image.convert("RGB").resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
    grey = image.convert("L")
    thumbnail = np.asarray(grey.resize((SIDE, SIDE), Image.Resampling.BOX)).reshape(-1)
    longest = max(grey.size)
    if longest > _WORK:
        size = tuple(max(3, round(side * _WORK / longest)) for side in grey.size)
        grey = grey.resize((size[0], size[1]), Image.Resampling.BOX)
    return thumbnail, facts | _figures(np.asarray(grey, dtype=np.float32), colour)


def _open(text: str) -> tuple[Image.Image, dict[str, Any]]:
    """Return the image, of reduced size where that is cheaper, and what its file tells."""
    reduced = None
    facts: dict[str, Any] = {"format": "part", "mode": "", "bytes a pixel": 0.0, "quantisation": 0.0}
    facts |= {"progressive": 0.0, "exif": 0.0, "dpi": 0.0}
    if "::" not in text:
        with suppress(Exception), Image.open(text) as file:  # decode_image below says what is wrong
            facts = _file_facts(file, Path(text).stat().st_size)
            size = file.size
            if file.format == "JPEG":
                file.draft(None, (_WORK, _WORK))
                file.load()
                reduced = ImageOps.exif_transpose(file)
    if reduced is None:
        image = decode_image(text)
        return image, facts | {"width": image.width, "height": image.height}
    upright = size if (size[0] < size[1]) == (reduced.width < reduced.height) else size[::-1]
    return reduced, facts | {"width": upright[0], "height": upright[1]}


def _file_facts(file: Image.Image, size: int) -> dict[str, Any]:
    exif = file.getexif()
    tables = getattr(file, "quantization", None) or {}
    dpi = file.info.get("dpi") or (0, 0)
    return {
        "format": str(file.format),
        "mode": file.mode,
        "bytes a pixel": size / max(1, file.width * file.height),
        "quantisation": float(np.mean([v for table in tables.values() for v in table])) if tables else 0.0,
        "progressive": float(bool(file.info.get("progressive"))),
        "exif": float(len(exif)),
        "dpi": float(np.nan_to_num(float(dpi[0]), posinf=0, neginf=0)),
    }


def _figures(grey: NDArray[np.float32], colour: Any) -> dict[str, Any]:
    """Measure quality and borders of a grey image of at most 256 pixels."""
    h, w = grey.shape
    edge = max(1, round(0.04 * min(h, w)))
    strips = (grey[:edge], grey[-edge:], grey[:, :edge], grey[:, -edge:])
    c = max(1, round(0.1 * min(h, w)))
    corners = (grey[:c, :c], grey[:c, -c:], grey[-c:, :c], grey[-c:, -c:])
    found: dict[str, Any] = {}
    for name, strip in zip(_BORDERS, strips, strict=True):
        found |= {f"{name} mean": float(strip.mean()), f"{name} sd": float(strip.std())}
    found |= {f"{n} mean": float(corner.mean()) for n, corner in zip(_CORNERS, corners, strict=True)}
    found |= {"red": colour[0], "green": colour[1], "blue": colour[2]}
    found |= {
        "mean": float(grey.mean()),
        "sd": float(grey.std()),
        "dark": float((grey <= 5).mean()),
        "bright": float((grey >= 250).mean()),
        "sharpness": _sharpness(grey),
    }
    return found


def _sharpness(grey: NDArray[np.float32]) -> float:
    """Return the variance of the Laplacian: small where an image is blurred."""
    if min(grey.shape) < 3:
        return 0.0
    centre = grey[1:-1, 1:-1]
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    return float((around - 4 * centre).var())
