"""The training loop: lightning's Trainer, kept quiet, with gradual release and early stopping."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from medgraft.base import MedgraftError
from medgraft.methods.finetune.batches import Batches
from medgraft.methods.finetune.groups import Policy

if TYPE_CHECKING:
    import torch

    from medgraft.sources.network import Network

SCHEDULES = ("cosine", "constant")
WARM_UP = 0.05  # share of the steps in which the learning rate rises
PIECE = (
    8  # images whose gradient one core computes; fixed, so that the sum is the same on any number of cores
)


@dataclass(frozen=True)
class Recipe:
    """How to train.

    Parameters
    ----------
    policy : Policy
        What trains, from when on, how fast.
    epochs : int
        At most so many.
    schedule : str
        ``"cosine"`` or ``"constant"``, both after a short warm-up.
    weight_decay : float
        Of AdamW.
    patience : int
        Epochs without a better held-out loss after which training stops.
    precision : str
        ``"32"`` or ``"16-mixed"`` (CUDA).
    """

    policy: Policy
    epochs: int
    schedule: str
    weight_decay: float
    patience: int
    precision: str

    def __post_init__(self) -> None:
        if self.schedule not in SCHEDULES:
            raise MedgraftError(
                f"schedule='{self.schedule}' does not exist: use one of {', '.join(SCHEDULES)}."
            )
        if str(self.precision) not in ("32", "16-mixed"):
            raise MedgraftError(f"precision='{self.precision}' does not exist: use 32 or 16-mixed.")

    def factor(self, done: float) -> float:
        """Return the learning rate as a share of its peak when a share `done` of the steps is done."""
        warm = min(1.0, (done + 1e-3) / WARM_UP)
        return warm if self.schedule == "constant" else warm * 0.5 * (1.0 + math.cos(math.pi * done))


@dataclass
class History:
    """What happened, epoch by epoch.

    Attributes
    ----------
    train, held : list of float
        Mean loss on the training and on the held-out rows; ``held[0]`` is before the first epoch.
    best : int
        Number of the epoch whose weights were kept; 0 is before the first.
    """

    train: list[float] = field(default_factory=list)
    held: list[float] = field(default_factory=list)
    best: int = 0


def train(
    network: Network,
    recipe: Recipe,
    fit: Batches,
    held: Batches | None,
    *,
    seed: int,
    device: torch.device,
    tell: Callable[[int, int], None],
) -> History:
    """Train `network` in place, and leave it with the weights of its best epoch, in evaluation mode.

    The best epoch is the one of least loss on the held-out rows, the state before training included; so
    training cannot end worse than it began, on those rows. Without held-out rows the last epoch counts.

    With frozen BatchNorm images do not see each other, so that on the CPU each core computes the gradient of
    its own pieces of a batch. The weights are then the same to the last bit on any number of cores.
    """
    import lightning.pytorch as pl
    import torch

    from medgraft.sources.forward import workers
    from medgraft.sources.memory import kept_memory

    history = History()
    with _quiet(), kept_memory(), torch.random.fork_rng(devices=[]), ExitStack() as stack:
        torch.manual_seed(seed)
        pool = None
        if device.type == "cpu" and network.batchnorm == "frozen" and network.exact:
            pool = stack.enter_context(workers(torch.get_num_threads()))
            torch.set_num_threads(1)  # the caller's setting comes back with the end of the workers
        module = _module_class()(network.to(device), recipe, fit, held, history, tell, pool)
        trainer = pl.Trainer(
            max_epochs=recipe.epochs,
            accelerator={"cuda": "gpu"}.get(device.type, device.type),
            devices=1,
            precision=recipe.precision if device.type == "cuda" else "32-true",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(module, train_dataloaders=fit)
    network.to("cpu")
    module.restore()
    for weight in network.parameters():
        weight.grad = None
    network.eval()
    return history


@lru_cache(maxsize=1)
def _module_class() -> Any:
    """Make the LightningModule; inside a function, because importing lightning takes seconds."""
    import lightning.pytorch as pl
    import torch
    from torch import nn

    class Module(pl.LightningModule):
        def __init__(
            self,
            network: Network,
            recipe: Recipe,
            fit: Batches,
            held: Batches | None,
            history: History,
            tell: Callable[[int, int], None],
            pool: ThreadPoolExecutor | None,
        ) -> None:
            super().__init__()
            self.automatic_optimization = False
            self.pool = pool
            self.network = network
            self.recipe, self.fit, self.held, self.history, self.tell = recipe, fit, held, history, tell
            self.kept: dict[str, torch.Tensor] | None = None
            self.losses: list[float] = []

        def configure_optimizers(self) -> Any:
            head = {"params": list(self.network.head.parameters()), "peak": self.recipe.policy.head_lr}
            groups = [
                {"params": self.network.block_weights(g.block), "peak": g.lr}
                for g in self.recipe.policy.groups
            ]
            groups = [g for g in [head, *groups] if g["params"]]
            return torch.optim.AdamW(groups, lr=0.0, weight_decay=self.recipe.weight_decay)

        def on_fit_start(self) -> None:
            if self.held is not None:
                self.history.held.append(self.held_loss())
                self.keep()

        def on_train_epoch_start(self) -> None:
            self.network.release(self.recipe.policy.start(self.current_epoch))
            self.network.train()

        def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
            steps = len(self.fit) * self.recipe.epochs
            done = self.current_epoch * len(self.fit) + batch_idx
            self.tell(done, steps)
            for group in self.optimizers().param_groups:
                group["lr"] = group["peak"] * self.recipe.factor(done / steps)

        def training_step(self, batch: Any, batch_idx: int) -> None:
            optimizer = self.optimizers()
            optimizer.zero_grad()
            if self.pool is None:
                loss = self.loss(batch, self.fit.inputs.first) / batch[2].sum()
                self.manual_backward(loss)
            else:
                loss = self.loss_in_pieces(batch, self.pool)
            optimizer.step()
            self.losses.append(float(loss))

        def loss(self, batch: Any, entry: int) -> torch.Tensor:
            """Return the weighted sum of the losses of a batch that enters at block `entry`."""
            x, y, w = batch
            first = self.recipe.policy.first
            if entry < first:  # images: the frozen blocks run here, and leave no graph
                with torch.no_grad():
                    x = self.network.trunk.prefix(x, first)
            scores = self.network.rest(x, first)
            if y.dtype == torch.int64:
                each = nn.functional.cross_entropy(scores.float(), y, reduction="none")
            else:
                each = (scores[:, 0].float() - y) ** 2
            return (w * each).sum()

        def loss_in_pieces(self, batch: Any, pool: ThreadPoolExecutor) -> torch.Tensor:
            """Put the gradient of a batch into the weights, its pieces computed side by side."""
            weights = [p for p in self.network.parameters() if p.requires_grad]
            total = batch[2].sum()

            def piece(part: Any) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
                loss = self.loss(part, self.fit.inputs.first) / total
                return loss.detach(), torch.autograd.grad(loss, weights)

            done = list(pool.map(piece, zip(*(t.split(PIECE) for t in batch), strict=True)))
            for weight, *parts in zip(weights, *(grads for _, grads in done), strict=True):
                weight.grad = torch.stack(parts).sum(dim=0)
            return torch.stack([loss for loss, _ in done]).sum()

        def held_loss(self) -> float:
            held = self.held
            if held is None:
                raise RuntimeError("there are no held-out rows")
            self.network.eval()

            def part(batch: Any) -> float:
                with torch.no_grad():
                    return float(self.loss(tuple(t.to(self.device) for t in batch), held.inputs.first))

            batches = held.in_order(PIECE)
            losses = map(part, batches) if self.pool is None else self.pool.map(part, batches)
            return sum(losses) / float(held.weight.sum())

        def on_train_epoch_end(self) -> None:
            epoch = self.current_epoch + 1
            self.history.train.append(sum(self.losses) / len(self.losses))
            self.losses.clear()
            if self.held is None:
                self.history.best = epoch
            else:
                loss = self.held_loss()
                if loss < min(self.history.held):
                    self.history.best = epoch
                    self.keep()
                self.history.held.append(loss)
                if epoch - self.history.best >= self.recipe.patience:
                    self.trainer.should_stop = True
            if self.trainer.should_stop or epoch == self.recipe.epochs:
                self.tell(1, 1)

        def keep(self) -> None:
            self.kept = {
                name: tensor.detach().cpu().clone() for name, tensor in self.network.state_dict().items()
            }

        def restore(self) -> None:
            if self.kept is not None:
                self.network.load_state_dict(self.kept)

    return Module


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence lightning's advice: what a user should know is in the plan and the report."""
    names = ("lightning.pytorch", "lightning.fabric", "lightning.pytorch.utilities.rank_zero")
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
