"""What the methods share that train a network on two domains at once."""

from __future__ import annotations

from typing import Any, ClassVar

from medgraft.methods.adaptation.alignments import Alignment
from medgraft.methods.finetune.finetune import FineTune
from medgraft.methods.finetune.images import Labelled
from medgraft.methods.finetune.limits import Number, check_limits
from medgraft.methods.finetune.penalties import Penalty
from medgraft.sources.pretrained import Pretrained

NEEDS = ("source", "target-rows", "images", "pretrained")


class NetworkAdaptation(FineTune):
    """Base of the methods that add an alignment of source and target images to fine-tuning.

    Derive from it, set `alignment`, and register the class. Not for methods that change no weights
    (`AdaptiveBatchNorm`).

    The network is loaded, given a head and trained as by `finetune`, all released blocks at once; each batch
    of labelled images, of all domains, meets a batch of target images, whose labels are not read. No held-out
    loss chooses the epoch: it would be the source's.

    Parameters
    ----------
    source : Pretrained or str
        The network.
    task : str, default "classification"
        ``"classification"`` or ``"regression"``.
    strength : float, default 1.0
        Of the alignment, at the end of training.
    epochs, lr, lr_decay, head_lr, unfreeze, layers, augmentation, views, cache, batch_size
        As in `FineTune`.
    random_state, device
        As in `FineTune`.
    """

    alignment: ClassVar[type[Alignment]]

    def __init__(
        self,
        source: Pretrained | str | None = None,
        *,
        task: str = "classification",
        strength: float = 1.0,
        epochs: int = 12,
        lr: float = 5e-4,
        lr_decay: float = 0.7,
        head_lr: float = 1e-3,
        unfreeze: float = 0.5,
        layers: str = "",
        augmentation: str = "light",
        views: int = 4,
        cache: str = "float32",
        batch_size: int = 32,
        random_state: int = 0,
        device: str = "auto",
    ) -> None:
        super().__init__(
            source,
            task=task,
            strength=strength,
            epochs=epochs,
            lr=lr,
            lr_decay=lr_decay,
            head_lr=head_lr,
            unfreeze=unfreeze,
            layers=layers,
            gradual=0.0,
            augmentation=augmentation,
            views=views,
            cache=cache,
            validation=0.0,
            batch_size=batch_size,
            random_state=random_state,
            device=device,
        )

    def _fit(self, rows: Labelled) -> None:
        self._aligns = len(rows.target_paths) > 1 and not rows.target.all()
        super()._fit(rows)
        self.note_ = "" if self._aligns else "There are not two domains to align: the network was fine-tuned."
        self.report_ |= {"alignment": self.alignment.__name__ if self._aligns else "none", "note": self.note_}

    def _check(self) -> None:
        super()._check()
        check_limits({"strength": self.strength}, strength=Number())

    def _make_penalty(self) -> Penalty:
        return self.alignment(self.strength, self.random_state) if self._aligns else Penalty(0.0)

    def plan(self, n_fit: int, n_predict: int) -> dict[str, Any]:
        """Say what will load and what it will cost; a step runs over as many target images again."""
        said = super().plan(n_fit, n_predict)
        return said | {"cpu_seconds": 2.0 * said["cpu_seconds"]}
