"""A network of one's own: trained on the source's patients, then fine-tuned on the target's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from medgraft.methods.finetune import cost
from medgraft.methods.finetune.finetune import FineTune
from medgraft.methods.finetune.images import Labelled
from medgraft.methods.finetune.limits import Number, check_limits
from medgraft.methods.registry import method
from medgraft.sources.pretrained import Pretrained

if TYPE_CHECKING:
    from medgraft.sources.backbone import Backbone


@method(
    "pretrain-finetune",
    family="finetune",
    tasks=("classification", "regression", "multilabel"),
    needs=("source", "target-labels", "images", "network"),
    cost="pretrain_epochs x n source steps of the whole network, then as finetune on the target's rows",
    refs=(
        "Yosinski et al. 2014, arXiv:1411.1792",
        "Kumar et al. 2022, arXiv:2202.10054",
    ),
    default=True,
)
class PretrainFinetune(FineTune):
    r"""Training of a network on the source's labelled rows, then fine-tuning on the target's.

    Use it where no network is ready-made, as for signals and sequences, and another site, subject or protein
    has many labelled rows. Not where the source's labels mean something else, nor with source rows that are
    as few as the target's: then `scratch:rows=target`, and for a table's methods on views, do as well.

    *First* all weights are trained on the source's rows, :math:`\theta_0 = \arg\min \sum_{i \in S} w_i
    \ell(y_i, h(f_\theta(x_i)))`, from random ones, or from those of the file where the network has one.
    *Then* the head is fitted anew to the features of the target's rows, and the blocks in `unfreeze` or
    `layers` are fine-tuned on these alone, from :math:`\theta_0`, as in `finetune`. Freezing the lower blocks
    is "semi-deep" fine-tuning.

    Parameters
    ----------
    source : Pretrained or str
        The network, with or without weights.
    task : str, default "classification"
        As in `finetune`.
    pretrain_epochs : int, default 20
        Passes over the source's rows.
    pretrain_lr : float, default 1e-3
        Peak learning rate then, of all weights.
    epochs, lr, lr_decay, head_lr, unfreeze, layers, gradual, penalty, strength, batchnorm, loss, class_weight
        Of the second part, as in `finetune`; ``penalty="l2-sp"`` draws to :math:`\theta_0`.
    augmentation, views, validation, patience, weight_decay, batch_size, precision, random_state, device
        As in `finetune`, in both parts.

    Attributes
    ----------
    pretrained_ : dict or None
        What the first part did (`report_` of `finetune`); None where the source has no labelled row.
    note_ : str
        A sentence where one of the parts had no rows, else empty.

    Notes
    -----
    Without a labelled row of the source it is `finetune`, or `scratch`; without one of the target the network
    of the first part is kept. A patient with rows in both domains, held out in the second part to choose the
    epoch by, has taught in the first.

    Examples
    --------
    >>> PretrainFinetune("medgraft:eegnet", layers="separable").pretrain_epochs
    20
    """

    def __init__(
        self,
        source: Pretrained | str | None = None,
        *,
        task: str = "classification",
        pretrain_epochs: int = 20,
        pretrain_lr: float = 1e-3,
        epochs: int = 12,
        lr: float = 5e-4,
        lr_decay: float = 0.7,
        head_lr: float = 1e-3,
        unfreeze: float = 0.5,
        layers: str = "",
        gradual: float = 0.3,
        penalty: str = "none",
        strength: float = -1.0,
        batchnorm: str = "frozen",
        loss: str = "auto",
        class_weight: str | None = None,
        augmentation: str = "light",
        views: int = 4,
        validation: float | None = None,
        patience: int = 8,
        weight_decay: float = 0.01,
        batch_size: int = 32,
        precision: str = "32",
        random_state: int = 0,
        device: str = "auto",
    ) -> None:
        super().__init__(
            source,
            task=task,
            epochs=epochs,
            lr=lr,
            lr_decay=lr_decay,
            head_lr=head_lr,
            unfreeze=unfreeze,
            layers=layers,
            gradual=gradual,
            penalty=penalty,
            strength=strength,
            batchnorm=batchnorm,
            loss=loss,
            class_weight=class_weight,
            augmentation=augmentation,
            views=views,
            validation=validation,
            patience=patience,
            weight_decay=weight_decay,
            batch_size=batch_size,
            precision=precision,
            random_state=random_state,
            device=device,
        )
        self.pretrain_epochs = pretrain_epochs
        self.pretrain_lr = pretrain_lr

    def _check(self) -> None:
        super()._check()
        check_limits({"pretrain_epochs": self.pretrain_epochs}, pretrain_epochs=Number(1, whole=True))
        check_limits({"pretrain_lr": self.pretrain_lr}, pretrain_lr=Number(above=True))

    @property
    def _loads(self) -> bool:
        return Pretrained.of(self.source).trained

    def _fit(self, rows: Labelled) -> None:
        self._check()
        there, here = np.flatnonzero(~rows.target), np.flatnonzero(rows.target)
        self.first_: FineTune | None = None
        self.pretrained_: dict[str, Any] | None = None
        if len(there):
            self.first_ = self._whole(rows.take(there), self.pretrain_epochs)
            self.pretrained_ = self.first_.report_
        said = "" if len(there) else "No source patient has a label: the target alone was learnt from."
        if not len(here) and self.first_ is not None:
            self._take_over(self.first_)
            said = "No target patient has a label: the network of the source was kept."
        elif self.first_ is None and not self._loads:
            self._take_over(self._whole(rows, self.epochs))
        else:
            super()._fit(rows.take(here))
        self.note_ = " ".join(filter(None, (said, self.note_)))
        self.report_ |= {"pretrained": self.pretrained_, "note": self.note_}
        self.first_ = None  # its network is this one's, or no longer needed

    def _whole(self, rows: Labelled, epochs: int) -> FineTune:
        """Train all weights on some rows, whoever's they are."""
        own = self.get_params(deep=False)
        taken = {name: own[name] for name in _SHARED} | {"lr": self.pretrain_lr, "head_lr": self.pretrain_lr}
        whole: dict[str, Any] = {"unfreeze": 1.0, "lr_decay": 1.0, "gradual": 0.0, "batchnorm": "adapt"}
        made = FineTune(self.source, epochs=epochs, **taken, **whole)
        made._pretrained = self._loads
        made.kind_, made.progress = self.kind_, self.progress
        if hasattr(self, "classes_"):
            made.classes_ = self.classes_
        made._fit(replace(rows, target=np.zeros(len(rows.paths), dtype=bool), target_paths=[]))
        return made

    def _start(self, source: Pretrained) -> Backbone:
        return super()._start(source) if self.first_ is None else self.first_.backbone_

    @property
    def _own_features(self) -> bool:
        return self.first_ is not None or super()._own_features

    def _take_over(self, first: FineTune) -> None:
        for name in _TAKEN:
            setattr(self, name, getattr(first, name))

    def plan(self, n_fit: int, n_predict: int) -> dict[str, Any]:
        """Say what will load and what it will cost, as if all rows were the source's and the target's."""
        said = super().plan(n_fit, n_predict)
        backbone = Pretrained.of(self.source).load(pretrained=self._loads, seed=self.random_state)
        made = FineTune(self.source, batchnorm="adapt")
        made.backbone_ = backbone
        first = cost.training(
            made._network(2), backbone, 0, epochs=self.pretrain_epochs, views=1, head=False, kept=False
        )
        return said | {"cpu_seconds": said["cpu_seconds"] + first.seconds(n_fit, 0)}


_SHARED = (
    "task",
    "loss",
    "class_weight",
    "augmentation",
    "views",
    "validation",
    "patience",
    "weight_decay",
    "batch_size",
    "precision",
    "random_state",
    "device",
)
_TAKEN = ("backbone_", "network_", "center_", "spread_", "snapshots_", "pretext_", "report_", "note_")
