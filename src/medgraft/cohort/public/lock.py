"""Checksums: as published, or of the first download, kept beside the data."""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path
from typing import Any

from medgraft.base import MedgraftError
from medgraft.cohort.public.entry import Remote

NAME = "medgraft-lock.json"


class Lock:
    """What was downloaded into a folder: address, size and SHA-256 of each file.

    Parameters
    ----------
    folder : path
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self.files: dict[str, dict[str, Any]] = {}
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
            content = json.loads(self.path.read_text(encoding="utf-8"))["files"]
            self.files = {str(k): dict(v) for k, v in content.items()}

    def check(self, remote: Remote, file: Path) -> str | None:
        """Compare a download with what is published, or with the first download; record it.

        Returns
        -------
        str or None
            A sentence for the user, where there was nothing to compare with.

        Raises
        ------
        MedgraftError
            It differs; the file is removed.
        """
        found = digest(file, "sha256")
        published = remote.sha256 or remote.md5
        if published is not None:
            got = found if remote.sha256 else digest(file, "md5")
            if got != published.lower():
                file.unlink()
                raise MedgraftError(
                    f"'{remote.url}' is not the file that was published (checksum {got[:12]}... where "
                    f"{published[:12]}... is expected): it was removed; try again, or give a copy "
                    f"you trust with "
                    "--local."
                )
        known = self.files.get(remote.name, {})
        if published is None and known.get("url") == remote.url and known.get("sha256") != found:
            file.unlink()
            raise MedgraftError(
                f"'{remote.url}' has changed since it was first downloaded (checksum {found[:12]}... where "
                f"'{self.path}' says {str(known.get('sha256'))[:12]}...): it was removed; if the "
                f"publisher has made a "
                "new version, delete the lock file and fetch it again."
            )
        first = not known
        size = file.stat().st_size
        self.files[remote.name] = {
            "url": remote.url,
            "size": size,
            "sha256": found,
            "published": published is not None,
        }
        self.save()
        if published is None and first:
            return (
                f"No checksum of '{remote.name}' is published that medgraft knows; this first "
                f"download is trusted "
                f"(SHA-256 {found[:12]}..., kept in {NAME}), and later ones must equal it."
            )
        return None

    def save(self) -> None:
        """Write the lock file in one step."""
        partial = self.path.with_name(NAME + ".tmp")
        partial.write_text(json.dumps({"files": self.files}, indent=1, sort_keys=True), encoding="utf-8")
        partial.replace(self.path)

    def whole(self, remote: Remote, folder: Path) -> bool:
        """Whether a file that is not unpacked lies there as it was downloaded."""
        known, file = self.files.get(remote.name), folder / remote.name
        return known is not None and file.is_file() and digest(file, "sha256") == known.get("sha256")


def digest(file: Path, algorithm: str) -> str:
    """Return a checksum of a file's content, in hexadecimal."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, algorithm).hexdigest()
