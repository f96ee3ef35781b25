"""MedMNIST: images or volumes, labels and splits as arrays in one .npz file; nothing is ever unpickled."""

from __future__ import annotations

import math
import os
import threading
import zipfile
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medgraft.base import MedgraftError
from medgraft.cohort.formats import Decoder, Format, Say, add_decoder, register, starts_with
from medgraft.cohort.formats.folders import absolute
from medgraft.cohort.limits import MAX_UNPACKED, check_size
from medgraft.cohort.media import Volume, first_line
from medgraft.cohort.ref import Ref

if TYPE_CHECKING:
    from PIL import Image

_IMAGES = "_images.npy"
_SPLITS = ("train", "val", "test")
_MOST_ROWS, _MOST_LABELS = 2**22, 1000
_KEPT = 2**30  # bytes of unpacked arrays that stay in memory; one larger array may stay alone
_CHUNK = 2**20
_RATIO = 1032  # deflate cannot pack tighter


@dataclass(frozen=True)
class Header:
    """What a member's header promises.

    Attributes
    ----------
    shape : tuple of int
    fortran : bool
        Whether the first axis is the fastest.
    dtype : dtype
    start : int
        Bytes before the values.
    """

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]
    start: int

    @property
    def n_bytes(self) -> int:
        """Bytes of all values."""
        return math.prod(self.shape) * self.dtype.itemsize


def matches(path: Path) -> bool:
    """Whether a file is an .npz archive with arrays of images; never raises."""
    try:
        if path.suffix.lower() != ".npz" or not path.is_file() or not starts_with(path, b"PK\x03\x04"):
            return False
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith(_IMAGES) for name in archive.namelist())
    except Exception:  # zipfile fails in many ways on arbitrary bytes
        return False


def read(path: Path, say: Say) -> pd.DataFrame:
    """Return one row per image or volume: ``image`` or ``volume``, ``label``, ``split``.

    Arrays of (n, h, w) or (n, h, w, 3) are images, those of (n, d, h, w) with h = w volumes; all are
    of bytes. Labels of several columns, as of chest X-rays with 14 findings, become
    ``label_0``, ``label_1`` and so on.
    Images are not unpacked. Patients are not known to such files, so that none can be kept on one side of a
    split.

    The layout is that of Yang et al. (2023), doi:10.1038/s41597-022-01721-8.

    Raises
    ------
    MedgraftError
        The file is damaged, its arrays do not fit together, or it promises absurdly much.
    """
    file = absolute(path)
    with _archive(file) as archive:
        names = [name.removesuffix(_IMAGES) for name in archive.namelist() if name.endswith(_IMAGES)]
        order = {name: i for i, name in enumerate(_SPLITS)}
        parts: list[pd.DataFrame] = []
        for split in sorted(set(names), key=lambda s: (order.get(s, 9), s)):
            parts.append(_part(file, archive, split, _MOST_ROWS - sum(map(len, parts))))
    if not parts:
        raise MedgraftError(f"'{file}' holds no array whose name ends in '_images', as MedMNIST's do.")
    if len({tuple(part.columns) for part in parts}) > 1:
        raise MedgraftError(f"The splits of '{file}' differ in what they hold: images, volumes or labels.")
    return pd.concat(parts, ignore_index=True)


def _part(file: Path, archive: zipfile.ZipFile, split: str, room: int) -> pd.DataFrame:
    header = _header(file, archive, f"{split}_images")
    kind = _kind(file, f"{split}_images", header)
    n = header.shape[0]
    if n > room:
        raise MedgraftError(f"'{file}' promises more than {_MOST_ROWS:,} images: is it damaged?")
    labels = _header(file, archive, f"{split}_labels")
    width = labels.shape[1] if len(labels.shape) == 2 else 1
    if len(labels.shape) not in (1, 2) or labels.shape[0] != n or not 1 <= width <= _MOST_LABELS:
        raise MedgraftError(
            f"'{split}_labels' of '{file}' has the shape {labels.shape}, which does not fit {n} images."
        )
    if labels.dtype.kind not in "biuf":
        raise MedgraftError(f"'{split}_labels' of '{file}' holds no numbers.")
    frame = pd.DataFrame({kind: [str(Ref(file, array=f"{split}_images", row=i)) for i in range(n)]})
    if n:
        check_size(n * width, file)
    values = _values(file, archive, f"{split}_labels", labels).reshape(n, width)
    for k in range(width):
        frame["label" if width == 1 else f"label_{k}"] = values[:, k]
    return frame.assign(split=split)


def _kind(file: Path, name: str, header: Header) -> str:
    """Return whether an array holds images or volumes."""
    shape = header.shape
    if header.dtype != np.uint8:
        raise MedgraftError(f"'{name}' of '{file}' holds {header.dtype}, where images are of bytes (uint8).")
    if len(shape) in (3, 4):
        check_size(math.prod(shape[1:]), file)
    if len(shape) == 3 or (len(shape) == 4 and shape[3] == 3):
        return "image"
    if len(shape) == 4 and shape[2] == shape[3]:
        return "volume"
    raise MedgraftError(
        f"'{name}' of '{file}' has the shape {shape}: images are (n, h, w) or (n, h, w, 3), "
        "volumes (n, d, h, h)."
    )


def _archive(file: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except FileNotFoundError:
        raise MedgraftError(f"'{file}' does not exist.") from None
    except Exception as error:  # zipfile fails in many ways on arbitrary bytes
        raise _unreadable(file, error) from error


def _unreadable(file: Path, error: Exception) -> MedgraftError:
    return MedgraftError(f"The .npz file '{file}' cannot be read ({first_line(error)}): is it damaged?")


def _header(file: Path, archive: zipfile.ZipFile, name: str) -> Header:
    """Read a member's header, and check its promises against the archive's; the values are not read."""
    if f"{name}.npy" not in archive.namelist():
        raise MedgraftError(f"'{file}' has no array '{name}'.")
    info = archive.getinfo(f"{name}.npy")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise MedgraftError(f"'{name}' of '{file}' is packed in a way that .npz files are not.")
    try:
        with archive.open(info) as member:
            header = _parse(member)
    except Exception as error:  # as above
        raise _unreadable(file, error) from error
    if header.dtype.hasobject or any(side < 0 for side in header.shape):
        raise MedgraftError(f"'{name}' of '{file}' holds objects, not numbers: they are not read.")
    if header.n_bytes > MAX_UNPACKED:
        raise MedgraftError(
            f"'{name}' of '{file}' unpacks to {header.n_bytes:,} bytes, more than the "
            f"{MAX_UNPACKED:,} allowed."
        )
    if info.file_size != header.start + header.n_bytes or info.file_size > _RATIO * (info.compress_size + 64):
        raise MedgraftError(
            f"'{name}' of '{file}' promises {header.n_bytes:,} bytes and holds others: is it damaged?"
        )
    return header


def _parse(member: IO[bytes]) -> Header:
    version = np.lib.format.read_magic(member)  # type: ignore[no-untyped-call]
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"an array of version {version}")
    old = version == (1, 0)
    read_rest = np.lib.format.read_array_header_1_0 if old else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read_rest(member)  # type: ignore[no-untyped-call]
    return Header(shape, fortran, dtype, member.tell())


def _values(file: Path, archive: zipfile.ZipFile, name: str, header: Header) -> NDArray[Any]:
    """Unpack a member, chunk by chunk, and never more than its header promises."""
    out = np.empty(header.n_bytes, np.uint8)
    at = 0
    try:
        with archive.open(f"{name}.npy") as member:
            member.read(header.start)
            while at < len(out):
                chunk = member.read(min(_CHUNK, len(out) - at))
                if not chunk:
                    raise EOFError("it ends too early")
                out[at : at + len(chunk)] = np.frombuffer(chunk, np.uint8)
                at += len(chunk)
    except Exception as error:  # as above
        raise _unreadable(file, error) from error
    values = out.view(header.dtype)
    return values.reshape(header.shape[::-1]).T if header.fortran else values.reshape(header.shape)


class _Cache:
    """The arrays that were unpacked last; rows of train, val and test come in any order."""

    def __init__(self) -> None:
        self._arrays: OrderedDict[tuple[str, int, int, str], NDArray[Any]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, file: Path, name: str) -> NDArray[Any]:
        """Return the images of a file, unpacked; its time and size are part of the key."""
        state = file.stat()
        key = (os.fspath(file), state.st_mtime_ns, state.st_size, name)
        with self._lock:
            if key in self._arrays:
                self._arrays.move_to_end(key)
                return self._arrays[key]
            with _archive(file) as archive:
                header = _header(file, archive, name)
                _kind(file, name, header)
                self._drop(header.n_bytes)
                values = self._arrays[key] = _values(file, archive, name, header)
            return values

    def _drop(self, wanted: int) -> None:
        while self._arrays and wanted + sum(a.nbytes for a in self._arrays.values()) > _KEPT:
            self._arrays.popitem(last=False)


_cache = _Cache()


def _row(ref: Ref) -> NDArray[np.uint8]:
    row, name, file = ref.number("row"), ref.parts["array"], Path(ref.path)
    if not file.exists():
        raise MedgraftError(f"'{file}' does not exist.")
    values = _cache.get(file, name)
    if row >= len(values):
        raise MedgraftError(f"The reference '{ref}' is to row {row} of {len(values)}, counted from 0.")
    return np.ascontiguousarray(values[row])


def open_image(ref: Ref) -> Image.Image:
    """Return a row of an array of images, grey or RGB.

    The first row unpacks its array, which stays in memory for the next.

    Raises
    ------
    MedgraftError
        The file is damaged, or has no such array or row, or its rows are volumes.
    """
    from PIL import Image

    values = _row(ref)
    if values.ndim == 3 and values.shape[2] != 3:
        raise MedgraftError(f"The reference '{ref}' is to a volume, not to an image.")
    return Image.fromarray(values)


def open_volume(ref: Ref) -> Volume:
    """Return a row of an array of volumes, (d, h, w) turned to (w, h, d), voxels of 1 mm.

    Such files tell neither spacing nor directions: the affine is the identity.

    Raises
    ------
    MedgraftError
        As `open_image`, or its rows are images.
    """
    values = _row(ref)
    if values.ndim != 3 or values.shape[2] == 3:
        raise MedgraftError(f"The reference '{ref}' is to an image, not to a volume.")
    return Volume(np.ascontiguousarray(values.T, np.float32), np.eye(4))


def opens(ref: Ref) -> bool:
    """Whether a reference is to a row of an array in an .npz file."""
    return ref.path.lower().endswith(".npz") and set(ref.parts) == {"array", "row"}


FORMAT = register(
    Format(
        "medmnist",
        (".npz",),
        matches,
        read,
        roles={"image": "image", "volume": "volume", "label": "label"},
    )
)
IMAGE = add_decoder(Decoder("medmnist image", "image", opens, open_image))
VOLUME = add_decoder(Decoder("medmnist volume", "volume", opens, open_volume))
