"""What a graft that outlines gives: masks as files, and how much of each class there is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medgraft.base import MedgraftError
from medgraft.cohort.media import Volume, open_sample
from medgraft.cohort.ref import Ref

if TYPE_CHECKING:
    from medgraft.cohort import Cohort
    from medgraft.graft.graft import Graft

_NIFTI = (".nii", ".nii.gz")


def sizes(kind: str, mask: NDArray[Any], classes: NDArray[Any], sample: Volume | None) -> dict[str, float]:
    """Return how many voxels (pixels) each class has, and millilitres of a volume.

    Examples
    --------
    >>> sizes("image", np.array([[0, 2], [2, 1]]), np.array([0, 1, 2]), None)
    {'pixels_1': 1, 'pixels_2': 2}
    """
    what = "pixels" if sample is None else "voxels"
    found: dict[str, float] = {f"{what}_{k}": int(np.count_nonzero(mask == k)) for k in classes if k}
    if sample is not None:
        each = abs(float(np.linalg.det(sample.affine[:3, :3]))) / 1000
        found |= {f"ml_{k}": found[f"voxels_{k}"] * each for k in classes if k}
    return found


def outline(graft: Graft, data: Cohort, folder: Path | None = None) -> pd.DataFrame:
    """Outline sample by sample, so that one is in memory; write each mask where a folder is given.

    Parameters
    ----------
    graft : Graft
        Of the task segmentation.
    data : Cohort
    folder : path, optional
        Where the masks go: a PNG for each image, a ``.nii.gz`` for each volume, with its affine and, where
        the volume is a NIfTI file, on the very grid of that file.

    Returns
    -------
    DataFrame
        ``row``, ``mask`` (name of the file, if written), ``pixels_K`` or ``voxels_K`` and ``ml_K`` of each
        class.

    Raises
    ------
    MedgraftError
        The data break the graft's contract, or a file cannot be written.
    """
    X = graft.input(data)
    kind, rows = str(X.columns[0]), []
    names = _names(X[kind].tolist(), ".png" if kind == "image" else ".nii.gz")
    for i, ref in enumerate(X[kind]):
        (mask,) = graft.model.predict(X.iloc[[i]])
        sample: Any = open_sample("volume", ref) if kind == "volume" else None
        row: dict[str, Any] = {"row": i}
        if folder is not None:
            row["mask"] = names[i]
            try:
                _save(folder / names[i], ref, mask, sample)
            except OSError as error:
                raise MedgraftError(f"'{folder / names[i]}' cannot be written ({error.strerror}).") from None
        rows.append(row | sizes(kind, mask, graft.model.classes_, sample))
    return pd.DataFrame(rows)


def _names(refs: list[str], ending: str) -> list[str]:
    """Return a name for each mask: that of its sample's file, with the row's number where two are alike."""
    stems = []
    for ref in map(Ref.parse, refs):
        name = Path(ref.path).name
        stem = next((name[: -len(s)] for s in reversed(_NIFTI) if name.lower().endswith(s)), Path(name).stem)
        parts = [f"{k}{v}" for k, v in ref.parts.items() if k in ("frame", "axis", "slice")]
        stems.append("_".join([stem, *parts]))
    alike = pd.Series(stems).duplicated(keep=False)
    return [
        f"{i:04d}_{s}{ending}" if twice else s + ending
        for i, (s, twice) in enumerate(zip(stems, alike, strict=True))
    ]


def _save(path: Path, ref: str, mask: NDArray[Any], sample: Volume | None) -> None:
    dtype = np.uint8 if mask.max() < 256 else np.uint16
    if sample is None:
        from PIL import Image

        Image.fromarray(mask.astype(dtype)).save(path)
        return
    import nibabel as nib
    from nibabel import orientations as turns

    made = nib.Nifti1Image(mask.astype(dtype), sample.affine)
    made.header.set_xyzt_units("mm")
    source = Ref.parse(ref)
    if not source.parts and source.path.lower().endswith(_NIFTI):
        # Volumes are opened in RAS+; back to the axes of the file, so that the two lie voxel on voxel.
        own = nib.load(source.path)
        back = turns.ornt_transform(turns.io_orientation(made.affine), turns.io_orientation(own.affine))
        turned = turns.apply_orientation(np.asarray(made.dataobj), back)
        made = nib.Nifti1Image(turned.astype(dtype), own.affine)
        made.header.set_xyzt_units(own.header.get_xyzt_units()[0])
    nib.save(made, path)
