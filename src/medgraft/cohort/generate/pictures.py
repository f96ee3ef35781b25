"""Folders of images: shapes or textures on noise, taken differently at each site."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from medgraft.base import MedgraftError, did_you_mean
from medgraft.cohort.generate import drawing
from medgraft.cohort.generate.people import People, rows, sample_rng
from medgraft.cohort.generate.truth import Array, Made

# Name -> (suffix, bits, settings of Pillow)
FILES: dict[str, tuple[str, int, dict[str, Any]]] = {
    "jpg": (".jpg", 8, {"quality": 90}),
    "png": (".png", 8, {}),
    "png16": (".png", 16, {}),
    "tif": (".tif", 8, {}),
    "tif16": (".tif", 16, {}),
    "bmp": (".bmp", 8, {}),
    "pgm": (".pgm", 8, {}),
}


def images(
    folder: str | Path,
    n_patients: int = 40,
    *,
    size: int = 64,
    file: str = "png",
    colour: bool = False,
    content: str = "shape",
    layout: str = "manifest",
    masks: bool = False,
    shift: float = 0.0,
    **people: Any,
) -> Made:
    """Write images whose class is a shape or a texture, and whose site is brightness, contrast and border.

    Use it to see whether a pipeline learns the content or the site: with ``prevalence=(1, 0)`` the class
    can be told from the border alone. Any fair network separates the contents, so the accuracy to reach
    is the truth's.

    Parameters
    ----------
    folder : path
        Made where absent.
    n_patients : int, default 40
    size : int, default 64
        Pixels of each side, 16 or more.
    file : str, default "png"
        ``"jpg"``, ``"png"``, ``"png16"``, ``"tif"``, ``"tif16"``, ``"bmp"`` or ``"pgm"``; 16-bit files
        hold 12-bit values (0 to 4095), as scanners do, and are grey, as is pgm.
    colour : bool, default False
        RGB, tinted like stained tissue.
    content : str, default "shape"
        ``"shape"`` (disk, square, ring, cross) or ``"texture"`` (direction of stripes).
    layout : str, default "manifest"
        ``"manifest"``: ``images/`` and ``manifest.csv``; ``"folders"``: one folder per class.
    masks : bool, default False
        Write the shape's outline too, 0 and 255, to ``masks/``, with a column in the manifest.
    shift : float, default 0
        Of the last site: brighter by 0.15 of the range, contrast times 1 - 0.4 and a black border of 8 %
        of the side, each times `shift`; 0 to 2.
    **people
        Of :class:`~medgraft.cohort.generate.people.People`.

    Returns
    -------
    Made
        ``truth.changes`` has brightness, contrast and border (pixels) of each site.

    Raises
    ------
    MedgraftError
        A setting is unknown or out of its range.
    """
    from PIL import Image

    group = People(n_patients, **people)
    if file not in FILES:
        raise MedgraftError(f"There is no image file '{file}'.{did_you_mean(file, FILES)}")
    if content not in drawing.CONTENTS or layout not in ("manifest", "folders"):
        raise MedgraftError("content must be shape or texture, and layout manifest or folders.")
    suffix, bits, options = FILES[file]
    if size < 16 or not 0 <= shift <= 2 or (colour and (bits == 16 or file == "pgm")):
        raise MedgraftError("size must be 16 or more, shift from 0 to 2, and 16-bit and pgm files are grey.")
    root, table = Path(folder), group.deal()
    turn = table.groupby("patient").cumcount() + 1
    names, outlines = [], []
    for i, row in enumerate(rows(table)):
        rng = sample_rng(group.seed, i)
        kind = list(group.classes).index(row.shown)
        values, mask = drawing.CONTENTS[content](kind, size, rng)
        values = drawing.seen_at(values, shift * group.shift_of(row.site))
        place = "images" if layout == "manifest" else row.label
        name = f"{place}/{row.patient}_{turn[i]}{suffix}"
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(_pixels(values, bits, colour)).save(root / name, **options)
        names.append(name)
        if masks:
            outlines.append(f"masks/{row.patient}_{turn[i]}.png")
            (root / "masks").mkdir(exist_ok=True)
            Image.fromarray(mask.astype(np.uint8) * 255).save(root / outlines[-1])
    table.insert(0, "file", names)
    if masks:
        table.insert(1, "mask", outlines)
    if layout == "manifest":
        table.drop(columns="shown").to_csv(root / "manifest.csv", index=False, lineterminator="\n")
    f = {site: shift * group.shift_of(site) for site in group.sites}
    changes = {
        s: {"brightness": 0.15 * g, "contrast": 1 - 0.4 * g, "border": drawing.border_of(size, g)}
        for s, g in f.items()
    }
    return Made(root, table, group.truth(changes))


def _pixels(values: Array, bits: int, colour: bool) -> Array:
    if bits == 16:
        return np.rint(values * 4095).astype(np.uint16)
    if colour:
        values = values[..., None] ** np.array([0.6, 1.2, 0.8])
    return np.rint(values * 255).astype(np.uint8)


def medmnist(
    path: str | Path,
    n_patients: int = 100,
    *,
    size: int = 28,
    colour: bool = False,
    content: str = "shape",
    shift: float = 0.0,
    **people: Any,
) -> Made:
    """Write an .npz file in the layout of MedMNIST: images and labels of train, val and test.

    Patients are dealt 70 : 10 : 20 to the splits and stay whole. The file knows neither patients nor
    sites, as the real ones do not; `table` does. Source of the layout: Yang et al. (2023),
    doi:10.1038/s41597-022-01721-8.

    Parameters
    ----------
    path : path
        Of the .npz file.
    n_patients, size, colour, content, shift, **people
        As for :func:`images`.

    Returns
    -------
    Made
        ``table.file`` names the array and row: ``train_images;row=3``.
    """
    group = People(n_patients, **people)
    table = group.deal()
    order = np.random.default_rng([group.seed, 5]).permutation(n_patients)
    cut = np.select([order < 0.7 * n_patients, order < 0.8 * n_patients], ["train", "val"], "test")
    split = cut[table["patient"].str[1:].astype(int) - 1]
    arrays: dict[str, Array] = {}
    places = np.empty(len(table), dtype=object)
    for part in ("train", "val", "test"):
        at = np.flatnonzero(split == part)
        shape = (len(at), size, size, 3) if colour else (len(at), size, size)
        arrays[f"{part}_images"] = np.zeros(shape, np.uint8)
        labels = np.zeros((len(at), 1), np.uint8)
        for k, i in enumerate(at):
            row = table.iloc[i]
            kind = list(group.classes).index(row["shown"])
            values = drawing.CONTENTS[content](kind, size, sample_rng(group.seed, int(i)))[0]
            values = drawing.seen_at(values, shift * group.shift_of(row["site"]))
            arrays[f"{part}_images"][k] = _pixels(values, 8, colour)
            labels[k] = list(group.classes).index(row["label"])
            places[i] = f"{part}_images;row={k}"
        arrays[f"{part}_labels"] = labels
    save_npz(Path(path), arrays)
    table.insert(0, "file", places)
    return Made(Path(path), table, group.truth())


def save_npz(path: Path, arrays: dict[str, Array]) -> None:
    """Write an .npz file whose bytes depend on the arrays alone: no dates of today."""
    import zipfile

    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, values in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w") as file:
                np.lib.format.write_array(file, values, allow_pickle=False)  # type: ignore[no-untyped-call]
