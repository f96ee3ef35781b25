"""What the methods share that adapt to target images without a look back at the source's."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from typing import TYPE_CHECKING, Any

from medgraft.methods.finetune.finetune import FineTune
from medgraft.methods.finetune.images import Labelled
from medgraft.methods.finetune.stages import measure_anew
from medgraft.methods.table import InputError
from medgraft.sources.pretrained import Pretrained

if TYPE_CHECKING:
    import torch

    from medgraft.methods.finetune.batches import Batches


class SourceFree(FineTune):
    """Base of the methods that fine-tune on labelled rows, and then adapt to the target's images alone.

    Derive from it, write ``_adapt``, and register the class. Not for methods that compare the domains
    (`NetworkAdaptation`).

    The network is fine-tuned as by `finetune` on the labelled images of all domains, with the BatchNorm
    statistics of those images. Then the target's images give it their own statistics, and it learns from
    them with its head held still; it never reads a source image again, so that this stage could run where
    the source's patients must not go. Where the adapted network gives all of them one class and
    the one before it did not, it has collapsed, and the one before it is kept.

    Parameters
    ----------
    source : Pretrained or str
        The network.
    task : str, default "classification"
        ``"classification"``.
    adapt_epochs : int, default 5
        Passes over the target's images.
    adapt_lr : float
        Peak learning rate then.
    loss : str, default "smooth"
        Of the fine-tuning, as in `FineTune`; not ``"ordinal"``, whose outputs are no scores of classes.
    epochs, lr, lr_decay, head_lr, unfreeze, layers, augmentation, views, cache, batch_size
        As in `FineTune`.
    random_state, device
        As in `FineTune`.
    """

    def __init__(
        self,
        source: Pretrained | str | None = None,
        *,
        task: str = "classification",
        adapt_epochs: int = 5,
        adapt_lr: float = 1e-3,
        epochs: int = 12,
        lr: float = 5e-4,
        lr_decay: float = 0.7,
        head_lr: float = 1e-3,
        unfreeze: float = 0.5,
        layers: str = "",
        loss: str = "smooth",
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
            epochs=epochs,
            lr=lr,
            lr_decay=lr_decay,
            head_lr=head_lr,
            unfreeze=unfreeze,
            layers=layers,
            gradual=0.0,
            batchnorm="recompute",
            loss=loss,
            augmentation=augmentation,
            views=views,
            cache=cache,
            validation=0.0,
            batch_size=batch_size,
            random_state=random_state,
            device=device,
        )
        self.adapt_epochs = adapt_epochs
        self.adapt_lr = adapt_lr

    def _check(self) -> None:
        super()._check()
        if self.answer == "stages":
            raise InputError(
                f"loss='ordinal' has no place in {type(self).__name__}, which learns from the chances of "
                "classes that compete: use auto, focal, logit-adjusted or smooth."
            )

    def _fit(self, rows: Labelled) -> None:
        super()._fit(rows)
        paths = list(dict.fromkeys(rows.target_paths))
        self.note_, losses = "", []
        if len(self.classes_) == 1:
            self.note_ = "There is one class, so that nothing was adapted."
        elif len(paths) < 2 or rows.target.all():
            self.note_ = "There are not two domains, or one target image: the network was fine-tuned only."
        else:
            losses = self._adapt_safely(paths)
        self.report_ |= {"adapted_to": len(paths) if losses else 0, "loss_adapt": losses, "note": self.note_}

    def _adapt_safely(self, paths: list[str]) -> list[float]:
        """Adapt, unless it ends in one class for all; return the loss of each epoch."""
        before = {n: t.detach().clone() for n, t in self.network_.state_dict().items()}
        guessed = self._guessed(paths)
        measure_anew(self, paths)
        losses = self._adapt(paths)
        for weight in self.network_.head.parameters():
            weight.requires_grad_(True)
        if len(self._guessed(paths)) == 1 < len(guessed):
            self.network_.load_state_dict(before)
            self.note_ = (
                "Adaptation gave all target images one class, which they did not have before: it was undone."
            )
            return []
        return losses

    @abstractmethod
    def _adapt(self, paths: list[str]) -> list[float]:
        """Change ``network_`` by target images; return the loss of each epoch."""

    def _guessed(self, paths: list[str]) -> Counter[int]:
        """How many images get which class."""
        return Counter(self._scores(paths).argmax(axis=1).tolist())

    def _train(self, network: Any, policy: Any, loss: Any, fit: Batches) -> list[float]:
        """Train a network on the target's images, its head held still."""
        from medgraft.methods.finetune.loop import Recipe, train
        from medgraft.methods.selfsup.contrast import Together
        from medgraft.sources.forward import pick_device

        network.head.requires_grad_(False)
        recipe = Recipe(policy, loss, Together(0.0), self.adapt_epochs, self.adapt_epochs, weight_decay=0.0)
        device, tell = pick_device(self.device), self._tell("adapting")
        return train(network, recipe, fit, None, seed=self.random_state, device=device, tell=tell).train

    def plan(self, n_fit: int, n_predict: int) -> dict[str, Any]:
        """Say what will load and what it will cost; the target's images come on top of the source's."""
        said = super().plan(n_fit, n_predict)
        share = 1.0 + self.adapt_epochs / max(self.epochs, 1)
        return said | {"cpu_seconds": share * said["cpu_seconds"]}


def entropies(scores: torch.Tensor) -> torch.Tensor:
    """Return the entropy in nats of each image (b,) from its scores (b, K)."""
    import torch

    log_p = torch.log_softmax(scores.float(), dim=1)
    return -(log_p.exp() * log_p).sum(dim=1)
