"""Rows that are not independent: of one patient, copies, or likely relatives by the names of their files."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from medgraft.cohort.ref import Ref

if TYPE_CHECKING:
    from medgraft.cohort.audit.case import Case

# Sides and views of one person's images.
_SIDES = frozenset(
    [
        "left",
        "right",
        "l",
        "r",
        "lt",
        "rt",
        "od",
        "os",
        "lcc",
        "rcc",
        "lmlo",
        "rmlo",
        "cc",
        "mlo",
        "pa",
        "ap",
        "lat",
        "lateral",
        "frontal",
        "ant",
        "post",
        "flair",
        "t1",
        "t2",
    ]
)
_WORDS = re.compile(r"[A-Za-z]+|\d+")
# Series whose numbering tells who is who: films 2k-1 and 2k of MIAS are the two breasts of woman k.
_SERIES: dict[str, Callable[[int], int]] = {"mdb": lambda film: (film + 1) // 2}


def clusters(n: int, pairs: NDArray[Any]) -> NDArray[np.intp]:
    """Return codes of the rows that pairs link, directly or over others, (n,)."""
    pairs = np.asarray(pairs, dtype=np.intp).reshape(-1, 2)
    graph = coo_matrix((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    found: NDArray[np.intp] = connected_components(graph, directed=False)[1].astype(np.intp)
    return found


def links(keys: Sequence[Hashable] | NDArray[Any]) -> NDArray[np.intp]:
    """Return pairs (first row with a key, other row with it), (p, 2); None is no key.

    Examples
    --------
    >>> links(["a", "b", "a", None, None, "a"]).tolist()
    [[0, 2], [0, 5]]
    """
    first: dict[Hashable, int] = {}
    pairs = [(first[k], i) for i, k in enumerate(keys) if k is not None and first.setdefault(k, i) != i]
    return np.array(pairs, dtype=np.intp).reshape(-1, 2)


def units(case: Case) -> NDArray[np.intp]:
    """Return codes of the rows that are not independent, (n,)."""
    pairs = [links(case.groups), links(case.content)]
    if case.kind in ("image", "volume", "signal", "omics"):
        pairs.append(case.alike(case.kind).pairs)
        if not case.has_groups:
            pairs += [links(keys) for _, keys in file_keys(case.cells, len(case.classes))]
    return clusters(case.n, np.concatenate(pairs))


def file_keys(cells: Iterable[str | None], n_classes: int = 1) -> list[tuple[str, list[str | None]]]:
    """Return keys that likely are patients, from the names of files: (how, key of each row), surest first.

    ``"side"``: names that differ in a side or view alone (``1034_left``, ``1034_right``), and known series.
    ``"file"``: several samples of one file. ``"number"``: names with two numbers, the last of which counts
    (``patient12_slice03``). ``"folder"``: folders below the class that hold a few files each. A way that
    would make a tenth of all rows one patient, or no more patients than twice the classes, is no way of
    naming patients, and is left out.

    Examples
    --------
    >>> file_keys(["a/7_left.jpg", "a/7_right.jpg", *[f"a/{i}_left.jpg" for i in range(20, 50)]])[0][1][:3]
    ['7', '7', '20']
    """
    refs = [None if cell is None else Ref.parse(cell) for cell in cells]
    ways: dict[str, Callable[[Ref], str | None]] = {
        "side": _side,
        "file": lambda ref: ref.path if ref.parts and "array" not in ref.parts else None,
        "number": _number,
        "folder": lambda ref: str(Path(ref.path).parent) if not ref.parts else None,
    }
    found = []
    for how, way in ways.items():
        keys = [None if ref is None else way(ref) for ref in refs]
        if how == "side":
            keys = _of_several_names(keys, refs)
        if _plausible(keys, n_classes):
            found.append((how, keys))
    return found


def _stem(ref: Ref) -> str:
    name = Path(ref.path).name
    return name.split(".")[0] if name.count(".") == 1 else Path(name).stem


def _side(ref: Ref) -> str | None:
    if ref.parts:
        return None
    words = _WORDS.findall(_stem(ref))
    if len(words) == 2 and words[0].lower() in _SERIES and words[1].isdigit():
        return f"{words[0].lower()} {_SERIES[words[0].lower()](int(words[1]))}"
    kept = [w for w in words if w.lower() not in _SIDES]
    return " ".join(kept) if any(w.isdigit() for w in kept) and len(kept) < len(words) else None


def _number(ref: Ref) -> str | None:
    if ref.parts:
        return None
    pieces = re.split(r"(\d+)", _stem(ref))
    numbers = pieces[1::2]
    if len(numbers) < 2:
        return None
    # Long or many numbers are hashes, dates and addresses.
    if any(len(n) > 9 for n in numbers) or len(numbers) > 4:
        return None
    return str(Path(ref.path).parent / "".join(pieces[:-2]))


def _of_several_names(keys: list[str | None], refs: Sequence[Ref | None]) -> list[str | None]:
    """Leave out keys of one and the same name in several folders: that is a copy, not a side."""
    names: dict[str, set[str]] = {}
    for key, ref in zip(keys, refs, strict=True):
        if key is not None and ref is not None:
            names.setdefault(key, set()).add(Path(ref.path).name.lower())
    single = {k for k, found in names.items() if len(found) == 1}
    counted = Counter(k for k in keys if k is not None)
    return [None if k in single and counted[k] > 1 else k for k in keys]


def _plausible(keys: list[str | None], n_classes: int) -> bool:
    counted = Counter(k for k in keys if k is not None)
    if not counted:
        return False
    most = max(counted.values())
    return most > 1 and len(counted) > 2 * n_classes and most <= max(4, 0.1 * len(keys))
