"""The control of a U-Net on a pretrained encoder: the same network, without what it knew."""

from __future__ import annotations

from dataclasses import replace

from medgraft.methods.finetune.groups import Policy
from medgraft.methods.registry import method
from medgraft.methods.segment.unet import UNet
from medgraft.sources.pretrained import Pretrained


@method(
    "unet-scratch",
    family="control",
    tasks=("segmentation",),
    needs=("target-labels", "images", "masks", "pretrained"),
    cost="epochs x slices training steps of encoder and decoder",
    refs=("Raghu et al. 2019, arXiv:1902.07208",),
    role="control",
    default=True,
)
class UNetScratch(UNet):
    """The same U-Net from random weights, trained by the same loop: what pretraining is compared with.

    Use it as the control of `unet`. Not as a way to a good model on a small cohort.

    Everything trains from the first epoch at one learning rate, and BatchNorm adapts (its statistics would
    mean nothing otherwise). The source gives the architecture and the preprocessing; its weights are not
    read.

    Parameters
    ----------
    source : Pretrained or str
        The network whose architecture is used.
    task, epochs, size, view, axis, slices, augmentation, validation, patience, optimizer, schedule
        As in `unet`.
    weight_decay, batch_size, device
        As in `unet`.
    lr : float, default 3e-3
        Peak learning rate of all weights.
    random_state : int, default 0
        As in `unet`; it also decides the random weights.

    Examples
    --------
    >>> UNetScratch("timm:resnet18").batchnorm
    'adapt'
    """

    _pretrained = False

    def __init__(
        self,
        source: Pretrained | str | None = None,
        *,
        task: str = "segmentation",
        epochs: int = 12,
        lr: float = 3e-3,
        size: int = 0,
        view: str = "whole",
        axis: int = 2,
        slices: int = 3,
        augmentation: str = "light",
        validation: float = 0.15,
        patience: int = 4,
        optimizer: str = "adamw",
        schedule: str = "cosine",
        weight_decay: float = 0.01,
        batch_size: int = 16,
        random_state: int = 0,
        device: str = "auto",
    ) -> None:
        super().__init__(
            source,
            task=task,
            epochs=epochs,
            lr=lr,
            lr_decay=1.0,
            frozen=0.0,
            batchnorm="adapt",
            size=size,
            view=view,
            axis=axis,
            slices=slices,
            augmentation=augmentation,
            validation=validation,
            patience=patience,
            optimizer=optimizer,
            schedule=schedule,
            weight_decay=weight_decay,
            batch_size=batch_size,
            random_state=random_state,
            device=device,
        )

    def _policy(self) -> Policy:
        # Not in __init__: arms and searches set `lr` afterwards.
        return replace(super()._policy(), head_lr=self.lr)
