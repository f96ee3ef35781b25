"""A part of the training rows: drawn, or those of the best quality."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from medgraft.base import MedgraftError
from medgraft.methods.prepare.keep import Keeping, references
from medgraft.methods.prepare.registry import step
from medgraft.methods.rows import Mask, Rows

MEASURES = {"sharpness": "sharpness", "contrast": "sd"}  # of an image -> figure of its sketch
RANKS = ("random", *MEASURES)


@step(
    "subset",
    around="arm",
    does="keep",
    refs=("Pech-Pacheco et al. 2000, doi:10.1109/ICPR.2000.903548 (variance of the Laplacian)",),
)
class Subset(Keeping):
    r"""Only a share of each class teaches: drawn by patient, or the sharpest images.

    Use it to see what more data are worth, and whether few good images do better than many: arms with
    ``+subset:share=0.25`` and ``+subset:share=0.25,by=sharpness`` are tested on the same rows. Not to make a
    model: what is left out would have taught it.

    Of the :math:`n_k` labelled target rows of class k the first :math:`\lceil s n_k \rceil` in an order
    teach, so that a smaller share is part of a larger one. The order is that of patients drawn at random, all
    rows of one after another; or of falling sharpness, the variance of the Laplacian of the grey image of at
    most 256 pixels; or of falling contrast, its standard deviation. Rows of other domains, and those without
    a label, are all kept.

    Parameters
    ----------
    estimator : estimator
        The arm.
    share : float, default 0.5
        Above 0, up to 1.
    by : {"random", "sharpness", "contrast"}, default "random"
        The last two look at images alone.
    task : str
        ``"classification"`` or ``"regression"``, where all rows are one class.
    random_state : int
        Seed of the order of patients.

    Attributes
    ----------
    best_ : estimator
        The arm, fitted on the share.
    note_ : str
        How many rows were kept, and the arm's own note.

    Raises
    ------
    MedgraftError
        The share or the order is unknown, or an order by quality is asked of rows that are no images.

    Notes
    -----
    By quality each image is decoded once more.

    Examples
    --------
    >>> from medgraft.methods.controls.pooled import Pooled
    >>> x = np.linspace(-1, 1, 40)[:, None]
    >>> Subset(Pooled(), share=0.25).fit(x, (x[:, 0] > 0).astype(int)).note_
    '10 of 40 training rows were kept.'
    """

    def __init__(
        self,
        estimator: Any = None,
        *,
        share: float = 0.5,
        by: str = "random",
        task: str = "classification",
        random_state: int = 0,
    ) -> None:
        self.estimator = estimator
        self.share = share
        self.by = by
        self.task = task
        self.random_state = random_state

    def _kept(self, rows: Rows, X: Any) -> Mask:
        if not 0 < self.share <= 1:
            raise MedgraftError(f"subset needs a share above 0 and up to 1, not {self.share}.")
        if self.by not in RANKS:
            raise MedgraftError(f"subset ranks by {', '.join(RANKS)}, not by '{self.by}'.")
        chosen_from = rows.labelled & rows.target
        order = self._order(rows, X)
        classes = rows.y if rows.k else np.zeros(len(rows.y), dtype=int)
        kept = ~chosen_from
        for k in np.unique(classes[chosen_from]):
            own = order[(chosen_from & (classes == k))[order]]
            kept[own[: math.ceil(self.share * len(own) - 1e-9)]] = True
        return kept

    def _order(self, rows: Rows, X: Any) -> np.ndarray:
        """Places of all rows, the first to be kept first."""
        if self.by == "random":
            patients, of_row = np.unique(rows.units, return_inverse=True)
            rank = np.random.default_rng([self.random_state, 5]).permutation(len(patients))
            return np.argsort(rank[of_row], kind="stable")
        from medgraft.cohort.audit.sketches import sketch_of

        sketch = sketch_of("image", references("subset", rows, X), None)
        score = np.full(len(rows.y), -np.inf)  # an image that cannot be opened comes last
        score[sketch.rows] = sketch.stats[MEASURES[self.by]]
        return np.argsort(-score, kind="stable")
