"""A cohort without the images that cannot teach anything."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medgraft.base import MedgraftError
from medgraft.cohort.labels import names
from medgraft.cohort.quality.duplicates import first_of_each
from medgraft.cohort.quality.report import Report
from medgraft.cohort.ref import Ref

if TYPE_CHECKING:
    from medgraft.cohort.audit.sketches import Sketch
    from medgraft.cohort.cohort import Cohort

DUPLICATES = ("near", "exact", "none")


def drop(
    cohort: Cohort,
    *,
    blank: bool = True,
    saturated: bool = True,
    blurred: bool = True,
    duplicates: str = "near",
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Cohort, Report]:
    r"""Return the cohort without images that are unreadable, black, saturated, blurred or there twice.

    Use it before a trial on images of mixed origin. What is dropped is not drawn at random: a class whose
    images are blurred more often loses more of them, so look at the report, and compare both cohorts. Near
    copies are what the audit takes for them, so slices of one volume that look alike may be dropped: choose
    ``"exact"`` for those.

    The measures and limits are those of the audit's finding ``image-quality``, on grey values from 0 to 255
    of a copy of at most 256 pixels a side: blank is a standard deviation below 2; saturated, more than half
    of the pixels at 250 or above, where that is not so for most images; blurred, a variance of the
    Laplacian below a twelfth of the median's and 4 robust standard deviations of its logarithm below it.
    Copies are files with equal bytes, or (near) images that correlate above 0.995 as 48 x 48 grey values
    and, among 20 or more, above 0.98 once the mean of all images is taken from both; the first one stays.

    Parameters
    ----------
    cohort : Cohort
        One with images; patients without one are kept.
    blank, saturated, blurred : bool, default True
        Which to drop.
    duplicates : {"near", "exact", "none"}, default "near"
    progress : callable, optional
        Called with (done, total) after each image.

    Returns
    -------
    Cohort
        With the report's sentences among its warnings. A class that loses all its images is a class no more.
    Report

    Raises
    ------
    MedgraftError
        The cohort has no images, none can be opened, nothing would be left, or `duplicates` is unknown.

    Notes
    -----
    Each image is decoded once; 3 KB of it are kept. Variance of the Laplacian: Pech-Pacheco et al. (2000),
    doi:10.1109/ICPR.2000.903548.
    """
    if cohort.image is None:
        raise MedgraftError(f"The cohort '{cohort.name}' has no images to drop.")
    cells = np.array([None if pd.isna(c) else str(c) for c in cohort.table[cohort.image]], dtype=object)
    if all(cell is None for cell in cells):
        raise MedgraftError(f"No patient of the cohort '{cohort.name}' has an image.")
    wanted = {"blank": blank, "saturated": saturated, "blurred": blurred}
    return _without(cohort, unusable(cells, duplicates=duplicates, progress=progress, **wanted))


def unusable(
    cells: NDArray[np.object_],
    *,
    blank: bool = True,
    saturated: bool = True,
    blurred: bool = True,
    duplicates: str = "near",
    progress: Callable[[int, int], None] | None = None,
) -> dict[int, str]:
    """Return which images teach nothing, and why; measures and limits are those of :func:`drop`.

    Parameters
    ----------
    cells : ndarray of object, (n,)
        References of images; None where there is none.
    blank, saturated, blurred, duplicates, progress
        As in `drop`.

    Returns
    -------
    dict of int to str
        Places among `cells`, and a reason for each.
    """
    from medgraft.cohort.audit.sketches import sketch_of

    if duplicates not in DUPLICATES:
        raise MedgraftError(f"duplicates must be {', '.join(DUPLICATES)}, not '{duplicates}'.")
    sketch = sketch_of("image", cells, progress)
    why = dict.fromkeys(sketch.failed.tolist(), "it cannot be opened")
    wanted = {"blank": blank, "saturated": saturated, "blurred": blurred}
    for name, reasons in _faults(sketch.stats).items():
        for k, reason in reasons.items() if wanted[name] else ():
            why.setdefault(int(sketch.rows[k]), reason)
    if duplicates != "none":
        why |= _copies(cells, sketch, why, near=duplicates == "near")
    return why


def _faults(stats: pd.DataFrame) -> dict[str, dict[int, str]]:
    """Return what is wrong with which images, in sentences, by kind; the limits are the audit's."""
    sd, bright = stats["sd"].to_numpy(), stats["bright"].to_numpy()
    sharpness = stats["sharpness"].to_numpy()
    blank = sd < 2
    saturated = (bright > 0.5) & ~blank
    if saturated.mean() > 0.5:
        saturated[:] = False
    log = np.log(np.maximum(sharpness, 1e-3))
    middle = np.median(log)
    spread = 1.4826 * np.median(np.abs(log - middle))
    blurred = (log < middle - np.log(12)) & (log < middle - 4 * spread) & ~blank
    texts = {
        "blank": lambda k: f"it is black or of one colour (standard deviation {sd[k]:.1f} of 255)",
        "saturated": lambda k: f"it is saturated ({bright[k]:.0%} of its pixels are white)",
        "blurred": lambda k: f"it is blurred (sharpness {sharpness[k]:.1f}, median {np.exp(middle):.1f})",
    }
    found = {"blank": blank, "saturated": saturated, "blurred": blurred}
    return {name: {int(k): texts[name](k) for k in np.flatnonzero(found[name])} for name in found}


def _copies(cells: Any, sketch: Sketch, gone: dict[int, str], near: bool) -> dict[int, str]:
    """Return the rows that are copies of rows that stay."""
    rows = np.array([row for row in sketch.rows.tolist() if row not in gone], dtype=int)
    exact = _equal([_content(cells[row]) for row in rows], rows)
    if not near:
        return exact
    from medgraft.cohort.audit.checks.near_duplicates import BEYOND
    from medgraft.cohort.audit.similar import near_copies

    alike = near_copies(sketch)
    pairs = sketch.rows[alike.pairs]
    stay = set(rows.tolist()) - set(exact)
    # NaN: too few images to have a mean.
    sure = ~(alike.beyond <= BEYOND) & np.isin(pairs, list(stay)).all(axis=1)
    report = first_of_each(int(sketch.rows.max()) + 1, pairs[sure], "it is nearly a copy")
    return exact | dict(report.dropped)


def _equal(keys: list[bytes], rows: Any) -> dict[int, str]:
    """Return the rows whose key an earlier row has, and why they go."""
    first: dict[bytes, int] = {}
    why = {}
    for key, row in zip(keys, rows.tolist(), strict=True):
        if first.setdefault(key, row) != row:
            why[row] = f"it is a copy of row {first[key]}"
    return why


def _content(cell: str) -> bytes:
    ref = Ref.parse(cell)
    with Path(ref.path).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").digest()
    return digest + str(ref.with_path("")).encode()


def _without(cohort: Cohort, why: dict[int, str]) -> tuple[Cohort, Report]:
    keep = np.array([i for i in range(cohort.n) if i not in why], dtype=int)
    if len(keep) == 0:
        raise MedgraftError(
            f"Nothing would be left of '{cohort.name}': all its images are unusable or copies."
        )
    report = Report(tuple(keep.tolist()), tuple(sorted(why.items())))
    kept = cohort.select(keep)
    said = report.sentences() if why else []
    levels = cohort.levels
    if cohort.label is not None and levels is not None:
        before, after = (set(names(c.table[cohort.label])) for c in (cohort, kept))
        lost = [level for level in levels if level in before - after]
        if lost:
            said.append(f"No image is left of the classes {', '.join(map(repr, lost))}.")
        if cohort.task == "multiclass":
            levels = tuple(level for level in levels if level not in lost)
    return replace(kept, levels=levels, warnings=(*kept.warnings, *said)), report
