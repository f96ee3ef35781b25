"""A 3-D U-Net that starts from what the same network learnt of another cohort."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from medgraft.methods.finetune import augment
from medgraft.methods.finetune.inner import hold_out, note_on
from medgraft.methods.finetune.limits import COUNT, check_limits
from medgraft.methods.registry import method
from medgraft.methods.segment.base import SegmentEstimator
from medgraft.methods.segment.cases import Case, Marked, levels
from medgraft.methods.segment.unet3d_weights import channels_of, fill, tensors_of, widths_of
from medgraft.sources.pretrained import Pretrained

if TYPE_CHECKING:
    import torch

    from medgraft.networks.unet3d import UNet3d as Network

_WHOLE = 1.5  # a volume of so many patches is seen at once when it is outlined
_PIECE = 2  # torch convolves single volumes of few channels by a routine several times slower


@method(
    "unet3d",
    family="segment",
    tasks=("segmentation",),
    needs=("target-labels", "volumes", "masks", "pretrained"),
    cost="epochs x voxels training steps of the network",
    refs=(
        "Çiçek et al. 2016, doi:10.1007/978-3-319-46723-8_49",
        "Isensee et al. 2021, doi:10.1038/s41592-020-01008-z",
    ),
)
class UNet3d(SegmentEstimator):
    r"""3-D U-Net that starts from the same network trained on another cohort: outlines volumes.

    Use it on volumes whose slices say little alone, with a source from the same organ or kind of scan.
    Not with a network trained on photographs: `unet` takes that, slice by slice.

    AdamW minimises the mean over pieces of the volumes of cross-entropy + 1 - soft Dice, from weights
    :math:`\theta_0` that a file holds; its last layer is new where the classes are others. A volume larger
    than the pieces is outlined by a sliding window (see `slide`).

    Parameters
    ----------
    source : Pretrained or str
        File of weights (.safetensors) of the same network, as `save_weights` or a model's folder holds it.
    task : str, default "segmentation"
        The only one.
    epochs : int, default 30
        At most so many passes over the training volumes.
    lr : float, default 2e-3
        Peak learning rate.
    widths : str, default "8-16-32"
        Channels of the network's levels; those of the source where there is one.
    norm : str, default "instance"
        ``"instance"`` or ``"group"`` (see `medgraft.networks.unet3d`).
    patch : int, default 0
        Side of the pieces in voxels; 0: the median sides of the training volumes, each at most 64.
    spacing : float, default 0
        Millimetres a voxel that volumes are brought to; 0: the grid that each has.
    augmentation : str, default "light"
        ``"light"``: small turns, shifts, zooms and changes of grey level, with the mask turned along;
        ``"none"``.
    validation : float, default 0.15
        Share of the training rows held out, patients whole, to stop early; 0: none.
    patience : int, default 8
        Epochs without a better held-out loss before stopping.
    optimizer, schedule, weight_decay
        As in `finetune`.
    batch_size : int, default 4
        Pieces a step.
    random_state : int, default 0
        Seed of random weights, of the inner split, the pieces and their changes.
    device : str, default "auto"
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.

    Attributes
    ----------
    network_ : medgraft.networks.unet3d.UNet3d
        The trained network, in evaluation mode, on the CPU.
    report_ : dict
        What loaded, the losses by epoch and the epoch kept (JSON-able).
    note_ : str
        A sentence where there was too little data for an inner split, else empty.

    Notes
    -----
    The same seed on the same machine gives the same weights on any number of cores. Memory: training volumes
    as float16 up to 1 GiB, beyond that in temporary files; one volume's probabilities when it predicts.

    Examples
    --------
    >>> UNet3d("hippocampus.safetensors", epochs=10).widths
    '8-16-32'
    """

    kinds = ("volume",)
    _pretrained = True
    network_: Network
    patch_: tuple[int, ...]

    def __init__(
        self,
        source: Pretrained | str | None = None,
        *,
        task: str = "segmentation",
        epochs: int = 30,
        lr: float = 2e-3,
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
        self.source = source
        self.task = task
        self.epochs = epochs
        self.lr = lr
        self.widths = widths
        self.norm = norm
        self.patch = patch
        self.spacing = spacing
        self.augmentation = augmentation
        self.validation = validation
        self.patience = patience
        self.optimizer = optimizer
        self.schedule = schedule
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.random_state = random_state
        self.device = device

    def _fit(self, rows: Marked) -> None:
        from medgraft.methods.segment.patches import Patches
        from medgraft.methods.segment.train import Course, train
        from medgraft.sources.forward import pick_device

        check_limits(self.get_params(deep=False), epochs=COUNT)
        augment.check(self.augmentation)
        weights = self._weights()
        widths = widths_of(weights) if weights else channels_of(self.widths)
        network = self.network_ = self._network(widths)
        load = fill(network, weights, str(self.source))
        inner, held = hold_out(rows.share, rows.units, self.validation, self.random_state, 0)
        self.note_ = note_on(self.validation, held)
        feed = Patches(
            rows,
            self.spacing,
            (self.patch,) * 3 if self.patch else (),
            network.step,
            inner,
            held,
            batch_size=self.batch_size,
            changes=self.augmentation == "light",
            seed=self.random_state,
        )
        self.patch_ = feed.patch
        history = train(
            network,
            [{"params": list(network.parameters()), "peak": self.lr}],
            lambda epoch: None,
            feed,
            Course(
                self.epochs, self.patience, self.optimizer, self.schedule, self.weight_decay, _PIECE, True
            ),
            seed=self.random_state,
            device=pick_device(self.device),
            tell=self._tell("training"),
        )
        self.report_ = {
            "load": load,
            "rows": {"train": len(inner), "held": len(held)},
            "loss": {"train": history.train, "held": history.held},
            "best": history.best,
        }

    def _weights(self) -> dict[str, torch.Tensor]:
        """Read the source's tensors; nothing where the network starts at random."""
        return tensors_of(Pretrained.of(self.source)) if self._pretrained else {}

    def _network(self, widths: list[int]) -> Network:
        import torch

        from medgraft.networks.unet3d import UNet3d as Network

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.random_state)
            return Network(1, len(self.classes_), widths, self.norm).eval()

    def _probabilities(self, case: Case) -> NDArray[np.float32]:
        from torch.nn.functional import interpolate

        from medgraft.methods.segment.patches import on_grid
        from medgraft.methods.segment.window import slide
        from medgraft.sources.forward import pick_device

        device = pick_device(self.device)
        network = self.network_.to(device)
        x = on_grid(levels(case.values), case, self.spacing, labels=False)[None]
        step = network.step
        window = [
            -(-n // step) * step if n <= _WHOLE * p else p
            for n, p in zip(x.shape[1:], self.patch_, strict=True)
        ]
        found = slide(x, window, network, device=device)
        self.network_.to("cpu")
        if found.shape[1:] != case.grid:
            found = interpolate(found[None], size=case.grid, mode="trilinear", align_corners=False)[0]
        return np.asarray(found.numpy())

    def save_weights(self, path: str | Path) -> None:
        """Write the trained network as a source for another cohort; it holds no row of this one.

        Parameters
        ----------
        path : str or Path
            Ends in ``.safetensors``.
        """
        from safetensors.torch import save_file

        weights = {n: t.contiguous() for n, t in self.network_.state_dict().items()}
        save_file(weights, str(path), metadata={"library": "medgraft", "architecture": "unet3d"})

    def state(self) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
        """Return all that is needed to rebuild it: facts (JSON-able) and tensors."""
        own = self.network_.state_dict()
        config = {
            "widths": widths_of(own),
            "norm": self.norm,
            "spacing": self.spacing,
            "patch": list(self.patch_),
            "device": self.device,
            "classes": self.classes_.tolist(),
        }
        return config, {f"net.{n}": t.detach().cpu().contiguous() for n, t in own.items()}

    @classmethod
    def from_state(cls, config: dict[str, Any], tensors: dict[str, torch.Tensor]) -> Self:
        """Rebuild what :meth:`state` gave; it predicts the same to the last bit."""
        made = cls().set_params(norm=config["norm"], spacing=config["spacing"], device=config["device"])
        made.kind_, made.classes_ = "volume", np.array(config["classes"], dtype=np.int64)
        made.patch_ = tuple(config["patch"])
        made.network_ = made._network(config["widths"])
        made.network_.load_state_dict({n.removeprefix("net."): t for n, t in tensors.items()})
        return made
