"""One step of training: the loss of a batch, and its gradient."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from medgraft.methods.finetune import mixing, ranks

if TYPE_CHECKING:
    import numpy as np
    import torch

    from medgraft.methods.finetune.batches import Batches
    from medgraft.methods.finetune.loop import Recipe
    from medgraft.sources.network import Network


class Step:
    """Loss and gradient of batches that enter the network at some block.

    Parameters
    ----------
    network : Network
    recipe : Recipe
    entry : int
        Block at which the batches enter: 0 for images.
    pool : ThreadPoolExecutor, optional
        Threads that each compute the gradient of a piece of the batch; possible where images do not see
        each other. The sum is the same on any number of threads.
    backward : callable, optional
        Computes the gradient of a loss, where no pool does.
    apart : bool
        Whether images do not see each other, so that processes may each have a share of a batch.
    """

    def __init__(
        self,
        network: Network,
        recipe: Recipe,
        entry: int,
        pool: ThreadPoolExecutor | None = None,
        backward: Callable[[torch.Tensor], None] | None = None,
        apart: bool = False,
    ) -> None:
        self.network, self.recipe, self.entry, self.apart = network, recipe, entry, apart
        self.pool, self.backward = pool, backward or (lambda loss: loss.backward())  # type: ignore[no-untyped-call]

    def gradient(self, batch: Any, rng: np.random.Generator) -> float:
        """Put the gradient of a batch (inputs, targets, weights) into the network; return its loss.

        The weights have mean 1 over the training rows (see `Batches`), not over the batch.
        """
        import torch

        x, y, w = batch
        share = w / len(w)  # not by their sum: a batch with more of a rare, heavy class then counts for more
        if self.recipe.mix != "none":
            x, partner, own = mixing.blend(x, self.recipe.mix, rng)
            y = torch.stack([y, y[partner]], dim=1)
            w = torch.stack([own * w, (1.0 - own) * w[partner]], dim=1)
        parts: tuple[torch.Tensor, ...] = (x, y, w / len(w), share)
        shared = self.apart and len(x) >= ranks.world() > 1
        parts = ranks.share(parts) if shared else parts
        loss = self._in_turn(parts) if self.pool is None else self._in_pieces(parts, self.pool)
        loss = ranks.add_up(self.network, loss) if shared else loss
        self.recipe.penalty.add_gradient(self.network)
        return float(loss)

    def measure(self, held: Batches) -> float:
        """Return the mean loss, without penalty, of rows as they are."""
        import torch

        self.network.eval()
        total = float(held.weight.sum())
        device = next(self.network.parameters()).device

        def part(batch: Any) -> float:
            x, y, w = (t.to(device) for t in batch)
            with torch.no_grad():
                return float((w * self.recipe.loss(self.network.rest(*self._entered(x)), y)).sum())

        batches = held.in_order(self.network.trunk.piece)
        losses = map(part, batches) if self.pool is None else self.pool.map(part, batches)
        return sum(losses) / total

    def _entered(self, x: torch.Tensor) -> tuple[torch.Tensor, int]:
        """Run the frozen blocks, which leave no graph."""
        import torch

        first = self.recipe.policy.first
        if self.entry < first:
            with torch.no_grad():
                x = self.network.trunk.prefix(x, first)
        return x, first

    def _loss(self, x: torch.Tensor, y: torch.Tensor, w: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
        """Return the sum of the losses, each times its weight, and the penalty."""
        import torch

        x, first = self._entered(x)
        scores, maps, features = self.network.rest_with_map(x, first)
        targets = [(y, w)] if w.ndim == 1 else [(y[:, j], w[:, j]) for j in range(y.shape[1])]
        total = torch.stack([(v * self.recipe.loss(scores, t)).sum() for t, v in targets]).sum()
        extra = self.recipe.penalty.of_batch(x, first, maps, features)
        return total + (extra if extra.ndim == 0 else (share * extra).sum())

    def _in_turn(self, parts: tuple[torch.Tensor, ...]) -> torch.Tensor:
        """Add up the gradients of as many samples at a time as memory holds, mostly of all at once."""
        import torch

        most = self.network.trunk.whole
        if not most or self.recipe.penalty.whole_batch:
            most = len(parts[0])
        losses = []
        for part in zip(*(torch.split(t, most) for t in parts), strict=True):
            loss = self._loss(*part)
            self.backward(loss)
            losses.append(loss.detach())
        return torch.stack(losses).sum()

    def _in_pieces(self, parts: tuple[torch.Tensor, ...], pool: ThreadPoolExecutor) -> torch.Tensor:
        import torch

        weights = [p for p in self.network.parameters() if p.requires_grad]

        def piece(part: Any) -> tuple[torch.Tensor, tuple[torch.Tensor | None, ...]]:
            loss = self._loss(*part)
            return loss.detach(), torch.autograd.grad(loss, weights, allow_unused=True)

        done = list(
            pool.map(piece, zip(*(torch.split(t, self.network.trunk.piece) for t in parts), strict=True))
        )
        for weight, *grads in zip(weights, *(g for _, g in done), strict=True):
            known = [g for g in grads if g is not None]  # none: a block above the map that is read
            weight.grad = torch.stack(known).sum(dim=0) if known else None
        return torch.stack([loss for loss, _ in done]).sum()
