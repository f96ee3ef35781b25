"""Learn on the source what one class has alone and what both share, freeze it, give the target a new head."""

from __future__ import annotations

from typing import Any

import numpy as np

from medgraft.methods.base import TransferEstimator
from medgraft.methods.learners.contrastive_vae import ContrastiveVAELearner
from medgraft.methods.notes import SOURCES_POOLED
from medgraft.methods.registry import method
from medgraft.methods.rows import Mask, Rows
from medgraft.methods.sites import Sited
from medgraft.methods.splits import Floats

NO_CONTRAST = (
    "The source has no labelled patients of both classes: all rows were pooled, without its factors."
)


@method(
    "frozen-contrastive",
    family="feature",
    tasks=("binary",),
    needs=("source", "target-labels"),
    cost="O(n p hidden) a pass",
    refs=(
        "Ma et al. 2024, doi:10.26599/BDMA.2024.9020004",
        "Abid and Zou 2019, arXiv:1902.04601",
        "Aglinskas, Hartshorne and Anzellotti 2022, doi:10.1126/science.abm2461",
    ),
)
class FrozenContrastive(TransferEstimator):
    r"""Learn shared and salient factors of two classes on the source, and a head on them on the target.

    Use it where another cohort has hundreds of patients and controls who differ by a weak pattern among
    strong ones, and the target a few dozen: ``frozen-contrastive+random-forest``. Not where the source's
    cases are told by something else than the target's, nor where class means differ: `coral` or ``pooled``
    see that sooner.

    On the source's labelled rows, standardised by themselves, a contrastive variational autoencoder is
    trained as in the learner ``contrastive-vae``. Its encoders are then frozen, and the learner (logistic
    regression unless another is given) minimises its loss over :math:`(\mu_z(x), \mu_s(x))`, the means of
    the shared and of the salient code, of the target's labelled rows alone. Both codes are read of every
    row, whatever its label.

    Parameters
    ----------
    task, estimator, random_state
        See `TransferEstimator`; the seed also draws weights, batches and codes.
    shared, salient : int, default 8
        Factors.
    hidden : int, default 64
        Width of the hidden layers.
    gamma : float, default 1
        Weight of the independence of both codes.
    epochs : int, default 100
        Passes over the source's rows of the rarer class.
    batch : int, default 16
    lr : float, default 1e-3

    Attributes
    ----------
    factors_ : ContrastiveVAELearner or None
        What gives the codes; None where nothing was transferred.
    note_ : str
        Says so when there was no source of two classes, or no target label.

    Raises
    ------
    InputError
        A setting is out of range.

    Notes
    -----
    The rarer class of the source is the one with salient factors. Memory O(p hidden).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = np.arange(60) % 2
    >>> X = rng.normal(size=(60, 8)) * (1.0 + 2.0 * y[:, None])
    >>> m = FrozenContrastive(salient=2, epochs=2).fit(X, y, domain=["a"] * 40 + ["b"] * 20, target="b")
    >>> m.factors_.salient
    2
    """

    def __init__(
        self,
        *,
        task: str = "classification",
        estimator: Any = None,
        random_state: int = 0,
        shared: int = 8,
        salient: int = 8,
        hidden: int = 64,
        gamma: float = 1.0,
        epochs: int = 100,
        batch: int = 16,
        lr: float = 1e-3,
    ) -> None:
        super().__init__(task=task, estimator=estimator, random_state=random_state)
        self.shared = shared
        self.salient = salient
        self.hidden = hidden
        self.gamma = gamma
        self.epochs = epochs
        self.batch = batch
        self.lr = lr

    def _fit(self, rows: Rows) -> None:
        self.factors_: ContrastiveVAELearner | None = None
        sited = Sited.of(rows)
        merged = sited.rows
        teach = merged.source & merged.labelled
        if len(np.unique(merged.y[teach])) < 2:
            self.note_ = NO_CONTRAST
            self.encoder_ = rows.encoder()
            self._learn(self.encoder_.transform(rows.table), rows, np.ones(len(rows.table), dtype=bool))
            return
        self.encoder_ = merged.encoder(teach)
        self._contrast(merged, teach)
        where = rows.target
        if not (where & rows.labelled).any():
            self.note_, where = SOURCES_POOLED, rows.source
        self._learn(self._codes(self.encoder_.transform(rows.table)), rows, where)

    def _contrast(self, rows: Rows, teach: Mask) -> None:
        settings = ("shared", "salient", "hidden", "gamma", "epochs", "batch", "lr")
        made = ContrastiveVAELearner(
            **{name: getattr(self, name) for name in settings}, trees=1, random_state=self.random_state
        )
        Z = self.encoder_.transform(rows.table.take(teach))
        self.factors_ = made.fit(Z, rows.y[teach], sample_weight=rows.weight[teach], groups=rows.units[teach])

    def _codes(self, Z: Floats) -> Floats:
        return Z if self.factors_ is None else np.hstack(self.factors_.factors(Z))

    def _encode(self, X: Any) -> Floats:
        return self._codes(super()._encode(X))
