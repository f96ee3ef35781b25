"""The control of a 3-D U-Net: the same network from random weights, and where its sources come from."""

from __future__ import annotations

from medgraft.methods.registry import method
from medgraft.methods.segment.unet3d import UNet3d


@method(
    "unet3d-scratch",
    family="control",
    tasks=("segmentation",),
    needs=("target-labels", "volumes", "masks"),
    cost="epochs x voxels training steps of the network",
    refs=("Çiçek et al. 2016, doi:10.1007/978-3-319-46723-8_49",),
    role="control",
)
class UNet3dScratch(UNet3d):
    """The same 3-D U-Net from random weights: what the source is compared with, and how sources are made.

    Use it as the control of `unet3d`, and to make a source of a cohort that has many outlined volumes
    (`save_weights`). Not with very few volumes where there is a source.

    Parameters
    ----------
    task, epochs, widths, norm, patch, spacing, augmentation, validation, patience, optimizer, schedule
        As in `unet3d`.
    weight_decay, batch_size, random_state, device
        As in `unet3d`.
    lr : float, default 5e-3
        Peak learning rate.

    Examples
    --------
    >>> UNet3dScratch(widths="16-32-64").lr
    0.005
    """

    _pretrained = False

    def __init__(
        self,
        *,
        task: str = "segmentation",
        epochs: int = 30,
        lr: float = 5e-3,
        widths: str = "8-16-32",
        norm: str = "instance",
        patch: int = 0,
        spacing: float = 0.0,
        augmentation: str = "light",
        validation: float = 0.15,
        patience: int = 8,
        optimizer: str = "adamw",
        schedule: str = "cosine",
        weight_decay: float = 0.01,
        batch_size: int = 4,
        random_state: int = 0,
        device: str = "auto",
    ) -> None:
        super().__init__(
            None,
            task=task,
            epochs=epochs,
            lr=lr,
            widths=widths,
            norm=norm,
            patch=patch,
            spacing=spacing,
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
