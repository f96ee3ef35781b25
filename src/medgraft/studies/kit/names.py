"""Patients and classes that stand in the names of image files."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from medgraft.base import MedgraftError
from medgraft.cohort import Cohort
from medgraft.cohort.labels import sort_names

PATIENT = "patient"  # column that is added
EYES = r"(.+?)_(?:left|right)"  # 1034_left.jpg and 1034_right.jpg are one person's
# What of a file's name is the person, by public set.
PERSONS = {
    "chest_xray_pneumonia": r"(person\d+|(?:NORMAL2-)?IM-\d+)",  # person63_bacteria_306, IM-0115-0001
    "eye_diseases": EYES,
}


def patients_in_names(cohort: Cohort, pattern: str) -> Cohort:
    """Return a cohort whose patients are read from the names of its images.

    Parameters
    ----------
    cohort : Cohort
        Of images; one that has patients already is returned as it is.
    pattern : str
        Regular expression at the start of the name, without folder and ending; its first group is the
        patient. An image whose name has no such part is a patient of its own.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"image": ["a/7_left.jpg", "a/7_right.jpg", "b/x.jpg"], "ill": ["n", "n", "y"]})
    >>> c = Cohort(frame, "ill", (), image="image", task="binary", levels=("n", "y"))
    >>> patients_in_names(c, EYES).groups.tolist()
    [0, 0, 1]
    """
    if cohort.group is not None:
        return cohort
    who = [found[1] if found else stem for stem, found in _matches(cohort, pattern)]
    return replace(cohort, table=cohort.table.assign(**{PATIENT: who}), group=PATIENT)


def classes_in_names(cohort: Cohort, pattern: str) -> Cohort:
    """Return a cohort whose label is read from the names of its images, for folders without class folders.

    Parameters
    ----------
    cohort : Cohort
        Of images; one that has a label already is returned as it is.
    pattern : str
        As in `patients_in_names`; its first group is the class, whose case does not matter.

    Raises
    ------
    MedgraftError
        A name has no such part, or there is one class alone.
    """
    if cohort.label is not None:
        return cohort
    found = _matches(cohort, pattern)
    odd = [stem for stem, part in found if not part]
    if odd:
        raise MedgraftError(
            f"{len(odd)} files of '{cohort.name}' do not name their class as in '{pattern}': "
            "leave them out, or give one folder per class."
        )
    label = [part[1].lower() for _, part in found if part]
    levels = tuple(sort_names(set(label)))
    if len(levels) < 2:
        raise MedgraftError(f"All files of '{cohort.name}' are of one class: there is nothing to learn.")
    task = "binary" if len(levels) == 2 else "multiclass"
    table = cohort.table.assign(label=label)
    positive = levels[1] if task == "binary" else None
    return replace(cohort, table=table, label="label", levels=levels, task=task, positive=positive)


def _matches(cohort: Cohort, pattern: str) -> list[tuple[str, re.Match[str] | None]]:
    stems = [Path(str(cell)).stem for cell in cohort.table[str(cohort.image)]]
    return [(stem, re.match(pattern, stem)) for stem in stems]
