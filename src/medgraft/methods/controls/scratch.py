"""The control of every pretrained network: the same network, without what it knew."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from medgraft.methods.finetune.finetune import FineTune
from medgraft.methods.finetune.groups import Policy
from medgraft.methods.finetune.images import Labelled
from medgraft.methods.finetune.limits import check_limits
from medgraft.methods.registry import method
from medgraft.sources.pretrained import Pretrained


@method(
    "scratch",
    family="control",
    tasks=("classification", "regression", "multilabel"),
    needs=("target-labels", "images", "network"),
    cost="epochs x n training steps of the whole network",
    refs=("Raghu et al. 2019, arXiv:1902.07208",),
    role="control",
    default=True,
)
class Scratch(FineTune):
    """The same network from random weights, trained by the same loop: what pretraining is compared with.

    Use it as the control of `finetune`. Not as a way to a good model on a small cohort.

    Everything trains from the first epoch at one learning rate, BatchNorm adapts (its statistics would mean
    nothing otherwise), and the number of passes over the images, the inner split, early stopping and class
    weights are those of `finetune`. The source gives the architecture and the preprocessing; its weights are
    not read.

    Parameters
    ----------
    source : Pretrained or str
        The network whose architecture is used.
    task, epochs, augmentation, class_weight, validation, patience, schedule, weight_decay, batch_size
        As in `finetune`.
    precision
        As in `finetune`.
    lr : float, default 1e-3
        Peak learning rate of all weights.
    pretext, pretext_epochs
        As in `finetune`: self-supervision is then all that comes before the labels, and the head is fitted to
        its features first.
    random_state, device
        As in `finetune`; the seed also decides the random weights.
    rows : str, default "all"
        ``"target"``: labelled rows of other domains do not teach, as for the control of `pretrain-finetune`.

    Examples
    --------
    >>> Scratch("timm:resnet18").batchnorm
    'adapt'
    """

    _pretrained = False

    def __init__(
        self,
        source: Pretrained | str | None = None,
        *,
        task: str = "classification",
        epochs: int = 12,
        lr: float = 1e-3,
        pretext: str = "none",
        pretext_epochs: int = 4,
        augmentation: str = "light",
        class_weight: str | None = None,
        validation: float | None = None,
        patience: int = 8,
        schedule: str = "cosine",
        weight_decay: float = 0.01,
        batch_size: int = 32,
        precision: str = "32",
        random_state: int = 0,
        device: str = "auto",
        rows: str = "all",
    ) -> None:
        super().__init__(
            source,
            task=task,
            epochs=epochs,
            lr=lr,
            pretext=pretext,
            pretext_epochs=pretext_epochs,
            lr_decay=1.0,
            unfreeze=1.0,
            gradual=0.0,
            batchnorm="adapt",
            augmentation=augmentation,
            views=1,
            class_weight=class_weight,
            validation=validation,
            patience=patience,
            schedule=schedule,
            weight_decay=weight_decay,
            batch_size=batch_size,
            precision=precision,
            random_state=random_state,
            device=device,
        )
        self.rows = rows

    def _check(self) -> None:
        super()._check()
        check_limits({"rows": self.rows}, rows=("all", "target"))

    def _fit(self, rows: Labelled) -> None:
        own = np.flatnonzero(rows.target)
        if self.rows == "all" or len(own):
            return super()._fit(rows if self.rows == "all" else rows.take(own))
        super()._fit(rows)
        self.note_ = f"No target patient has a label: all domains taught. {self.note_}".strip()
        self.report_ |= {"note": self.note_}

    def _policy(self) -> Policy:
        # Not in __init__: arms and searches set `lr` afterwards.
        return replace(super()._policy(), head_lr=self.lr)
