"""First whether there is anything to outline, then where: two networks, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError
from medgraft.methods.registry import method
from medgraft.methods.segment.by_slice import SliceEstimator
from medgraft.methods.segment.cases import Case
from medgraft.sources.pretrained import Pretrained

if TYPE_CHECKING:
    import torch

    from medgraft.methods.segment.slices import Slices
    from medgraft.methods.segment.train import Course
    from medgraft.sources.network import Network

_FIRST = "classifier."  # before the names of the first network's tensors


@method(
    "two-phase",
    family="segment",
    tasks=("segmentation",),
    needs=("target-labels", "images", "masks", "pretrained"),
    cost="that of unet, and of fine-tuning a classifier",
    refs=("Madduri et al. 2024, doi:10.7717/peerj-cs.2135",),
)
class TwoPhase(SliceEstimator):
    r"""A classifier says in which images or slices there is anything; a U-Net outlines it in those alone.

    Use it where most images, or slices of a volume, hold nothing to outline: the first network is spared
    drawing, the second is spared the empty ones. Not where nearly all hold something (`unet` does it in one).

    Phase 1 fine-tunes the source to tell images with a mask from those without,
    :math:`q(x) = P(\exists v: y_v > 0)`; phase 2 trains a U-Net, whose encoder starts from what phase 1
    made of the source, on images with something in them. An image with :math:`q(x)` below the threshold is
    background throughout; each of the two networks is kept as of its best epoch on held-out patients.

    Parameters
    ----------
    source : Pretrained or str
        The network.
    threshold : float, default 0.5
        Probability of something from which an image is outlined; lower misses less.
    task, epochs, lr, lr_decay, head_lr, frozen, size, axis, slices, augmentation, validation, patience
        As in `unet`; both phases have them.
    optimizer, schedule, weight_decay, batch_size, random_state, device
        As in `unet`.

    Attributes
    ----------
    classifier_ : Network
        The first network, in evaluation mode, on the CPU.
    network_ : EncoderDecoder
        The second.

    Notes
    -----
    With images that all hold something phase 1 has nothing to learn: that is refused.

    Examples
    --------
    >>> TwoPhase("timm:resnet50", threshold=0.2).threshold
    0.2
    """

    classifier_: Network

    def __init__(
        self,
        source: Pretrained | str | None = None,
        *,
        threshold: float = 0.5,
        task: str = "segmentation",
        epochs: int = 12,
        lr: float = 1e-3,
        lr_decay: float = 0.8,
        head_lr: float = 3e-3,
        frozen: float = 0.15,
        size: int = 0,
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
        self.threshold = threshold
        self.task = task
        self.epochs = epochs
        self.lr = lr
        self.lr_decay = lr_decay
        self.head_lr = head_lr
        self.frozen = frozen
        self.size = size
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
        self.unfreeze, self.batchnorm, self.view = 1.0, "frozen", "whole"

    def _learn(self, feed: Slices, course: Course) -> None:
        from dataclasses import replace

        from medgraft.sources.backbone import Backbone
        from medgraft.sources.network import Network

        if not (feed.nothing and feed.something):
            raise MedgraftError(
                "Every training image or slice holds something to outline, so there is nothing for a first "
                "phase to tell apart: use unet."
            )
        head = self._head()
        first = Network(self.backbone_.module, head)
        alone, policy = round(self.frozen * self.epochs), self._policy()
        history = self._train(
            first,
            list(head.parameters()),
            lambda epoch: first.release(policy.released(epoch) if epoch >= alone else ()),
            feed,
            replace(course, loss=_anything),
        )
        self.report_ = {
            **self.report_,
            "first": {"loss": {"train": history.train, "held": history.held}, "best": history.best},
        }
        own = self.backbone_.tensors()
        kept = Backbone.from_config(self.backbone_.config(), {n: t.clone() for n, t in own.items()})
        self.classifier_ = Network(kept.module, head).eval()
        feed.nothing.clear()
        feed.watched = [(i, s) for i, s in feed.watched if feed.codes[i][s].any()]
        super()._learn(feed, course)

    def _head(self) -> Any:
        import torch

        from medgraft.sources.network import Head

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.random_state)
            return Head(self.backbone_.d, 2)

    def _probabilities(self, case: Case) -> NDArray[np.float32]:
        import torch

        pixels = self.frame_.pixels(case)
        there = self._per_slice(self.classifier_, pixels, range(len(pixels)))[:, 1].numpy()
        which = np.flatnonzero(there >= self.threshold).tolist()
        found = torch.zeros(len(pixels), len(self.classes_), *pixels.shape[2:])
        found[:, 0] = 1.0
        if which:
            found[which] = self._outlined(pixels, which)
        return self.frame_.back(found, case)

    def state(self) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
        """Return all that is needed to rebuild it: facts (JSON-able) and tensors."""
        config, tensors = super().state()
        own = {
            **{f"trunk.{n}": t for n, t in self.classifier_.trunk.net.state_dict().items()},
            **{f"head.{n}": t for n, t in self.classifier_.head.state_dict().items()},
        }
        tensors |= {_FIRST + n: t.detach().cpu().contiguous() for n, t in own.items()}
        return config | {"threshold": self.threshold}, tensors

    @classmethod
    def from_state(cls, config: dict[str, Any], tensors: dict[str, torch.Tensor]) -> Self:
        """Rebuild what :meth:`state` gave; it predicts the same to the last bit."""
        from medgraft.sources.backbone import Backbone
        from medgraft.sources.network import Network

        first = {n.removeprefix(_FIRST): t for n, t in tensors.items() if n.startswith(_FIRST)}
        made = super().from_state(config, {n: t for n, t in tensors.items() if not n.startswith(_FIRST)})
        made.threshold = config["threshold"]
        trunk = {n.removeprefix("trunk."): t for n, t in first.items() if n.startswith("trunk.")}
        head = made._head()
        head.load_state_dict({n.removeprefix("head."): t for n, t in first.items() if n.startswith("head.")})
        made.classifier_ = Network(Backbone.from_config(config["backbone"], trunk).module, head).eval()
        return made


def _anything(scores: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
    """Return the log loss of each image (b,) against whether its mask holds anything."""
    from torch.nn.functional import cross_entropy

    return cross_entropy(scores.float(), (codes > 0).flatten(1).any(dim=1).long(), reduction="none")
