"""The stage of training without labels, before a network is fine-tuned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from medgraft.methods.finetune.groups import Policy
from medgraft.methods.finetune.loop import Recipe, train
from medgraft.methods.selfsup import contrast, rebuild, rotation
from medgraft.methods.selfsup.tasks import Unlabelled, stages_of
from medgraft.sources.backbone import Backbone
from medgraft.sources.forward import open_image

MAKERS = {
    "rotation": rotation.make,
    "simclr": contrast.make,
    "masked": rebuild.make_masked,
    "autoencoder": rebuild.make_autoencoder,
}


def pretrain(
    backbone: Backbone,
    paths: list[str],
    pretext: str,
    *,
    epochs: int,
    policy: Policy,
    changes: bool,
    batch_size: int,
    batchnorm: str,
    seed: int,
    device: torch.device,
    tell: Callable[[int, int], None],
) -> dict[str, Any]:
    """Train blocks of a backbone, in place, on tasks that need no label, one after the other.

    "rotation": say by how many quarters an image was turned. "simclr": know two changed copies of an image
    among those of all others in the batch. "masked": tell the pixels of hidden patches. "autoencoder": tell
    the pixels from few numbers. Each task has a head of its own, which is then thrown away.

    Parameters
    ----------
    backbone : Backbone
    paths : list of str
        Images of the training part.
    pretext : str
        Tasks, joined by ``+``.
    epochs : int
        Passes over the images for each task.
    policy : Policy
        The blocks that train, all at once, and their rates.
    changes : bool
        Whether images are changed a little, anew in each epoch ("simclr" always does).
    batch_size, batchnorm
        As in `FineTune`.
    seed : int
    device : torch device
    tell : callable

    Returns
    -------
    dict
        JSON-able: ``"task"``, ``"images"``, and ``"loss"``, the mean of each epoch, by task.
    """

    def read(i: int) -> torch.Tensor:
        return open_image(paths[i], backbone.preprocess)

    given = Unlabelled(backbone, read, len(paths), changes, batch_size, seed, batchnorm)
    losses: dict[str, list[float]] = {}
    for name in stages_of(pretext):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            task = MAKERS[name](given)
        recipe = Recipe(policy, task.loss, task.penalty, epochs, epochs)
        losses[name] = train(task.network, recipe, task.fit, None, seed=seed, device=device, tell=tell).train
    return {"task": pretext, "images": len(paths), "loss": losses}
