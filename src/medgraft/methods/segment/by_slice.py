"""U-Nets that see images, or volumes slice by slice: how they learn, outline, and are saved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from medgraft.methods.finetune import augment
from medgraft.methods.finetune.groups import Policy, make_policy
from medgraft.methods.finetune.inner import hold_out, note_on
from medgraft.methods.finetune.limits import COUNT, check_limits
from medgraft.methods.segment.base import SegmentEstimator
from medgraft.methods.segment.cases import Case, Marked
from medgraft.methods.segment.frame import Frame, filled, multiple
from medgraft.sources.pretrained import Pretrained

if TYPE_CHECKING:
    import torch

    from medgraft.methods.finetune.loop import History
    from medgraft.methods.segment.slices import Slices
    from medgraft.methods.segment.train import Course
    from medgraft.sources.backbone import Backbone
    from medgraft.sources.maps import EncoderDecoder
    from medgraft.sources.network import Network


class SliceEstimator(SegmentEstimator):
    """Base of the methods whose model is a U-Net on a trunk; derive from it, and write ``__init__``.

    Attributes
    ----------
    backbone_ : Backbone
        What was loaded; its module is the encoder.
    network_ : EncoderDecoder
        The trained network, in evaluation mode, on the CPU.
    frame_ : Frame
        How samples lie before it.
    report_ : dict
        What loaded, the losses by epoch and the epoch kept (JSON-able).
    note_ : str
        A sentence where there was too little data for an inner split, else empty.
    """

    _pretrained = True
    backbone_: Backbone
    network_: EncoderDecoder
    frame_: Frame
    report_: dict[str, Any]
    source: Pretrained | str | None
    epochs: int
    lr: float
    lr_decay: float
    head_lr: float
    frozen: float
    unfreeze: float
    batchnorm: str
    size: int
    view: str
    axis: int
    slices: int
    augmentation: str
    validation: float
    patience: int
    optimizer: str
    schedule: str
    weight_decay: float
    batch_size: int
    random_state: int
    device: str

    def _fit(self, rows: Marked) -> None:
        from medgraft.methods.segment.slices import Slices

        self._check()
        course = self._course()
        source = Pretrained.of(self.source)
        self.backbone_ = source.load(pretrained=self._pretrained, seed=self.random_state)
        self.frame_ = self._frame(rows)
        self.network_ = self._network()
        inner, held = hold_out(rows.share, rows.units, self.validation, self.random_state, 0)
        self.note_ = note_on(self.validation, held)
        self.report_ = {
            "load": self.backbone_.report.to_dict(),
            **self._policy().describe(),
            "rows": {"train": len(inner), "held": len(held)},
        }
        changes, seed = self.augmentation == "light", self.random_state
        feed = Slices(rows, self.frame_, inner, held, batch_size=self.batch_size, changes=changes, seed=seed)
        self.network_.decoder.begin(feed.shares(len(self.classes_)))
        self._learn(feed, course)

    def _check(self) -> None:
        """Refuse settings that cannot be, before anything is loaded or trained."""
        check_limits(self.get_params(deep=False), epochs=COUNT, batchnorm=("frozen", "adapt"))
        augment.check(self.augmentation)

    def _learn(self, feed: Slices, course: Course) -> None:
        """Train the decoder alone, then the encoder too."""
        network, policy = self.network_, self._policy()
        alone = round(self.frozen * self.epochs)
        course = replace(course, apart=False)  # the decoder's BatchNorm sees a whole batch
        history = self._train(
            network,
            list(network.decoder.parameters()),
            lambda epoch: network.release(policy.released(epoch) if epoch >= alone else ()),
            feed,
            course,
        )
        losses = {"train": history.train, "held": history.held}
        self.report_ = {**self.report_, "loss": losses, "best": history.best}

    def _train(
        self,
        network: EncoderDecoder | Network,
        new: list[Any],
        release: Callable[[int], None],
        feed: Slices,
        course: Course,
    ) -> History:
        """Train new weights and the encoder's released blocks, each at its rate."""
        from medgraft.methods.segment.train import train
        from medgraft.sources.forward import pick_device

        policy = self._policy()
        groups = [{"params": new, "peak": policy.head_lr}]
        groups += [{"params": network.block_weights(g.block), "peak": g.lr} for g in policy.groups]
        device, tell = pick_device(self.device), self._tell("training")
        return train(network, groups, release, feed, course, seed=self.random_state, device=device, tell=tell)

    def _course(self) -> Course:
        from medgraft.methods.segment.train import Course

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
        pixels = self.frame_.pixels(case)
        return self.frame_.back(self._outlined(pixels, range(len(pixels))), case)

    def _outlined(self, pixels: NDArray[np.uint8], which: Sequence[int]) -> torch.Tensor:
        """Return probabilities (n, K, h, w) of some slices."""
        import torch

        from medgraft.methods.segment.window import slide
        from medgraft.sources.forward import pick_device

        frame = self.frame_
        if frame.view == "whole":
            return self._per_slice(self.network_, pixels, which)[:, :, : pixels.shape[2], : pixels.shape[3]]
        device, window = pick_device(self.device), (frame.size, frame.size)
        network = self.network_.to(device)
        found = [slide(frame.look(pixels, i).float(), window, network, device=device) for i in which]
        self.network_.to("cpu")
        return torch.stack(found)

    def _per_slice(
        self, network: torch.nn.Module, pixels: NDArray[np.uint8], which: Sequence[int]
    ) -> torch.Tensor:
        """Return the probabilities (n, K, ...) that a network gives to some slices, each seen whole."""
        from medgraft.sources.forward import pick_device, run_batches

        device, frame = pick_device(self.device), self.frame_
        sides = multiple(pixels.shape[2]), multiple(pixels.shape[3])
        network.eval().to(device)
        found = run_batches(
            len(which),
            lambda i: filled(frame.look(pixels, which[i]), sides),
            lambda batch: network(batch).float().softmax(dim=1),
            device=device,
        )
        network.to("cpu")
        return found

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
