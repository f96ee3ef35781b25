"""A U-Net on a pretrained encoder, for images and for volumes slice by slice."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError
from medgraft.methods.finetune import augment
from medgraft.methods.finetune.groups import Policy, make_policy
from medgraft.methods.finetune.inner import hold_out
from medgraft.methods.registry import method
from medgraft.methods.segment.base import SegmentEstimator
from medgraft.methods.segment.cases import Case, Marked
from medgraft.methods.segment.frame import Frame, filled, multiple
from medgraft.sources.pretrained import Pretrained

if TYPE_CHECKING:
    import torch

    from medgraft.methods.segment.train import Course
    from medgraft.sources.backbone import Backbone
    from medgraft.sources.maps import EncoderDecoder

_CHUNK = 32  # slices whose scores are in memory at once


@method(
    "unet",
    family="segment",
    tasks=("segmentation",),
    needs=("target-labels", "images", "masks", "pretrained"),
    cost="epochs x slices training steps of encoder and decoder",
    refs=(
        "Ronneberger, Fischer and Brox 2015, doi:10.1007/978-3-319-24574-4_28",
        "Iglovikov and Shvets 2018, arXiv:1801.05746",
        "Milletari, Navab and Ahmadi 2016, doi:10.1109/3DV.2016.79 (Dice)",
    ),
    default=True,
)
class UNet(SegmentEstimator):
    r"""U-Net whose encoder is a pretrained network: outlines images, and volumes slice by slice.

    Use it with some dozen outlined images or a dozen volumes. Not where a finding is told from others only by
    its course over many slices: `unet3d` sees all three directions.

    The encoder is any convolutional network of the registry; its last map of each resolution goes to the
    decoder (`medgraft.networks.unet`). With a DenseNet it is DenseUNet. AdamW minimises
    the mean over training slices of cross-entropy + 1 - soft Dice; first over the decoder alone, as its
    random weights would spoil the encoder, then over the encoder too, each block at a smaller rate than the
    one above. BatchNorm of the encoder stays as it was trained. The weights of the epoch with the
    least loss on held-out patients are kept.

    Parameters
    ----------
    source : Pretrained or str
        The network.
    task : str, default "segmentation"
        The only one.
    epochs : int, default 12
        At most so many passes over the training slices that hold something, and as many that do not.
    lr : float, default 1e-3
        Peak learning rate of the encoder's last block.
    lr_decay : float, default 0.8
        Factor from one block to the one below.
    head_lr : float, default 3e-3
        Peak learning rate of the decoder.
    frozen : float, default 0.15
        Share of the epochs in which the decoder alone trains.
    unfreeze : float, default 1.0
        Share of the encoder's blocks that train after that, counted from the coarsest; 0 to 1.
    batchnorm : str, default "frozen"
        ``"frozen"``, or ``"adapt"``: that of the encoder trains and updates its statistics.
    size : int, default 0
        Pixels of the longer side that the network sees; 0: what the network was trained on, or for volumes
        twice the longest side of a slice if that is less.
    view : str, default "whole"
        ``"whole"``: each image or slice is brought to `size`; ``"windows"``: windows of `size` at its own
        resolution, with Gaussian weights where they overlap (see `slide`).
    axis : int, default 2
        Volumes are cut into slices along it: 0 sagittal, 1 coronal, 2 axial.
    slices : int, default 3
        Neighbouring slices that become the channels of one image: 3, or 1 for the slice alone.
    augmentation : str, default "light"
        ``"light"``: small turns, shifts, zooms, changes of grey level of training slices, and of images left
        to right flips, with the mask turned along; ``"none"``.
    validation : float, default 0.15
        Share of the training rows held out, patients whole, to stop early; 0: none.
    patience : int, default 4
        Epochs without a better held-out loss before stopping.
    optimizer, schedule, weight_decay
        As in `finetune`.
    batch_size : int, default 16
        Slices a step.
    random_state : int, default 0
        Seed of the decoder's weights, the inner split, the order of the slices and their changes.
    device : str, default "auto"
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.

    Attributes
    ----------
    network_ : EncoderDecoder
        The trained network, in evaluation mode, on the CPU.
    frame_ : Frame
        How samples lie before it.
    report_ : dict
        What loaded, the losses by epoch and the epoch kept (JSON-able).
    note_ : str
        A sentence where there was too little data for an inner split, else empty.

    Notes
    -----
    The same seed on the same machine gives the same weights, with frozen BatchNorm on any number of cores.
    Cost: about three forward passes per slice and epoch. Memory: training slices as bytes, up to 1 GiB,
    beyond that in temporary files; one sample's probabilities when it predicts.

    Examples
    --------
    >>> UNet("timm:densenet121", epochs=5).slices
    3
    """

    _pretrained = True
    backbone_: Backbone
    network_: EncoderDecoder
    frame_: Frame

    def __init__(
        self,
        source: Pretrained | str | None = None,
        *,
        task: str = "segmentation",
        epochs: int = 12,
        lr: float = 1e-3,
        lr_decay: float = 0.8,
        head_lr: float = 3e-3,
        frozen: float = 0.15,
        unfreeze: float = 1.0,
        batchnorm: str = "frozen",
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
        self.source = source
        self.task = task
        self.epochs = epochs
        self.lr = lr
        self.lr_decay = lr_decay
        self.head_lr = head_lr
        self.frozen = frozen
        self.unfreeze = unfreeze
        self.batchnorm = batchnorm
        self.size = size
        self.view = view
        self.axis = axis
        self.slices = slices
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
        from medgraft.methods.segment.slices import Slices
        from medgraft.methods.segment.train import train
        from medgraft.sources.forward import pick_device

        augment.check(self.augmentation)
        course = self._course()
        source = Pretrained.of(self.source)
        self.backbone_ = source.load(pretrained=self._pretrained, seed=self.random_state)
        self.frame_ = self._frame(rows)
        network = self.network_ = self._network()
        policy = self._policy()
        inner, held = hold_out(rows.share, rows.units, self.validation, self.random_state, 0)
        self.note_ = "" if len(held) else "Too few rows for an inner split: no early stopping."
        feed = Slices(
            rows,
            self.frame_,
            inner,
            held,
            batch_size=self.batch_size,
            changes=self.augmentation == "light",
            seed=self.random_state,
        )
        alone = round(self.frozen * self.epochs)
        groups = [{"params": list(network.decoder.parameters()), "peak": policy.head_lr}]
        groups += [{"params": network.block_weights(g.block), "peak": g.lr} for g in policy.groups]
        history = train(
            network,
            groups,
            lambda epoch: network.release(policy.released(epoch) if epoch >= alone else ()),
            feed,
            course,
            seed=self.random_state,
            device=pick_device(self.device),
            tell=self._tell("training"),
        )
        self.report_ = {
            "load": self.backbone_.report.to_dict(),
            **policy.describe(),
            "rows": {"train": len(inner), "held": len(held)},
            "loss": {"train": history.train, "held": history.held},
            "best": history.best,
        }

    def _course(self) -> Course:
        from medgraft.methods.segment.train import Course

        if self.epochs < 1 or self.batch_size < 1 or not 0.0 <= self.frozen <= 1.0:
            raise MedgraftError("epochs and batch_size are 1 or more, and frozen is from 0 to 1.")
        apart = self.batchnorm != "adapt"
        return Course(self.epochs, self.patience, self.optimizer, self.schedule, self.weight_decay, 4, apart)

    def _policy(self) -> Policy:
        return make_policy(
            [name for name, _ in self.backbone_.module.blocks],
            unfreeze=self.unfreeze,
            gradual=0.0,
            epochs=self.epochs,
            lr=self.lr,
            lr_decay=self.lr_decay,
            head_lr=self.head_lr,
        )

    def _network(self) -> EncoderDecoder:
        import torch

        from medgraft.sources.maps import EncoderDecoder

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.random_state)
            return EncoderDecoder(self.backbone_.module, len(self.classes_), self.batchnorm).eval()

    def _frame(self, rows: Marked) -> Frame:
        """Choose what the network sees, from the training rows."""
        own = self.backbone_.spec.input_size
        slices = self.slices if rows.kind == "volume" else 1
        frame = Frame(self.size or own, self.view, self.axis, slices, self.backbone_.channels)
        if rows.kind == "image" or self.view == "windows":
            return frame
        longest = reach = 0.0
        for i in range(len(rows.refs)):
            case, _ = rows.open(i)
            for a in {0, 1, 2} - {self.axis}:
                longest = max(longest, case.grid[a])
                reach = max(reach, case.grid[a] * case.spacing[a])
        size = self.size or min(multiple(2 * int(longest)), own)
        return replace(frame, size=size, pixel=reach / size)

    def _channels(self) -> int:
        return self.backbone_.channels

    def _probabilities(self, case: Case) -> NDArray[np.float32]:
        import torch

        from medgraft.methods.segment.window import slide
        from medgraft.sources.forward import pick_device, run_batches

        device = pick_device(self.device)
        network, frame = self.network_.to(device), self.frame_
        pixels = frame.pixels(case)
        h, w = pixels.shape[2:]
        sides = (multiple(h), multiple(w))
        found = torch.empty(len(pixels), len(self.classes_), h, w)
        if frame.view == "windows":
            for i in range(len(pixels)):
                window = (frame.size, frame.size)
                found[i] = slide(frame.look(pixels, i).float(), window, network, device=device)
        for first in range(0, 0 if frame.view == "windows" else len(pixels), _CHUNK):
            part = run_batches(
                min(_CHUNK, len(pixels) - first),
                lambda i, first=first: filled(frame.look(pixels, first + i), sides),  # type: ignore[misc]
                lambda batch: network(batch).float().softmax(dim=1),
                device=device,
            )
            found[first : first + len(part)] = part[:, :, :h, :w]
        self.network_.to("cpu")
        return frame.back(found, case)

    def state(self) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
        """Return all that is needed to rebuild it: facts (JSON-able) and tensors."""
        tensors = {f"trunk.{name}": t for name, t in self.backbone_.tensors().items()}
        own = self.network_.decoder.state_dict()
        tensors |= {f"decoder.{n}": t.detach().cpu().contiguous() for n, t in own.items()}
        config = {
            "backbone": self.backbone_.config(),
            "batchnorm": self.batchnorm,
            "device": self.device,
            "kind": self.kind_,
            "classes": self.classes_.tolist(),
            "frame": asdict(self.frame_),
        }
        return config, tensors

    @classmethod
    def from_state(cls, config: dict[str, Any], tensors: dict[str, torch.Tensor]) -> Self:
        """Rebuild what :meth:`state` gave; it predicts the same to the last bit.

        Raises
        ------
        MedgraftError
            The weights are not those of the network.
        """
        from medgraft.sources.backbone import Backbone

        parts = {
            part: {n.removeprefix(part): t for n, t in tensors.items() if n.startswith(part)}
            for part in ("trunk.", "decoder.")
        }
        made = cls(Pretrained(config["backbone"]["network"]["name"]), device=config["device"])
        made.batchnorm = config["batchnorm"]
        made.backbone_ = Backbone.from_config(config["backbone"], parts["trunk."])
        made.kind_, made.classes_ = config["kind"], np.array(config["classes"], dtype=np.int64)
        made.frame_ = Frame(**config["frame"])
        made.network_ = made._network()
        made.network_.decoder.load_state_dict(parts["decoder."])
        return made
