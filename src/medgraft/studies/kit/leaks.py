"""What published protocols do wrong, done on purpose and only under ``as_published``; and how to avoid it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from medgraft.cohort import Cohort

GROUP = "original"  # column of the images that copies were made of


def ungrouped(cohort: Cohort) -> Cohort:
    """Return the cohort without patients: rows of one may teach and be tested.

    Examples
    --------
    >>> import medgraft as mg
    >>> frame = pd.DataFrame({"who": [1, 1, 2, 2] * 2, "x": range(8), "ill": ["no", "yes"] * 4})
    >>> ungrouped(mg.read(frame, label="ill", group="who")).group is None
    True
    """
    return replace(cohort, group=None)


def with_copies(cohort: Cohort, folder: Path, times: int, seed: int = 0) -> Cohort:
    """Return a cohort of images with turned and mirrored copies of each, as in sets augmented first.

    Copies are of their original's patient, so that the cohort itself does not leak; `ungrouped`, it does.

    Parameters
    ----------
    cohort : Cohort
        Of images.
    folder : path
        Where the copies are written.
    times : int
        Copies of each image, the first unchanged one not counted.
    seed : int
    """
    from PIL import Image, ImageOps

    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng([seed, 11])
    column = str(cohort.image)
    owner = cohort.groups if cohort.group is not None else np.arange(cohort.n)
    table = cohort.table.assign(**{GROUP: [f"o{i}" for i in owner]})
    parts = [table]
    for _ in range(times):
        paths = []
        for i in range(cohort.n):
            angle = float(rng.uniform(-15, 15))
            mirrored = bool(rng.integers(2))
            named = f"{cohort.table[column].iloc[i]} {angle} {mirrored}"
            path = folder / f"{hashlib.blake2b(named.encode(), digest_size=12).hexdigest()}.png"
            if not path.exists():
                image = cohort.open_image(i)
                image = ImageOps.mirror(image) if mirrored else image
                image.rotate(angle, Image.Resampling.BILINEAR).save(path)
            paths.append(str(path))
        parts.append(table.assign(**{column: paths}))
    return replace(cohort, table=pd.concat(parts, ignore_index=True), group=GROUP)


def grouped_copies(cohort: Cohort) -> Cohort:
    """Return a cohort of images without patients in which copies are one group: near, mirrored, turned ones.

    Use it for public image sets without patient ids, where it is the least that can be done: slices of one
    patient that look different stay apart, and so do copies that were turned by a few degrees or cut anew.

    Parameters
    ----------
    cohort : Cohort
        One that has patients already is returned as it is.
    """
    if cohort.group is not None:
        return cohort
    from medgraft.cohort.audit.relatives import clusters
    from medgraft.cohort.audit.similar import near_copies, turned_copies
    from medgraft.cohort.audit.sketches import sketch_of

    cells = cohort.table[str(cohort.image)].astype(str).to_numpy(dtype=object)
    sketch = sketch_of("image", cells, None)
    alike = [near_copies(sketch), *(found for _, found in turned_copies(sketch))]
    pairs = sketch.rows[np.concatenate([found.pairs for found in alike])].reshape(-1, 2)
    groups = [f"o{g}" for g in clusters(cohort.n, pairs)]
    return replace(cohort, table=cohort.table.assign(**{GROUP: groups}), group=GROUP)


def encoded_before(cohort: Cohort) -> Cohort:
    """Return a table whose columns were scaled and gaps filled on all rows, test rows among them.

    Gaps become the mean of the five nearest rows, as ``+knn-impute`` fills them inside folds.
    """
    from sklearn.impute import KNNImputer

    from medgraft.methods.encode import TableEncoder

    encoder = TableEncoder().fit(cohort.X)
    frame = pd.DataFrame(encoder.transform(cohort.X), columns=[str(n) for n in encoder.names_])
    gaps = cohort.X.isna()
    for name in frame.columns.intersection(cohort.X.columns):
        frame.loc[gaps[name].to_numpy(), name] = np.nan
    frame = frame[[name for name in frame.columns if not name.endswith(" is missing")]]
    return _of(cohort, pd.DataFrame(KNNImputer().fit_transform(frame), columns=frame.columns), cohort.table)


def balanced_before(cohort: Cohort, neighbours: int = 5, seed: int = 0) -> Cohort:
    """Return a table to which SMOTE added rows before it is split: made rows carry test rows into training.

    Parameters
    ----------
    cohort : Cohort
        A table of classes; gaps are filled on all rows first.
    neighbours : int
    seed : int
    """
    from medgraft.methods.prepare.smote import over_sampling

    whole = encoded_before(cohort)
    X, y = over_sampling().SMOTE(k_neighbors=neighbours, random_state=seed).fit_resample(whole.X, whole.y)
    names = np.array(whole.classes, dtype=object)[np.asarray(y)]
    frame = pd.DataFrame(X, columns=list(whole.features))
    return ungrouped(_of(whole, frame, pd.DataFrame({str(cohort.label): names})))


def _of(cohort: Cohort, features: pd.DataFrame, others: pd.DataFrame) -> Cohort:
    """Return the cohort with these features, and its other columns from `others`."""
    kept = [c for c in others.columns if c not in cohort.features and c not in features.columns]
    table = pd.concat([others[kept].reset_index(drop=True), features], axis=1)
    return replace(cohort, table=table, features=tuple(features.columns))
