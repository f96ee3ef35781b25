"""Classes of several public sets brought under the same names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from medgraft.base import MedgraftError
from medgraft.cohort import Cohort


def reclassed(cohort: Cohort, words: Mapping[str, str], levels: tuple[str, ...]) -> Cohort:
    """Return a cohort of classes in the words of a study; rows of other classes are left out, and told.

    Use it before `merged`: cohorts of equal `levels` can be joined, whatever classes each one has.

    Parameters
    ----------
    cohort : Cohort
        Of classes.
    words : mapping
        Class as the set calls it, in small letters -> class of the study. ``"*"`` stands for all others.
    levels : tuple of str
        Classes of the study; of two the second is the event.

    Raises
    ------
    MedgraftError
        No row is of any class of the study.

    Examples
    --------
    >>> import medgraft as mg, pandas as pd
    >>> c = mg.read(pd.DataFrame({"x": range(4), "ill": ["SARS", "COVID-19", "no", "odd"]}), label="ill")
    >>> made = reclassed(c, {"covid-19": "covid", "sars": "other", "no": "other"}, ("other", "covid"))
    >>> made.y.tolist(), made.positive
    ([0, 1, 0], 'covid')
    """
    old = np.array(cohort.classes, dtype=object)[cohort.y]
    new = np.array([words.get(str(c).lower(), words.get("*")) for c in old], dtype=object)
    keep = np.array([c is not None for c in new], dtype=bool)
    if not keep.any():
        raise MedgraftError(
            f"'{cohort.name}' has none of the classes of this study: it has "
            f"{', '.join(cohort.classes or [])}."
        )
    label = str(cohort.label)
    left = f"{int((~keep).sum())} rows of classes that the study does not have were left out."
    made = replace(
        cohort,
        table=cohort.table.assign(**{label: new}),
        task="binary" if len(levels) == 2 else "multiclass",
        positive=levels[1] if len(levels) == 2 else None,
        levels=levels,
        warnings=cohort.warnings if keep.all() else (*cohort.warnings, left),
    )
    return made.select(keep)
