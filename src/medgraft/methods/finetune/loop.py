"""The training loop: lightning's Trainer, kept quiet, with gradual release and early stopping."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from medgraft.base import MedgraftError
from medgraft.methods.finetune import mixing, optimisers, ranks
from medgraft.methods.finetune.batches import Batches
from medgraft.methods.finetune.groups import Policy
from medgraft.methods.finetune.objective import Loss
from medgraft.methods.finetune.penalties import Penalty
from medgraft.methods.finetune.soup import Soup

if TYPE_CHECKING:
    import torch

    from medgraft.sources.network import Network


@dataclass(frozen=True)
class Recipe:
    """How to train.

    Parameters
    ----------
    policy : Policy
        What trains, from when on, how fast.
    loss : callable
        Scores and targets -> the loss of each image.
    penalty : Penalty
        What is added to it.
    epochs : int
        At most so many.
    patience : int
        Epochs without a better held-out loss after which training stops.
    optimizer, schedule : str
        See `medgraft.methods.finetune.optimisers`.
    weight_decay : float
        Of the optimiser.
    mix : str
        See `medgraft.methods.finetune.mixing`.
    soup : int
        So many of the best epochs are averaged; 1: only the best is kept.
    snapshots : int
        So many times the schedule runs from its start, and the weights at each end are kept.
    precision : str
        ``"32"`` or ``"16-mixed"`` (CUDA).
    """

    policy: Policy
    loss: Loss
    penalty: Penalty
    epochs: int
    patience: int
    optimizer: str = "adamw"
    schedule: str = "cosine"
    weight_decay: float = 0.01
    mix: str = "none"
    soup: int = 1
    snapshots: int = 1
    precision: str = "32"

    def __post_init__(self) -> None:
        optimisers.check(self.optimizer, self.schedule)
        mixing.check(self.mix)
        if self.soup < 1:
            raise MedgraftError(f"soup={self.soup} is out of range: use a whole number from 1.")
        if self.snapshots != 1 and not 1 < self.snapshots <= max(self.epochs, 1):
            raise MedgraftError(f"snapshots={self.snapshots} is out of range: use 1 to epochs={self.epochs}.")
        if str(self.precision) not in ("32", "16-mixed"):
            raise MedgraftError(f"precision='{self.precision}' does not exist: use 32 or 16-mixed.")

    def groups(self, network: Network) -> list[dict[str, Any]]:
        """Return the weights that will train, with their peak learning rates."""
        head = [*network.head.parameters(), *self.penalty.weights()]
        groups = [{"params": head, "peak": self.policy.head_lr}]
        groups += [{"params": network.block_weights(g.block), "peak": g.lr} for g in self.policy.groups]
        return [g for g in groups if g["params"]]


@dataclass
class History:
    """What happened, epoch by epoch.

    Attributes
    ----------
    train, held : list of float
        Mean loss on the training and on the held-out rows; ``held[0]`` is before the first epoch.
    best : int
        Number of the epoch whose weights were kept; 0 is before the first.
    soup : list of int
        Epochs whose weights were averaged, where the average was no worse than the best of them.
    factor : float
        What the learning rates were multiplied by.
    snapshots : list of dict
        Weights at the end of each cycle, where there are several.
    """

    train: list[float] = field(default_factory=list)
    held: list[float] = field(default_factory=list)
    best: int = 0
    soup: list[int] = field(default_factory=list)
    factor: float = 1.0
    snapshots: list[dict[str, Any]] = field(default_factory=list)


def train(
    network: Network,
    recipe: Recipe,
    fit: Batches,
    held: Batches | None,
    *,
    seed: int,
    device: torch.device,
    tell: Callable[[int, int], None],
    find_lr: bool = False,
) -> History:
    """Train `network` in place, and leave it with the weights of its best epoch, in evaluation mode.

    The best epoch is the one of least loss on the held-out rows, the state before training included; so
    training cannot end worse than it began, on those rows. Without held-out rows the last epoch counts.

    With frozen BatchNorm images do not see each other, so that on the CPU each core computes the gradient of
    its own pieces of a batch. The weights are then the same to the last bit on any number of cores. Where
    several processes were started (see `medgraft.methods.finetune.ranks`), each computes the gradient of its
    share of a batch; where images do see each other, all compute the same.
    """
    import lightning.pytorch as pl
    import torch

    from medgraft.sources.forward import workers
    from medgraft.sources.memory import kept_memory

    history = History()
    with _quiet(), kept_memory(), torch.random.fork_rng(devices=[]), ExitStack() as stack:
        torch.manual_seed(seed)
        pool = None
        apart = network.batchnorm != "adapt" and network.exact and not recipe.penalty.whole_batch
        if device.type == "cpu" and apart:
            pool = stack.enter_context(workers(torch.get_num_threads()))
            torch.set_num_threads(1)  # the caller's setting comes back with the end of the workers
        if find_lr:
            from medgraft.methods.finetune.lr_finder import find_factor

            history.factor = ranks.same(find_factor(network, recipe, fit, seed))
            recipe = replace(recipe, policy=recipe.policy.faster(history.factor))
        recipe.penalty.begin(network.to(device), recipe.policy.first, fit, recipe.loss)
        module = _module_class()(network, recipe, fit, held, history, tell, pool, seed, apart)
        trainer = pl.Trainer(
            max_epochs=recipe.epochs,
            accelerator={"cuda": "gpu"}.get(device.type, device.type),
            **ranks.trainer_settings(),
            precision=recipe.precision if device.type == "cuda" else "32-true",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(module, train_dataloaders=fit)
        module.choose()
        ranks.level(network)
    network.to("cpu")
    for weight in network.parameters():
        weight.grad = None
    network.eval()
    return history


@lru_cache(maxsize=1)
def _module_class() -> Any:
    """Make the LightningModule; inside a function, because importing lightning takes seconds."""
    import lightning.pytorch as pl

    from medgraft.methods.finetune.step import Step

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
            seed: int,
            apart: bool,
        ) -> None:
            super().__init__()
            self.automatic_optimization = False
            self.network = network
            self.recipe, self.fit, self.held, self.history, self.tell = recipe, fit, held, history, tell
            self.seed = seed
            self.step = Step(network, recipe, fit.inputs.first, pool, self.manual_backward, apart)
            self.soup = Soup(recipe.soup)
            self.ends = optimisers.cycle_ends(recipe.epochs, recipe.snapshots)
            self.losses: list[float] = []

        def configure_optimizers(self) -> Any:
            recipe = self.recipe
            groups = recipe.groups(self.network)
            return optimisers.make_optimiser(recipe.optimizer, groups, recipe.weight_decay)

        def on_fit_start(self) -> None:
            self.measure(0)

        def on_train_epoch_start(self) -> None:
            self.network.release(self.recipe.policy.released(self.current_epoch))
            self.network.train()

        def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
            steps = len(self.fit) * self.recipe.epochs
            done = self.current_epoch * len(self.fit) + batch_idx
            self.tell(done, steps)
            self.recipe.penalty.tick(done / steps)
            recipe = self.recipe
            within = None
            if recipe.snapshots > 1:
                within = optimisers.in_cycle(done / steps, recipe.epochs, recipe.snapshots)
            factor = optimisers.factor(recipe.schedule, done / steps, within)
            if self.recipe.schedule == "plateau":
                factor *= optimisers.DROP ** optimisers.plateaus(self.history.held)
            for group in self.optimizers().param_groups:
                group["lr"] = group["peak"] * factor

        def training_step(self, batch: Any, batch_idx: int) -> None:
            optimizer = self.optimizers()
            optimizer.zero_grad()
            rng = np.random.default_rng([self.seed, self.current_epoch, batch_idx])
            self.losses.append(self.step.gradient(batch, rng))
            optimizer.step()

        def on_train_epoch_end(self) -> None:
            epoch = self.current_epoch + 1
            self.history.train.append(sum(self.losses) / len(self.losses))
            self.losses.clear()
            self.measure(epoch)
            if self.recipe.snapshots > 1 and epoch in self.ends:
                state = self.network.state_dict()
                self.history.snapshots.append({n: t.detach().cpu().clone() for n, t in state.items()})
            if self.held is None:
                self.history.best = epoch
            elif epoch - self.history.best >= self.recipe.patience:
                self.trainer.should_stop = True
            if self.trainer.should_stop or epoch == self.recipe.epochs:
                self.tell(1, 1)

        def measure(self, epoch: int) -> None:
            if self.held is None:
                return
            loss = ranks.same(self.step.measure(self.held))
            if loss < min(self.history.held, default=math.inf):
                self.history.best = epoch
            self.history.held.append(loss)
            self.soup.offer(epoch, loss, self.network)

        def choose(self) -> None:
            """Leave the network with the best epoch's weights, or with the average if that is no worse."""
            if self.held is None:
                return
            self.history.soup = self.soup.average(self.network)
            if self.history.soup and ranks.same(self.step.measure(self.held)) <= min(self.history.held):
                return
            self.history.soup = []
            self.soup.restore(self.network)

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
