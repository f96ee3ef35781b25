"""What is true of generated data, known because we made it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Truth:
    """What no model may beat, and what a good one approaches.

    Attributes
    ----------
    task : str
        ``"binary"``, ``"multiclass"`` or ``"regression"``.
    classes : tuple of str
        Empty for regression.
    sites : tuple of str
        The first is the source's side: nothing is shifted there.
    prevalence : dict of site -> ndarray (classes,)
        The share of each class.
    accuracy : dict of site -> float
        Of the best possible rule *for that site* (Bayes), for one row. The best R2 for regression.
    transfer : dict of site -> float
        Of the first site's best rule, applied there unchanged. The R2 for regression; it can be negative.
    auc : dict of site -> float
        Of the best score of that site; empty where it has no closed form.
    coefficients : dict of site -> ndarray (features,) or (features, classes)
        Of the best linear score; empty for files.
    means : dict of site -> ndarray (features,)
        By how much the site's mean lies off the first site's at equal class; empty for files.
    changes : dict of site -> dict
        What the site does to the samples, by name (``{"brightness": 40.0}``).
    """

    task: str
    classes: tuple[str, ...]
    sites: tuple[str, ...]
    prevalence: dict[str, Array]
    accuracy: dict[str, float]
    transfer: dict[str, float]
    auc: dict[str, float] = field(default_factory=dict)
    coefficients: dict[str, Array] = field(default_factory=dict)
    means: dict[str, Array] = field(default_factory=dict)
    changes: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Made:
    """What a generator wrote.

    Attributes
    ----------
    path : Path
        What to hand to :func:`medgraft.read`: a file or a folder.
    table : DataFrame
        One row per sample: ``file`` (relative to `path`, or its own part of the file), ``patient``,
        ``site``, ``sex``, ``age``, ``label`` and ``shown``, the class that the sample looks like.
    truth : Truth
    """

    path: Path
    table: pd.DataFrame
    truth: Truth
