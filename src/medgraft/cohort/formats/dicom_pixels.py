"""DICOM: from a file to the values of a frame, in the file's units or as somebody would look at them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError
from medgraft.cohort.limits import check_size

if TYPE_CHECKING:
    from PIL import Image

Dataset = Any
_DEFLATED = "1.2.840.10008.1.2.1.99"
# Pillow first, because a damaged file ends there in an exception; gdcm reads what Pillow does not.
_PLUGINS = ("pydicom", "pillow", "gdcm")


def is_dicom(path: Path) -> bool:
    """Whether a file has the preamble of DICOM."""
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False


def read_header(path: Path) -> Dataset:
    """Read all but the pixels.

    Raises
    ------
    MedgraftError
        The file is no DICOM file, or damaged.
    """
    return _read(path, stop_before_pixels=True)


def read_whole(path: Path) -> Dataset:
    """Read a file whose header promises no more pixels than a sample may have.

    Raises
    ------
    MedgraftError
        It is damaged, has no pixels, or promises absurdly many.
    """
    ds = _read(path)
    if "PixelData" not in ds and "FloatPixelData" not in ds and "DoubleFloatPixelData" not in ds:
        raise MedgraftError(f"The DICOM file '{path}' holds no image.")
    each = int(ds.get("Rows") or 0) * int(ds.get("Columns") or 0) * int(ds.get("SamplesPerPixel") or 1)
    check_size(each * n_frames(ds), path)
    return ds


def n_frames(ds: Dataset) -> int:
    """Return the number of frames; 1 where it is not said."""
    return int(ds.get("NumberOfFrames") or 1)


def _read(path: Path, **options: Any) -> Dataset:
    import pydicom

    try:
        with _quiet():
            if is_dicom(path):
                meta = pydicom.filereader.read_file_meta_info(str(path))
                if meta.get("TransferSyntaxUID") == _DEFLATED:
                    raise MedgraftError(
                        f"The DICOM file '{path}' is deflated as a whole, which is not read: "
                        "save it undeflated."
                    )
                ds = pydicom.dcmread(path, **options)
                (
                    n_frames(ds),
                    int(ds.get("Rows") or 0),
                    int(ds.get("Columns") or 0),
                )  # raise here, for this file
                return ds
            ds = pydicom.dcmread(path, force=True, **options)  # old files lack the preamble
            if "Rows" not in ds or "Columns" not in ds:
                raise MedgraftError(
                    f"'{path}' is no DICOM image: it has neither preamble nor rows and columns."
                )
            return ds
    except MedgraftError:
        raise
    except Exception as error:  # damaged elements fail in every way there is
        raise MedgraftError(f"The DICOM file '{path}' is damaged ({type(error).__name__}).") from error


def stored(ds: Dataset, path: Path, frame: int | None = None) -> NDArray[Any]:
    """Return the stored values of one frame, (rows, columns[, 3]), or of all, with one more axis in front.

    Raises
    ------
    MedgraftError
        The pixels are damaged, or compressed in a way that no plug-in at hand reads.
    """
    from pydicom.pixels.decoders.base import get_decoder
    from pydicom.pixels.utils import pixel_array
    from pydicom.uid import ExplicitVRLittleEndian

    if not 0 <= (frame or 0) < n_frames(ds):
        raise MedgraftError(f"'{path}' has {n_frames(ds)} frames, counted from 0: there is no frame {frame}.")
    meta = getattr(ds, "file_meta", None)
    syntax = (meta.get("TransferSyntaxUID") if meta is not None else None) or ExplicitVRLittleEndian
    plugins: list[str] = [""]
    if syntax.is_compressed:
        have = get_decoder(syntax).available_plugins
        plugins = [p for p in _PLUGINS if p in have]
        if not plugins:
            raise MedgraftError(
                f"The DICOM file '{path}' is compressed with {syntax.name}, which needs "
                "pip install 'medgraft[dicom]'."
            )
    failure: Exception | None = None
    for plugin in plugins:
        try:
            with _quiet():
                values: NDArray[Any] = pixel_array(ds, index=frame, decoding_plugin=plugin)
            return values
        except Exception as error:
            failure = error
    raise MedgraftError(f"The pixels of the DICOM file '{path}' cannot be decoded.") from failure


def in_units(ds: Dataset, values: NDArray[Any], frame: int = 0) -> NDArray[np.float32]:
    """Return stored values in the file's units: slope times value plus intercept, or its look-up table."""
    from pydicom.pixels.processing import apply_modality_lut

    own = group(ds, frame, "PixelValueTransformationSequence") or ds
    if "RescaleSlope" in own:
        slope, intercept = float(own.RescaleSlope), float(own.get("RescaleIntercept") or 0)
        return np.asarray(values * slope + intercept, np.float32)
    return np.asarray(apply_modality_lut(values, ds), np.float32)


def group(ds: Dataset, frame: int, name: str) -> Dataset | None:
    """Return a functional group of a frame of an enhanced file: its own, or the one that all frames share."""
    frames = ds.get("PerFrameFunctionalGroupsSequence") or []
    shared = ds.get("SharedFunctionalGroupsSequence") or []
    for place in (*frames[frame : frame + 1], *shared[:1]):
        if place.get(name):
            return place[name][0]
    return None


def picture(ds: Dataset, path: Path, frame: int = 0) -> Image.Image:
    """Return a frame as somebody would look at it, 8-bit grey or RGB.

    The first window, or table of values of interest, of the file is applied; without one the smallest and
    largest value become black and white. MONOCHROME1 is inverted, so that bone and air look as usual.
    """
    from PIL import Image
    from pydicom.pixels.processing import apply_color_lut

    values = stored(ds, path, frame)
    kind = str(ds.get("PhotometricInterpretation") or "MONOCHROME2")
    if kind == "PALETTE COLOR":
        values = apply_color_lut(values, ds)
    if values.ndim == 3:
        bits = (
            16 if values.dtype.itemsize == 2 and kind == "PALETTE COLOR" else int(ds.get("BitsStored") or 8)
        )
        return Image.fromarray((values >> max(bits - 8, 0)).astype(np.uint8)[..., :3])
    grey = _windowed(ds, in_units(ds, values, frame), frame)
    grey = 1.0 - grey if kind == "MONOCHROME1" else grey
    return Image.fromarray(np.rint(grey * 255).astype(np.uint8))


def _windowed(ds: Dataset, values: NDArray[np.float32], frame: int) -> NDArray[np.float64]:
    """Map values to 0..1 as PS3.3 C.11.2 says."""
    own = group(ds, frame, "FrameVOILUTSequence") or ds
    if ds.get("VOILUTSequence"):
        from pydicom.pixels.processing import apply_voi

        out = np.asarray(apply_voi(values.astype(np.int64), ds, index=0), float)
        return np.clip(out / (2.0 ** int(ds.VOILUTSequence[0].LUTDescriptor[2]) - 1), 0, 1)
    center, width = _first(own.get("WindowCenter")), _first(own.get("WindowWidth"))
    function = str(own.get("VOILUTFunction") or "LINEAR")
    if center is None or width is None or width < 1:
        known = values[np.isfinite(values)]
        low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
        return (np.nan_to_num(values.astype(float), nan=low) - low) / (high - low or 1.0)
    x = values.astype(float)
    if function == "SIGMOID":
        return 1 / (1 + np.exp(np.clip(-4 * (x - center) / width, -700, 700)))
    if function == "LINEAR_EXACT":
        return np.clip((x - center) / width + 0.5, 0, 1)
    if width == 1:
        return (x > center - 0.5).astype(float)
    return np.clip((x - (center - 0.5)) / (width - 1) + 0.5, 0, 1)


def _first(value: Any) -> float | None:
    if value is None or value == "":
        return None
    number = float(value[0] if hasattr(value, "__len__") and not isinstance(value, str) else value)
    return number if np.isfinite(number) else None


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence pydicom's remarks on values that do not keep the standard."""
    import pydicom

    mode = pydicom.config.settings.reading_validation_mode
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        pydicom.config.settings.reading_validation_mode = mode
