"""Masks as the label: when a cohort is one of outlines, and whether its masks fit their images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medgraft.base import MedgraftError
from medgraft.cohort.formats import Say
from medgraft.cohort.roles import Roles

if TYPE_CHECKING:
    from medgraft.cohort.cohort import Cohort

SEGMENTATION = "segmentation"
_MOST = 256  # classes of a mask; more are intensities


def is_segmentation(frame: pd.DataFrame, roles: Roles, task: str, where: str) -> bool:
    """Whether masks are what is to be predicted: by the task's name, or because nothing else is.

    Raises
    ------
    MedgraftError
        The task is asked for and there is a label, or no mask beside an image or a volume.
    """
    outlined = _kind(roles) is not None and roles.mask is not None
    if task == "auto":
        return roles.label is None and outlined and bool(_both(frame, roles).any())
    if task != SEGMENTATION:
        return False
    if roles.label is not None:
        raise MedgraftError(
            f"With --task segmentation the masks are what is predicted, not '{roles.label}': leave out "
            "--label."
        )
    if not outlined:
        raise MedgraftError(
            f"--task segmentation needs masks beside images or volumes, but '{where}' names none: say which "
            "columns hold them with --mask and --image or --volume."
        )
    return True


def _kind(roles: Roles) -> str | None:
    return "image" if roles.image is not None else "volume" if roles.volume is not None else None


def _both(frame: pd.DataFrame, roles: Roles) -> Any:
    kind = _kind(roles)
    return frame[[roles.media[kind], roles.media["mask"]]].notna().all(axis=1) if kind else False


def drop_without(frame: pd.DataFrame, roles: Roles, require: bool, say: Say) -> pd.DataFrame:
    """Leave out rows without image, and without mask where labels are required; say how many.

    Raises
    ------
    MedgraftError
        No row is left.
    """
    kind = _kind(roles) or "image"
    for what, needed in ((kind, True), ("mask", require)):
        missing = frame[roles.media[what]].isna() if needed else pd.Series(False, index=frame.index)
        if missing.all():
            raise MedgraftError(f"The {what} is missing in every row: choose another column.")
        if missing.any():
            say(f"{int(missing.sum())} of {len(frame)} rows have no {what} and were left out.")
            frame = frame[~missing].reset_index(drop=True)
    return frame


def references(cohort: Cohort) -> NDArray[np.object_]:
    """Return the references of the masks, (n,) of str.

    Raises
    ------
    MedgraftError
        A mask is missing.
    """
    column = cohort.table[str(cohort.mask)]
    missing = int(column.isna().sum())
    if missing:
        raise MedgraftError(
            f"The mask '{cohort.mask}' of '{cohort.name}' is missing in {missing} of {cohort.n} rows: remove "
            "these rows first."
        )
    return np.array([str(cell) for cell in column], dtype=object)


def grid_of(kind: str, sample: Any) -> tuple[int, ...]:
    """Return the grid of an opened image (h, w) or volume (x, y, z): that of its mask."""
    return (sample.height, sample.width) if kind == "image" else tuple(sample.values.shape)


def check_mask(mask: NDArray[np.integer[Any]], grid: tuple[int, ...], text: str) -> None:
    """Refuse a mask whose grid is not that of its image.

    Raises
    ------
    MedgraftError
        It names the mask's file.
    """
    if mask.shape != grid:
        sizes = " and its image ".join("x".join(map(str, shape)) for shape in (mask.shape, grid))
        raise MedgraftError(f"The mask '{text}' is {sizes}: both must have one size; export it again.")


def mask_values(cohort: Cohort) -> tuple[int, ...]:
    """Open every image with its mask once, and return the values of all masks, sorted, with 0 for nothing.

    Parameters
    ----------
    cohort : Cohort
        Of the task ``"segmentation"``.

    Raises
    ------
    MedgraftError
        A file does not open, a mask differs in size from its image, or the masks hold more than 256 values or
        nothing but zeros.
    """
    kind, found = cohort.kind, {0}
    for i, text in enumerate(cohort.y):
        mask: NDArray[np.int64] = cohort.open("mask", i)
        check_mask(mask, grid_of(kind, cohort.open(kind, i)), text)
        found |= set(np.unique(mask).tolist())
        if len(found) > _MOST:
            raise MedgraftError(
                f"The masks of '{cohort.name}' hold more than {_MOST} values, as '{text}' does: are they "
                "images? Name the column of label maps with --mask."
            )
    if len(found) == 1:
        raise MedgraftError(f"All masks of '{cohort.name}' are empty: there is nothing to learn to outline.")
    return tuple(sorted(found))
