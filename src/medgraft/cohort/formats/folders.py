"""What formats ask of a folder: which files are data, and which are merely about them."""

from __future__ import annotations

import os
from pathlib import Path

from medgraft.cohort.formats import walk
from medgraft.cohort.formats.text import decode

HEAD = 2**16  # bytes of a file that may be read to tell its format

# What folders of samples, and of their masks beside them, are called.
IMAGES = ("images", "imagestr", "imagests", "image", "volumes")
MASKS = ("labels", "labelstr", "label", "masks", "mask", "segmentations")

_ABOUT = frozenset(
    (".md", ".rst", ".names", ".pdf", ".html", ".htm", ".doc", ".docx", ".rtf", ".bib", ".cff")
)
_TOOLS = frozenset((".sha256", ".md5", ".log", ".py", ".r", ".ipynb", ".yml", ".yaml", ".toml", ".license"))


def data_files(folder: Path) -> list[Path]:
    """Return the visible files below a folder that are not documents about them, sorted; never raises.

    Documents are known by their suffix, or have none (README, LICENSE). Text files (.txt) are not among
    them: each format knows its own.
    """
    try:
        return [p for p in walk(folder) if p.suffix and p.suffix.lower() not in _ABOUT | _TOOLS]
    except Exception:  # a folder that cannot be listed is of no format
        return []


def absolute(path: Path) -> Path:
    """Return the absolute path; links keep the names that the user knows."""
    return Path(os.path.normpath(path.absolute()))


def head(path: Path, size: int = HEAD) -> str:
    """Return the whole lines at the start of a text file; ``""`` for anything that is no text; never raises.

    A NUL byte marks what is no text, unless the file says that it is UTF-16.
    """
    try:
        with path.open("rb") as file:
            content = file.read(size)
    except OSError:
        return ""
    marked = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    if b"\0" in content and not marked:
        return ""
    if len(content) == size:
        content = content[: len(content) // 2 * 2] if marked else content[: content.rfind(b"\n") + 1]
    try:
        return decode(content)
    except UnicodeDecodeError:
        return ""
