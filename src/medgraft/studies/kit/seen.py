"""Signals, sequences and omics as a table of what fixed views see in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from medgraft.cohort import Cohort


def seen(cohort: Cohort, views: Sequence[str], reading: str = "") -> Cohort:
    """Return a table of views, ``VIEW__NAME``, with all other columns and roles.

    No leak by itself: a view learns nothing, so that each sample always gives the same numbers.

    Parameters
    ----------
    cohort : Cohort
        Of signals, sequences or rows of omics.
    views : sequence of str
        As in ``"stft:bands=4"``.
    reading : str
        How samples are brought to one shape, as far as it is not to be found out.

    Examples
    --------
    >>> import medgraft as mg, pandas as pd
    >>> frame = pd.DataFrame({"rna": ["ACCA", "UUUU"] * 2, "bound": ["no", "yes"] * 2})
    >>> seen(mg.read(frame, label="bound", sequence="rna"), ["kmers:k=1"]).X.iloc[0].tolist()
    [0.5, 0.5, 0.0, 0.0]
    """
    from medgraft.methods.views import ViewFeatures
    from medgraft.sources.arrays import agreed, reading_to_dict

    column = cohort.media[cohort.kind]
    found, _ = agreed(cohort.kind, cohort.table[column].astype(str).tolist(), reading)
    made = ViewFeatures(views, reading_to_dict(found)).fit_transform(cohort.X[[cohort.kind]])
    made = made.astype(np.float64).set_axis(cohort.table.index)
    table = cohort.table.drop(columns=[*cohort.features, column]).join(made)
    read: dict[str, Any] = {"features": tuple(map(str, made.columns)), cohort.kind: None}
    return replace(cohort, table=table, **read)
