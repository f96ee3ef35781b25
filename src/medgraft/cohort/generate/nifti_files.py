"""NIfTI volumes of ellipsoids with their label maps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from medgraft.base import MedgraftError
from medgraft.cohort.generate.people import People, rows, sample_rng
from medgraft.cohort.generate.truth import Array, Made


def nifti(
    folder: str | Path,
    n_patients: int = 8,
    *,
    size: int = 24,
    spacing: Sequence[float] = (1.0, 1.0, 1.5),
    orientations: Sequence[str] = ("RAS",),
    shift: float = 0.0,
    **people: Any,
) -> Made:
    """Write volumes with an organ (label 1) and, in the last class, a lesion (label 2), with label maps.

    Both are ellipsoids with axes along the patient's, so their volumes are known: 4/3 pi a b c. The site
    changes the intensities, as MR scanners do.

    Parameters
    ----------
    folder : path
        Gets ``images/``, ``labels/`` (equal names, .nii.gz) and ``manifest.csv``.
    n_patients : int, default 8
    size : int, default 24
        Voxels along the longest side; the sides are in the ratio 1 : 0.9 : 0.8.
    spacing : three floats, default (1, 1, 1.5)
        Voxel size in mm along the patient's right, anterior and superior direction.
    orientations : sequence of str, default ("RAS",)
        Directions of the stored axes, one per site, repeated as needed (``("RAS", "LPS", "SAR")``); the
        patient in space is the same in all.
    shift : float, default 0
        Of the last site: intensities times 1 + 0.5 shift, plus 100 shift.
    **people
        Of :class:`~medgraft.cohort.generate.people.People`, for two classes.

    Returns
    -------
    Made
        ``table`` has ``organ_mm3`` and ``lesion_mm3``, the true volumes of the ellipsoids.
    """
    import nibabel as nib
    from nibabel.orientations import axcodes2ornt, inv_ornt_aff, ornt_transform

    group = People(n_patients, **people)
    if len(group.classes) != 2 or size < 16 or len(spacing) != 3 or min(spacing) <= 0:
        raise MedgraftError("Generated volumes need two classes, a size of 16 or more and three spacings.")
    root, table = Path(folder), group.deal()
    shape = (size, round(0.9 * size), round(0.8 * size))
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = -np.array(spacing) * (np.array(shape) - 1) / 2
    names, volumes = [], []
    turn = table.groupby("patient").cumcount() + 1
    for place in ("images", "labels"):
        (root / place).mkdir(parents=True, exist_ok=True)
    for i, row in enumerate(rows(table)):
        rng = sample_rng(group.seed, i)
        labels, sizes = _labels(shape, np.array(spacing), row.shown == group.classes[-1], rng)
        f = shift * group.shift_of(row.site)
        values = np.array([50.0, 300.0, 500.0])[labels] + rng.normal(scale=15, size=shape)
        values = values * (1 + 0.5 * f) + 100 * f
        code = orientations[list(group.sites).index(row.site) % len(orientations)]
        turned = ornt_transform(axcodes2ornt("RAS"), axcodes2ornt(tuple(code)))
        moved = affine @ inv_ornt_aff(turned, shape)
        name = f"{row.patient}_{turn[i]}.nii.gz"
        for place, array in (("images", values.astype(np.float32)), ("labels", labels)):
            stored = nib.orientations.apply_orientation(array, turned)
            _save(nib.Nifti1Image(np.ascontiguousarray(stored), moved), root / place / name)
        names.append(name)
        volumes.append(sizes)
    table.insert(0, "file", [f"images/{name}" for name in names])
    table.insert(1, "mask", [f"labels/{name}" for name in names])
    table[["organ_mm3", "lesion_mm3"]] = np.array(volumes)
    shown = table.drop(columns=["shown", "organ_mm3", "lesion_mm3"])
    shown.to_csv(root / "manifest.csv", index=False, lineterminator="\n")
    g = {s: shift * group.shift_of(s) for s in group.sites}
    return Made(
        root,
        table,
        group.truth({s: {"gain": 1 + 0.5 * f, "offset": 100.0 * f} for s, f in g.items()}),
    )


def _labels(
    shape: tuple[int, ...], spacing: Array, ill: bool, rng: np.random.Generator
) -> tuple[Array, tuple[float, float]]:
    grid = np.moveaxis(np.indices(shape), 0, -1) - (np.array(shape) - 1) / 2
    labels = np.zeros(shape, np.uint8)
    extent = np.array(shape) * spacing
    organ = extent * rng.uniform(0.36, 0.42, 3)
    labels[((grid * spacing / organ) ** 2).sum(axis=-1) <= 1] = 1
    lesion = organ * rng.uniform(0.3, 0.4, 3)
    centre = organ * rng.uniform(-0.3, 0.3, 3)  # so that the lesion lies within the organ
    volume = [4 / 3 * np.pi * float(np.prod(axes)) for axes in (organ, lesion)]
    if not ill:
        return labels, (volume[0], 0.0)
    labels[(((grid * spacing - centre) / lesion) ** 2).sum(axis=-1) <= 1] = 2
    return labels, (volume[0] - volume[1], volume[1])


def _save(image: Any, path: Path) -> None:
    import gzip

    # Written here and not by nibabel, so that neither name nor time of the file is in it.
    with path.open("wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as file:
        file.write(image.to_bytes())
