"""Lines of text files, compressed or not, however long: never more than a bounded number of bytes at once."""

from __future__ import annotations

import codecs
import gzip
import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from medgraft.base import MedgraftError
from medgraft.cohort.limits import MAX_UNPACKED
from medgraft.cohort.omics.store import Tell

MAX_LINE = 2**27  # bytes: a row of ten million numbers
_RATIO = 50  # text of numbers shrinks to a fifth when compressed; a bomb to a thousandth
_TELL_EVERY = 2**23


def is_gzip(path: Path) -> bool:
    """Whether a file is compressed by gzip, whatever its name."""
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def head(path: Path, size: int = 65536) -> bytes:
    """Return the first bytes of a text file, unpacked; empty where they cannot be."""
    try:
        with path.open("rb") as file:
            if is_gzip(path):
                return gzip.GzipFile(fileobj=file).read(size)
            return file.read(size)
    except (OSError, EOFError, ValueError):
        return b""
    except Exception:  # zlib.error has no public base
        return b""


def read_lines(path: Path, progress: Tell | None = None) -> Iterator[bytes]:
    """Yield the lines of a text file without their ends.

    Parameters
    ----------
    progress : callable, optional
        Called with the bytes of the file that have been read, and all of them.

    Raises
    ------
    MedgraftError
        A line is longer than 128 MiB, the text is UTF-16, a compressed file is cut or damaged, or
        it unpacks to more than 8 GiB and 50 times its size.
    """
    total = path.stat().st_size
    limit = max(MAX_UNPACKED, _RATIO * total)
    done, told = 0, 0
    with path.open("rb") as raw:
        packed = is_gzip(path)
        file = cast(BinaryIO, gzip.GzipFile(fileobj=raw) if packed else raw)
        lines = io.BufferedReader(cast(io.RawIOBase, file), 2**20) if packed else file
        try:
            while line := lines.readline(MAX_LINE):
                if len(line) == MAX_LINE:
                    raise MedgraftError(f"'{path}' has a line of more than 128 MiB: is it a table of text?")
                if done == 0:
                    line = _start(line, path)
                done += len(line)
                if packed and done > limit:
                    raise MedgraftError(
                        f"'{path}' unpacks to more than {limit / 2**30:.0f} GiB: it is damaged, or made to "
                        "do harm."
                    )
                if progress is not None and done - told > _TELL_EVERY:
                    told = done
                    progress(raw.tell(), total)
                yield line.rstrip(b"\r\n")
        except (EOFError, OSError) as error:
            raise _cut(path, error) from error
        except MedgraftError:
            raise
        except Exception as error:
            if type(error).__module__ != "zlib":
                raise
            raise _cut(path, error) from error
    if progress is not None:
        progress(total, total)


def text(line: bytes) -> str:
    """Return a line as text: UTF-8, else Latin-1."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("latin-1")


def _start(line: bytes, path: Path) -> bytes:
    if line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise MedgraftError(f"'{path}' is text in UTF-16: save it as UTF-8.")
    return line.removeprefix(codecs.BOM_UTF8)


def _cut(path: Path, error: Exception) -> MedgraftError:
    return MedgraftError(
        f"'{path}' cannot be unpacked to its end ({error}): it is cut off or damaged, get it again."
    )
