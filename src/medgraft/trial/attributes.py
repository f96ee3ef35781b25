"""Whose row it is, as far as subgroups go: what predictions carry beside the patient's number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medgraft.evidence.subgroups import levels

if TYPE_CHECKING:
    from medgraft.trial.trial import Trial

PREFIX = "by:"


def attributes(trial: Trial) -> dict[str, NDArray[np.str_]]:
    """Return the domain and the level of each protected attribute of every row, by name of the column.

    Ages and other numbers are cut at their terciles: an exact value may name a patient.

    Parameters
    ----------
    trial : Trial

    Returns
    -------
    dict of str to (n,) array
        ``"domain"``, where rows have one and it is not the patient; ``"by:sex"`` for a protected ``sex``.
    """
    d = trial.design
    found: dict[str, NDArray[np.str_]] = {}
    if d.data.domains is not None and d.kind != "time-ordered":  # there the domains are the patients
        found["domain"] = d.data.domains
    return found | {f"{PREFIX}{name}": levels(d.data.table[name]) for name in d.data.protected}
