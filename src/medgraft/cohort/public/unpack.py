"""Archives of strangers: nothing leaves its folder, nothing grows without bound, all or nothing."""

from __future__ import annotations

import shutil
import stat
import tarfile
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from medgraft.base import MedgraftError
from medgraft.cohort.limits import MAX_UNPACKED

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_RATIO = 20  # an archive may unpack to this many times its size, however large it is
_MAX_FILES = 2_000_000
_BLOCK = 2**20


def is_archive(path: Path) -> bool:
    """Whether a file's content is that of an archive."""
    return path.is_file() and (zipfile.is_zipfile(path) or tarfile.is_tarfile(path))


def unpack(archive: Path, folder: Path, *, nested: bool = False) -> list[Path]:
    """Unpack an archive into a folder, in one step.

    Only files are made: links that stay inside are left out, anything that leads outside is refused.

    Parameters
    ----------
    archive : path
        .zip or .tar, also compressed.
    folder : path
        Gets the archive's outermost files and folders; what has the same name there is replaced.
    nested : bool
        Unpack archives inside the archive too, each into the folder where it lies.

    Returns
    -------
    list of Path
        The outermost files and folders.

    Raises
    ------
    MedgraftError
        It is no archive, damaged, locked by a password, leads out of the folder, or unpacks to more than
        8 GiB and 20 times its size; nothing is left behind.
    """
    folder.mkdir(parents=True, exist_ok=True)
    work = folder / f".unpack.{uuid.uuid4().hex[:8]}.tmp"
    work.mkdir()
    try:
        limit = max(MAX_UNPACKED, _RATIO * archive.stat().st_size)
        used = _extract(archive, work, limit)
        if nested:
            for inner in sorted(p for p in work.rglob("*") if is_archive(p)):
                used += _extract(inner, inner.parent, limit - used)
                inner.unlink()
        made = []
        for item in sorted(work.iterdir()):
            place = folder / item.name
            if place.is_dir() and not place.is_symlink():
                shutil.rmtree(place)
            elif place.exists():
                place.unlink()
            made.append(item.rename(place))
        return made
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _extract(archive: Path, into: Path, limit: int) -> int:
    """Write the files of an archive; return their bytes."""
    free = shutil.disk_usage(into).free
    total = count = 0
    root = into.resolve()
    try:
        for name, source in _members(archive):
            count += 1
            place = _place(name, root, archive)
            if place is None:
                continue
            if count > _MAX_FILES:
                raise MedgraftError(
                    f"'{archive}' holds more than {_MAX_FILES:,} files: it is made to do harm."
                )
            place.parent.mkdir(parents=True, exist_ok=True)
            with source, place.open("wb") as out:
                while block := source.read(_BLOCK):
                    total += len(block)
                    if total > limit:
                        raise MedgraftError(
                            f"'{archive}' unpacks to more than {limit / 2**30:.0f} GiB: it is "
                            f"damaged, or made to do "
                            "harm."
                        )
                    if total > free:
                        raise MedgraftError(f"There is no room to unpack '{archive}': make room on the disk.")
                    out.write(block)
    except MedgraftError:
        raise
    except OSError as error:
        if error.errno == 28:
            raise MedgraftError(f"There is no room to unpack '{archive}': make room on the disk.") from error
        raise _damaged(archive, error) from error
    except Exception as error:  # zlib, lzma, struct: archives of arbitrary bytes fail in every way there is
        raise _damaged(archive, error) from error
    if count == 0:
        raise MedgraftError(f"The archive '{archive}' is empty: get it again.")
    return total


def _members(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield the name and content of each file of an archive."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as file:
            for info in file.infolist():
                if info.flag_bits & 1:
                    raise MedgraftError(
                        f"'{archive}' is locked by a password: unpack it by hand, and use --local."
                    )
                mode = info.external_attr >> 16
                if info.is_dir():
                    continue
                if stat.S_ISLNK(mode):
                    _refuse_link(info.filename, file.read(info).decode("utf-8", "replace"), archive)
                    continue
                yield info.filename, file.open(info)
    elif tarfile.is_tarfile(archive):
        with tarfile.open(archive) as tar:
            for member in tar:
                if member.issym() or member.islnk():
                    base = member.name if member.issym() else ""
                    _refuse_link(base, member.linkname, archive)
                elif member.isfile():
                    content = tar.extractfile(member)
                    if content is not None:
                        yield member.name, content
    else:
        raise MedgraftError(
            f"'{archive}' is no archive: perhaps it is a page that asks to log in; delete it and "
            f"get it by hand."
        )


def _place(name: str, root: Path, archive: Path) -> Path | None:
    """Return where a file of an archive goes, or None for what macOS adds."""
    clean = name.replace("\\", "/")
    parts = [part for part in PurePosixPath(clean).parts if part != "."]
    outside = clean.startswith("/") or ".." in parts or not parts or ":" in parts[0] or "\0" in clean
    if outside or not (root.joinpath(*parts)).resolve().is_relative_to(root):
        raise MedgraftError(
            f"The archive '{archive}' wants to write outside its folder ('{name}'): it is not unpacked."
        )
    return None if "__MACOSX" in parts else root.joinpath(*parts)


def _refuse_link(name: str, to: str, archive: Path) -> None:
    """Refuse a link that leads out of the archive."""
    level = 0
    for part in (*PurePosixPath(name).parent.parts, *PurePosixPath(to.replace("\\", "/")).parts):
        level += -1 if part == ".." else 0 if part == "." else 1
        if level < 0 or part == "/":
            raise MedgraftError(
                f"The archive '{archive}' holds a link out of its folder ('{to}'): it is not unpacked."
            )


def _damaged(archive: Path, error: Exception) -> MedgraftError:
    reason = str(error).split("\n")[0][:120] or type(error).__name__
    return MedgraftError(f"'{archive}' cannot be unpacked ({reason}): it is damaged, get it again.")
