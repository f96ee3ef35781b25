"""Images: decoded one at a time, only when somebody looks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from medgraft.base import MedgraftError
from medgraft.cohort.labels import names
from medgraft.cohort.media import find_decoder, open_sample
from medgraft.cohort.ref import Ref

if TYPE_CHECKING:
    from PIL import Image

    from medgraft.cohort.cohort import Cohort

SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".pgm")


def is_image(path: str) -> bool:
    """Whether a file is an image by its name: a known suffix, and not hidden."""
    file = Path(path)
    return file.suffix.lower() in SUFFIXES and not file.name.startswith(".")


def decode_image(path: str | Path) -> Image.Image:
    """Return an image as 8-bit ``"L"`` (one channel) or ``"RGB"`` (three), upright.

    Use it for whatever a network for photographs is to see: photographs, exported slices, and slices and
    frames of DICOM, NIfTI and .npz files in the grey window that their format gives. Not where the values
    have units that matter; :func:`open_sample` gives volumes in their units.

    The rotation of EXIF is applied. Grey values of more than 8 bits (16-bit, 32-bit, float) are mapped
    linearly from the image's own smallest and largest value to 0 and 255: nothing is clipped, and 12-bit
    data in 16-bit files do not turn black. Palettes, CMYK and other colour spaces become RGB, and
    transparency is dropped, as it is for the networks' own training images. Of several pages the first
    is taken. Pillow's limit against decompression bombs stays in force.

    Parameters
    ----------
    path : path or reference
        See :class:`~medgraft.cohort.ref.Ref` for references to parts of files.

    Raises
    ------
    MedgraftError
        The file is missing, truncated, corrupt or no image; the message names it.
    """
    from PIL import Image, ImageOps

    try:
        if _is_special(path):
            return _special(path)
        with Image.open(path) as opened:
            opened.load()
            image: Image.Image = opened
            if "exif" in opened.info or opened.format == "TIFF":
                image = ImageOps.exif_transpose(opened)  # it copies even what is upright
            if image.mode in ("L", "RGB"):
                return image  # decoded: its file may close
            if image.mode.startswith("I") or image.mode == "F":
                return Image.fromarray(to_8_bit(np.asarray(image)))
            if image.mode in ("1", "L", "LA", "La"):
                return image.convert("L")
            return image.convert("RGB")
    except MedgraftError:
        raise
    except Exception as error:  # decoders fail in every way there is, and it is always the file
        raise _unreadable(path, error) from error


def _is_special(path: str | Path) -> bool:
    """Whether this is for the decoders of formats: parts of files, and files that are no plain images."""
    name = str(path)
    return "::" in name or not name.lower().endswith(SUFFIXES)


def _special(path: str | Path) -> Image.Image:
    ref = Ref.parse(path)
    decoder = find_decoder("image", ref)
    if decoder is None:
        if not Path(ref.path).exists():
            raise FileNotFoundError(ref.path)
        what = "names a part that its format does not have" if ref.parts else "is of no format with images"
        raise MedgraftError(f"The image '{path}' {what}.")
    image: Image.Image = decoder.open(ref)  # type: ignore[assignment]
    return image


def to_8_bit(values: np.ndarray) -> np.ndarray:
    """Return grey values as bytes, 0 for the smallest and 255 for the largest; what is not finite is 0."""
    wide = np.where(np.isfinite(values), values, np.nan).astype(np.float64)
    if np.isnan(wide).all():
        return np.zeros(wide.shape, np.uint8)
    low, high = np.nanmin(wide), np.nanmax(wide)
    scaled = (np.nan_to_num(wide, nan=low) - low) * (255.0 / (high - low) if high > low else 0.0)
    return np.rint(scaled).astype(np.uint8)


def _unreadable(path: str | Path, error: Exception) -> MedgraftError:
    reason = "it does not exist" if isinstance(error, FileNotFoundError) else str(error).split("\n")[0]
    # Pillow puts the path into some of its messages: once is enough.
    reason = reason.replace(f" {str(path)!r}", "").replace(str(path), "the file") or type(error).__name__
    return MedgraftError(
        f"The image '{path}' cannot be decoded ({reason.rstrip('.')}): repair or remove it, or use "
        "--skip-unreadable to leave such files out."
    )


def check_images(
    cohort: Cohort, skip_unreadable: bool = False, progress: Callable[[int, int], None] | None = None
) -> Cohort:
    """Open every image or volume once and return the cohort of those that can be opened.

    Call it before a long run, so that a corrupt file is found in the first minute. Tables are returned
    as they are, and rows without a file are kept. A flipped bit inside a JPEG that still decodes is not
    found; nothing could find it.

    Parameters
    ----------
    cohort : Cohort
    skip_unreadable : bool, default False
        Leave unreadable files out, with a warning that names them, instead of raising. A class of
        several that loses all its images is no class any more, which is said too.
    progress : callable, optional
        Called with (done, total) after each file.

    Raises
    ------
    MedgraftError
        A file does not decode and `skip_unreadable` is False; or none decodes.

    Notes
    -----
    JPEGs are decoded at an eighth of their size, which still reads all of the file, at less than half
    of the cost.
    """
    kind = "image" if cohort.image is not None else "volume"
    column = cohort.media.get(kind)
    if column is None:
        return cohort
    bad: list[tuple[int, str]] = []
    paths = cohort.table[column].tolist()
    for i, path in enumerate(paths):
        error = None if pd.isna(path) else _problem(path, kind)
        if error is not None:
            if not skip_unreadable:
                raise error if kind == "volume" else _unreadable(path, error) from error
            bad.append((i, path))
        if progress is not None:
            progress(i + 1, len(paths))
    if not bad:
        return cohort
    if len(bad) == len(paths):
        raise MedgraftError(f"None of the {len(paths)} {kind}s of '{cohort.name}' can be decoded.")
    keep = np.ones(len(paths), dtype=bool)
    keep[[i for i, _ in bad]] = False
    kept = cohort.select(keep)
    shown = ", ".join(f"'{p}'" for _, p in bad[:5]) + (", ..." if len(bad) > 5 else "")
    plural = f"{kind} that cannot be decoded was" if len(bad) == 1 else f"{kind}s that cannot be decoded were"
    said = [f"{len(bad)} {plural} left out: {shown}."]
    lost = _lost_classes(cohort, kept)
    if lost:
        said.append(f"No {kind} is left of the classes {', '.join(map(repr, lost))}.")
    levels = cohort.levels
    if levels is not None and cohort.task == "multiclass":
        levels = tuple(level for level in levels if level not in lost)
    return replace(kept, levels=levels, warnings=(*kept.warnings, *said))


def _lost_classes(cohort: Cohort, kept: Cohort) -> list[str]:
    if cohort.label is None or cohort.levels is None:
        return []
    before, after = (set(names(c.table[cohort.label])) for c in (cohort, kept))
    return [level for level in cohort.levels if level in before - after]


def _problem(path: str, kind: str) -> Exception | None:
    from PIL import Image

    try:
        if kind == "volume":
            open_sample(kind, path)
            return None
        if _is_special(path):
            decode_image(path)
            return None
        with Image.open(path) as image:
            # Only the JPEG plug-in heeds this: fewer coefficients are transformed, all are read.
            image.draft(None, (max(1, image.width // 8), max(1, image.height // 8)))
            image.load()
    except Exception as error:  # as in decode_image
        return error
    return None
