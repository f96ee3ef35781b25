"""Patients that stand in the names of image files."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from medgraft.cohort import Cohort

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
    stems = [Path(str(cell)).stem for cell in cohort.table[str(cohort.image)]]
    who = [found[1] if (found := re.match(pattern, stem)) else stem for stem in stems]
    return replace(cohort, table=cohort.table.assign(**{PATIENT: who}), group=PATIENT)
