"""A U-Net on a pretrained encoder, for images and for volumes slice by slice."""

from __future__ import annotations

from medgraft.methods.registry import method
from medgraft.methods.segment.by_slice import SliceEstimator
from medgraft.sources.pretrained import Pretrained


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
class UNet(SliceEstimator):
    r"""U-Net whose encoder is a pretrained network: outlines images, and volumes slice by slice.

    Use it with some dozen outlined images or a dozen volumes. Not where a finding is told from others only by
    its course over many slices: `unet3d` sees all three directions.

    The encoder is any convolutional network of the registry; its last map of each resolution goes to the
    decoder (`medgraft.networks.unet`). With a DenseNet it is DenseUNet. AdamW minimises
    the mean over training slices of cross-entropy + 1 - soft Dice; first over the decoder alone, as its
    random weights would spoil the encoder, then over the encoder too, each block at a smaller rate than the
    one above. BatchNorm of the encoder stays as it was trained, that of the decoder trains. The weights of
    the epoch with the least loss on held-out patients are kept.

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
    The same seed on the same machine with as many cores gives the same weights. Cost: about three forward
    passes per slice and epoch. Memory: training slices as bytes, up to 1 GiB, beyond that in temporary
    files; one sample's probabilities when it predicts.

    Examples
    --------
    >>> UNet("timm:densenet121", epochs=5).slices
    3
    """

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
