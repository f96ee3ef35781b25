"""Self-supervision: what a network can learn from images without labels, before it is fine-tuned."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medgraft.base import MedgraftError
from medgraft.methods.finetune.batches import Batches, Live
from medgraft.methods.finetune.groups import make_policy
from medgraft.methods.finetune.loop import Recipe
from medgraft.methods.finetune.penalties import Penalty

if TYPE_CHECKING:
    import torch

    from medgraft.sources.backbone import Backbone

PRETEXTS = ("none", "rotation", "simclr")
QUARTERS = 4
PROJECTION, TEMPERATURE = 128, 0.5  # of SimCLR


def check(pretext: str) -> None:
    """Raise unless the setting exists."""
    if pretext not in PRETEXTS:
        raise MedgraftError(f"pretext='{pretext}' does not exist: use one of {', '.join(PRETEXTS)}.")


class Turned(Live):
    """Every image in four orientations: row 4 i + q is image i turned by q quarters."""

    def get(self, rows: NDArray[np.intp], rng: np.random.Generator | None) -> torch.Tensor:
        """Return images (b, c, s, s)."""
        import torch

        images = super().get(rows // QUARTERS, rng)
        quarters = (rows % QUARTERS).tolist()
        return torch.stack([torch.rot90(image, q, (1, 2)) for image, q in zip(images, quarters, strict=True)])


class Pairs(Batches):
    """Batches of two changed copies of each image; the target is the number of the image."""

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
        import torch

        rng = np.random.default_rng([self.seed, self.epoch])
        self.epoch += 1
        for part in np.array_split(rng.permutation(len(self.rows)), self.count):
            x = torch.cat([self.inputs.get(self.rows[part], rng) for _ in range(2)])
            yield x, torch.arange(len(part)).repeat(2), torch.ones(2 * len(part))


class Together(Penalty):
    """No penalty, but one gradient for the whole batch: its images are compared with each other."""

    whole_batch = True


def contrast(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    r"""Return the normalised temperature-scaled cross-entropy of each image (b,), NT-Xent.

    .. math:: -\log \frac{e^{s_{ij} / 0.5}}{\sum_{k \ne i} e^{s_{ik} / 0.5}}

    with the cosine s and j the other copy of image i, the row of the same target.
    """
    import torch

    z = torch.nn.functional.normalize(scores.float(), dim=1)
    similar = z @ z.T / TEMPERATURE
    itself = torch.eye(len(z), dtype=torch.bool, device=z.device)
    similar = similar.masked_fill(itself, float("-inf"))
    partner = ((target[:, None] == target[None]) & ~itself).float().argmax(dim=1)
    return torch.nn.functional.cross_entropy(similar, partner, reduction="none")


def pretrain(
    backbone: Backbone,
    paths: list[str],
    pretext: str,
    *,
    epochs: int,
    unfreeze: float,
    lr: float,
    batch_size: int,
    seed: int,
    device: torch.device,
    tell: Callable[[int, int], None],
) -> dict[str, Any]:
    """Train the upper blocks of a backbone, in place, on a task that needs no label.

    "rotation": say by how many quarters an image was turned (Gidaris et al. 2018, arXiv:1803.07728).
    "simclr": know two changed copies of an image among those of all others in the batch (Chen et al. 2020,
    arXiv:2002.05709; with one linear projection). BatchNorm keeps its statistics.

    Parameters
    ----------
    backbone : Backbone
    paths : list of str
        Images of the training part.
    pretext : {"rotation", "simclr"}
    epochs, unfreeze, lr, batch_size
        As in `FineTune`.
    seed : int
    device : torch device
    tell : callable

    Returns
    -------
    dict
        The mean loss of each epoch, JSON-able.
    """
    import torch

    from medgraft.methods.finetune.loop import train
    from medgraft.methods.finetune.objective import make_loss
    from medgraft.sources.forward import open_image
    from medgraft.sources.network import Head, Network

    def read(i: int) -> torch.Tensor:
        return open_image(paths[i], backbone.preprocess)

    n, turns = len(paths), pretext == "rotation"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        head = Head(backbone.d, QUARTERS if turns else PROJECTION)
    network = Network(backbone.module, head)
    policy = make_policy(
        [name for name, _ in backbone.module.blocks],
        unfreeze=unfreeze,
        gradual=0.0,
        epochs=epochs,
        lr=lr,
        lr_decay=1.0,
        head_lr=lr,
    )
    each = backbone.channels * backbone.spec.input_size**2
    fit: Batches
    if turns:
        y = np.arange(n * QUARTERS) % QUARTERS
        inputs: Live = Turned(read, n, True, each)
        fit = Batches(inputs, np.arange(n * QUARTERS), y, np.ones(n * QUARTERS), batch_size, seed)
        recipe = Recipe(policy, make_loss("auto", y, np.ones(len(y)), QUARTERS), Penalty(0.0), epochs, epochs)
    else:
        inputs = Live(read, n, True, each)
        fit = Pairs(inputs, np.arange(n), np.zeros(n), np.ones(n), batch_size, seed)
        recipe = Recipe(policy, contrast, Together(0.0), epochs, epochs)
    history = train(network, recipe, fit, None, seed=seed, device=device, tell=tell)
    return {"task": pretext, "images": n, "loss": history.train}
