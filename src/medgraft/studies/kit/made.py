"""Generated data in the form of a study's, for recipes whose data are closed or not at hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from medgraft.cohort import Cohort, generate, read
from medgraft.studies.kit.card import Generator


def images_of(folder: Path, n_patients: int, **settings: Any) -> Cohort:
    """Write generated images, and return them with patients, sites, and sex and age as protected columns.

    Parameters
    ----------
    folder : path
    n_patients : int
    **settings
        Of :func:`medgraft.cohort.generate.images`.
    """
    made = generate.images(folder, n_patients, **({"size": 32, "colour": True} | settings))
    return read(
        made.path / "manifest.csv",
        image="file",
        label="label",
        group="patient",
        domain="site" if len(made.truth.sites) > 1 else None,
        protected=("sex", "age"),
        features=(),
    )


def pictures(classes: tuple[str, ...], n_patients: int = 0, **settings: Any) -> Generator:
    """Return a generator of small images of some classes, two to each patient, from one site.

    The classes are shapes (or textures, ``content="texture"``), of which 15 % of the patients show
    another than theirs, so that no method is always right.

    Parameters
    ----------
    classes : tuple of str
    n_patients : int
        Default 15 a class.
    **settings
        Of :func:`medgraft.cohort.generate.images`.
    """
    usual = {"sites": ("a",), "noise": 0.15, "rows_per_patient": 2}

    def make(folder: Path, seed: int) -> Cohort:
        number = n_patients or 15 * len(classes)
        return images_of(folder, number, classes=classes, seed=seed, **(usual | settings))

    return make
