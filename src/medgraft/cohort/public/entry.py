"""What is known of a public data set, as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from medgraft.base import Registry


@dataclass(frozen=True)
class Remote:
    """A file somewhere else.

    Attributes
    ----------
    url : str
    name : str
        Where it lies in the data set's folder, with forward slashes; an archive that is unpacked leaves
        nothing
        under this name.
    size : int or None
        Bytes, where known.
    sha256, md5 : str or None
        As published; where both are None, the first download is trusted and later ones must equal it.
    unpack : bool
        Whether it is a .zip, .tar or .tar.gz to unpack.
    into : str
        Folder, inside the data set's folder, to unpack into.
    nested : bool
        Whether archives inside the archive are unpacked too, each beside itself.
    verified : bool
        Whether the address was tried by medgraft's makers; False: it is known from the publisher's pages
        only.
    """

    url: str
    name: str
    size: int | None = None
    sha256: str | None = None
    md5: str | None = None
    unpack: bool = False
    into: str = ""
    nested: bool = False
    verified: bool = False


@dataclass(frozen=True)
class PublicSet:
    """A public data set.

    Attributes
    ----------
    name, title : str
    doi : str
        Of the data or of the paper that describes them; empty where there is none.
    licence : str
        As its publisher states it, to the best of our knowledge; read the publisher's page.
    files : tuple of Remote
    layout : tuple of str
        Globs that a complete copy matches, ``**`` for any folders; ``a|b`` for either.
    data : str
        What is read: a glob below the folder (``a|b``: the first that is there; several tables are put under
        each other, with a column ``file``; ending in ``/..``: the folder around it), or ``""`` for the folder
        itself.
    roles : mapping
        Options of :func:`medgraft.read`.
    only : mapping
        Column -> value of the rows that are read, in a set that mixes kinds of pictures; a copy without the
        column is read whole.
    prepare : callable, optional
        From the folder to the table to read, instead of `data`.
    studies : tuple of str
        Keys of the review's studies that used it, or for which it stands in.
    restricted : bool
        Whether the licence forbids some use, or is not stated, and must be accepted explicitly.
    home : str
        The publisher's page.
    note : str
        Traps.
    """

    name: str
    title: str
    doi: str
    licence: str
    files: tuple[Remote, ...]
    layout: tuple[str, ...]
    data: str = ""
    roles: Mapping[str, Any] = field(default_factory=dict)
    only: Mapping[str, str] = field(default_factory=dict)
    prepare: Callable[[Path], pd.DataFrame] | None = None
    studies: tuple[str, ...] = ()
    restricted: bool = False
    home: str = ""
    note: str = ""

    @property
    def kaggle(self) -> bool:
        """Whether the user's own Kaggle account is needed."""
        return any(file.url.startswith("https://www.kaggle.com/") for file in self.files)


public_sets: Registry[PublicSet] = Registry("public set", packages=("medgraft.cohort.public.catalogue",))


def add(entry: PublicSet) -> PublicSet:
    """Register a data set under its name."""
    public_sets.add(entry.name, entry)
    return entry
