"""Arrays of numbers in MATLAB files up to version 7.

The format is documented by MathWorks ("MAT-File Format"). It is read here and not by scipy, whose reader
brings the whole process down on some damaged files.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError
from medgraft.cohort.limits import check_size

_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_MATRIX, _COMPRESSED = 14, 15
_NUMERIC = range(6, 16)  # classes of arrays: double, single and the whole numbers
_OLD_TYPES = ("f8", "f4", "i4", "i2", "u2", "u1")
_HEAD = 4096  # bytes in which the name and the shape of an array stand
_MOST = 10_000  # variables


@dataclass(frozen=True)
class Array:
    """An array of real numbers in a file.

    Attributes
    ----------
    name : str
    shape : tuple of int
    dtype : str
        As it is stored, byte order included.
    start : int
        Where the values begin: in the file, or in what is compressed.
    compressed : tuple of int or None
        First byte and number of bytes of what is compressed.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    start: int
    compressed: tuple[int, int] | None = None

    @property
    def size(self) -> int:
        """Number of values."""
        total = 1
        for n in self.shape:
            total *= n
        return total


def list_arrays(path: Path) -> list[Array]:
    """Return the arrays of real numbers; cells, structs, objects, sparse and complex arrays and text are not.

    Raises
    ------
    MedgraftError
        The file is damaged or cut short.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(128)
        order = {b"IM": "<", b"MI": ">"}.get(start[126:128])
        found = []
        try:
            for array in _old(file, size) if order is None else _new(file, size, order):
                found.append(array)
                if len(found) > _MOST:
                    raise ValueError(f"more than {_MOST} variables")
        except (ValueError, struct.error, zlib.error, UnicodeDecodeError) as error:
            raise _damaged(path, error) from error
    return found


def load_array(path: Path, array: Array) -> NDArray[np.generic]:
    """Return the values of an array that `list_arrays` found.

    Raises
    ------
    MedgraftError
        The array is absurdly large or cut short.
    """
    check_size(array.size, path)
    n = array.size * np.dtype(array.dtype).itemsize
    with path.open("rb") as file:
        try:
            if array.compressed is None:
                file.seek(array.start)
                content = file.read(n)
            else:
                file.seek(array.compressed[0])
                packed = file.read(array.compressed[1])
                content = zlib.decompressobj().decompress(packed, array.start + n)[array.start :]
        except zlib.error as error:
            raise _damaged(path, error) from error
    if len(content) < n:
        raise _damaged(path, ValueError(f"'{array.name}' is cut short"))
    return np.frombuffer(content, array.dtype).reshape(array.shape, order="F")


def _new(file: BinaryIO, size: int, order: str) -> Iterator[Array]:
    """Go through the elements of version 5 to 7; each is a matrix, or one that is compressed."""
    at = 128
    while at < size:
        file.seek(at)
        kind, length, body = _tag(file.read(8), order)
        if at + 8 + length > size:
            raise ValueError("an element is longer than the file")
        if kind == _COMPRESSED:
            file.seek(at + 8)
            head = zlib.decompressobj().decompress(file.read(min(length, _HEAD)), _HEAD)
            inner, _, _ = _tag(head[:8], order)
            array = _matrix(head[8:], order, 8) if inner == _MATRIX else None
            if array is not None:
                yield Array(array.name, array.shape, array.dtype, array.start, (at + 8, length))
        elif kind == _MATRIX:
            file.seek(at + 8)
            array = _matrix(file.read(min(length, _HEAD)), order, at + 8)
            if array is not None:
                yield array
        at += body + length


def _matrix(head: bytes, order: str, offset: int) -> Array | None:
    """Return the array whose description `head` begins with, or None where it is not of real numbers."""
    parts = []
    at = 0
    for _ in range(3):  # flags, shape, name
        _, length, body = _tag(head[at : at + 8], order)
        content = head[at + body : at + body + length]
        if len(content) < length:
            raise ValueError("the description of a variable is too long")
        parts.append(content)
        at += body + length if body == 8 else 8
        at += -at % 8
    flags = struct.unpack(f"{order}I", parts[0][:4])[0]
    if flags & 0xFF not in _NUMERIC or flags & 0x0800:
        return None
    shape = np.frombuffer(parts[1], f"{order}i4").tolist()
    if not 2 <= len(shape) <= 32 or min(shape) < 0:
        raise ValueError("a variable has no shape")
    kind, length, body = _tag(head[at : at + 8], order)
    dtype = _TYPES.get(kind)
    array = Array(parts[2].decode("latin-1"), tuple(shape), f"{order}{dtype}", offset + at + body)
    if dtype is None or length != array.size * np.dtype(dtype).itemsize:
        raise ValueError(f"'{array.name[:40]}' has another size than its shape says")
    return array


def _tag(content: bytes, order: str) -> tuple[int, int, int]:
    """Return the type of an element, its length in bytes, and where its content begins (4 if it is small)."""
    kind, length = struct.unpack(f"{order}2I", content)
    if kind >> 16:  # up to four bytes lie in the tag itself
        if kind >> 16 > 4:
            raise ValueError("a small element is too long")
        return kind & 0xFFFF, kind >> 16, 4
    return kind, length, 8


def _old(file: BinaryIO, size: int) -> Iterator[Array]:
    """Go through the matrices of version 4."""
    at = 0
    while at < size:
        file.seek(at)
        head = file.read(20)
        order = "<" if 0 <= struct.unpack("<i", head[:4])[0] < 5000 else ">"
        code, rows, columns, complex_, letters = struct.unpack(f"{order}5i", head)
        machine, zero, precision, kind = code // 1000, code // 100 % 10, code // 10 % 10, code % 10
        if machine != (order == ">") or zero or precision > 5 or kind > 2 or complex_ not in (0, 1):
            raise ValueError("it does not begin as MATLAB files do")
        if min(rows, columns) < 0 or not 0 < letters <= 256:
            raise ValueError("a variable has no shape or name")
        name = file.read(letters).rstrip(b"\0").decode("latin-1")
        dtype = f"{order}{_OLD_TYPES[precision]}"
        start = at + 20 + letters
        at = start + rows * columns * np.dtype(dtype).itemsize * (1 + complex_)
        if at > size:
            raise ValueError(f"'{name[:40]}' is cut short")
        if kind == 0 and not complex_:
            yield Array(name, (rows, columns), dtype, start)


def _damaged(path: Path, error: Exception) -> MedgraftError:
    return MedgraftError(f"The MATLAB file '{path}' cannot be read ({error}): is it damaged?")
