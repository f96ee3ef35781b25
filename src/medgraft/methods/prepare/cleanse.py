"""Training images without those that teach nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

from medgraft.methods.prepare.keep import Keeping, references
from medgraft.methods.prepare.registry import step
from medgraft.methods.rows import Mask, Rows


@step("cleanse", around="arm", does="keep")
class Cleanse(Keeping):
    """Training images that are unreadable, black, saturated, blurred or there twice do not teach.

    Use it on images of mixed origin, beside the same arm without it: both are tested on all test images, the
    bad ones among them, as patients will bring them. Not to make the test set cleaner: for that there is
    `medgraft.cohort.quality.drop`, which changes the question.

    What goes, and by which limits, is told there; limits are relative to the training images alone. A class
    that would lose all its images keeps them.

    Parameters
    ----------
    estimator : estimator
        The arm.
    duplicates : {"near", "exact", "none"}, default "near"
        Which copies go; the first one stays.
    task : str
        ``"classification"`` or ``"regression"``.
    random_state : int
        Not used.

    Attributes
    ----------
    best_ : estimator
        The arm, fitted on what was kept.
    note_ : str
        How many rows were kept, and the arm's own note.

    Raises
    ------
    MedgraftError
        The rows are no images, or `duplicates` is unknown.

    Notes
    -----
    Each training image is decoded once more; 3 KB of it are kept while the fit lasts.

    Examples
    --------
    >>> Cleanse(duplicates="exact").duplicates
    'exact'
    """

    def __init__(
        self,
        estimator: Any = None,
        *,
        duplicates: str = "near",
        task: str = "classification",
        random_state: int = 0,
    ) -> None:
        self.estimator = estimator
        self.duplicates = duplicates
        self.task = task
        self.random_state = random_state

    def _kept(self, rows: Rows, X: Any) -> Mask:
        from medgraft.cohort.quality.cohort import unusable

        why = unusable(references("cleanse", rows, X), duplicates=self.duplicates)
        kept = ~np.isin(np.arange(len(rows.y)), list(why))
        for k in range(rows.k):
            own = rows.labelled & (rows.y == k)
            if not (own & kept).any():
                kept |= own
        return kept
