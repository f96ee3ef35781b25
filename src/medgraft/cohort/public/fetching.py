"""From a name to a folder with the data."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from medgraft.base import MedgraftError
from medgraft.cohort.formats import Say
from medgraft.cohort.public.download import Tell, download
from medgraft.cohort.public.entry import PublicSet, Remote, public_sets
from medgraft.cohort.public.kaggle import HOST, credentials
from medgraft.cohort.public.layout import check, lacking
from medgraft.cohort.public.lock import Lock, digest
from medgraft.cohort.public.unpack import is_archive, unpack

_SUMS = "SHA256SUMS.txt"


def data_folder() -> Path:
    """Return where public data are kept: ``$MEDGRAFT_DATA``, else ``~/.local/share/medgraft/data``."""
    if given := os.environ.get("MEDGRAFT_DATA"):
        return Path(given)
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "medgraft" / "data"


def fetch(
    name: str,
    folder: str | Path | None = None,
    *,
    local: str | Path | None = None,
    accept_licence: bool = False,
    refresh: bool = False,
    progress: bool = True,
    say: Say | None = None,
) -> Path:
    """Return a folder with a public data set, downloading what is not there yet.

    Use it once; afterwards it only looks whether all is there. A download that was cut goes on where it
    stopped.
    Not for data behind an application form: get those yourself and give them with `local`.

    Parameters
    ----------
    name : str
        One of ``public_sets``; see ``medgraft fetch --list``.
    folder : path, optional
        Where to keep it, in a folder of its name; default :func:`data_folder`.
    local : path, optional
        A copy that you have, in its published layout: a folder, which is used where it is, or an archive.
    accept_licence : bool, default False
        Must be True for sets whose licence forbids some use or is not stated.
    refresh : bool, default False
        Download again, and compare with the first download.
    progress : bool, default True
        Show a bar, if there is a terminal.
    say : callable, optional
        Takes what is worth knowing; by default it goes to the standard error output.

    Returns
    -------
    Path

    Raises
    ------
    MedgraftError
        The name is unknown, the licence is not accepted, a download fails or differs from what it must be, or
        the
        local copy is not complete. The message names the address and what to do.

    Notes
    -----
    Checksums are compared where they are published. Elsewhere the first download is trusted, which is said,
    and
    its SHA-256 is kept beside the data in ``medgraft-lock.json``; a later one that differs is refused.
    """
    entry = public_sets[name]
    tell = say or _to_stderr
    target = (Path(folder) if folder is not None else data_folder()) / entry.name
    if local is not None:
        return _from_local(entry, Path(local), target)
    if not refresh and _is_there(entry, target):
        return target
    if entry.restricted and not accept_licence:
        raise MedgraftError(
            f"'{entry.name}' may not be used for everything (licence: {entry.licence}; see "
            f"{entry.home}): if your use "
            "is allowed, say so with --accept-licence."
        )
    if not entry.files:
        raise MedgraftError(
            f"'{entry.name}' cannot be downloaded by itself: get it from {entry.home} and "
            f"give it with --local.{' ' + entry.note if entry.note else ''}"
        )
    authorization = credentials(entry.name) if entry.kaggle else None
    try:
        target.mkdir(parents=True, exist_ok=True)
        lock = Lock(target)
        for remote in entry.files:
            _get(remote, target, lock, authorization, refresh, progress, tell)
    except PermissionError as error:
        raise MedgraftError(
            f"The folder '{target}' cannot be written: give another one with --out."
        ) from error
    check(target, entry)
    return target


def _get(
    remote: Remote,
    target: Path,
    lock: Lock,
    authorization: str | None,
    refresh: bool,
    progress: bool,
    say: Say,
) -> None:
    file = target / remote.name
    if not refresh and not remote.unpack and lock.whole(remote, target):
        return
    if not (remote.unpack and not refresh and _already(remote, file, lock)):
        given = authorization if remote.url.startswith(HOST) else None
        with _bar(remote.name, progress) as tell:
            download(remote.url, file, size=remote.size, authorization=given, progress=tell)
        if warning := lock.check(remote, file):
            say(warning)
    if remote.unpack:
        for made in unpack(file, target / remote.into, nested=remote.nested):
            _check_sums(made)
        file.unlink()


def _already(remote: Remote, file: Path, lock: Lock) -> bool:
    """Whether an archive lies there whole: it was downloaded, and unpacking it was stopped."""
    known = lock.files.get(remote.name)
    return known is not None and file.is_file() and digest(file, "sha256") == known.get("sha256")


def _is_there(entry: PublicSet, target: Path) -> bool:
    """Whether everything was downloaded here before and is still as it was."""
    if not target.is_dir() or lacking(target, entry):
        return False
    lock = Lock(target)
    return all(
        remote.name in lock.files and (remote.unpack or lock.whole(remote, target)) for remote in entry.files
    ) and not any((target / remote.name).exists() for remote in entry.files if remote.unpack)


def _from_local(entry: PublicSet, local: Path, target: Path) -> Path:
    if not local.exists():
        raise MedgraftError(f"The local copy '{local}' does not exist: check the path.")
    if local.is_dir():
        check(local, entry)
        return local
    if is_archive(local):
        unpack(local, target, nested=any(remote.nested for remote in entry.files))
        check(target, entry)
        return target
    check(local.parent, entry)
    return local.parent


def _check_sums(folder: Path) -> None:
    """Compare an unpacked folder with the list of checksums that PhysioNet puts into it."""
    listed = folder / _SUMS
    if not listed.is_file():
        return
    for line in listed.read_text(encoding="utf-8", errors="replace").splitlines():
        expected, _, name = line.strip().partition(" ")
        name = name.strip().lstrip("*")
        place = folder / PurePosixPath(name)
        if len(expected) != 64 or ".." in PurePosixPath(name).parts or not place.is_relative_to(folder):
            continue
        if not place.is_file() or digest(place, "sha256") != expected.lower():
            raise MedgraftError(
                f"'{place}' is not as its list '{_SUMS}' says: the download is damaged; delete "
                f"'{folder}' and fetch "
                "it again."
            )


def _to_stderr(sentence: str) -> None:
    print(f"medgraft: {sentence}", file=sys.stderr)


@contextmanager
def _bar(name: str, show: bool) -> Iterator[Tell | None]:
    """Yield what a download tells its progress to, shown as a bar on a terminal."""
    if not show or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bars:
        task = bars.add_task(name, total=None)

        def update(done: int, total: int | None) -> None:
            bars.update(task, completed=done, total=total)

        yield update
