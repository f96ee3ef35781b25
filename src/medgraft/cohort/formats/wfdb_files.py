"""The files of a WFDB record: its header names them, and holds no sample itself."""

from __future__ import annotations

from pathlib import Path

_MOST = 2**24  # bytes of a header


def files_of(path: Path) -> list[Path]:
    """Return the files that a WFDB header names, of its segments, too; none for other files.

    What cannot be read is left to the reader, which says what is wrong.
    """
    found: dict[Path, None] = {}
    waiting, seen = [path], {path}
    while waiting:
        for file in _named(waiting.pop()):
            found[file] = None
            if file.suffix == ".hea" and file not in seen:
                seen.add(file)
                waiting.append(file)
    return [file for file in found if file != path and file.is_file()]


def _named(path: Path) -> list[Path]:
    if path.suffix != ".hea" or not path.is_file() or path.stat().st_size > _MOST:
        return []
    lines = [line.split() for line in path.read_bytes().decode("latin-1").splitlines()]
    lines = [words for words in lines if words and not words[0].startswith("#")]
    several = bool(lines) and "/" in lines[0][0]
    names = [words[0] + (".hea" if several else "") for words in lines[1:]]
    return [
        path.with_name(name) for name in dict.fromkeys(names) if Path(name).name == name and name != "~.hea"
    ]
