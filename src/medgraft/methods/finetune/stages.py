"""The stages of fine-tuning: statistics, head, what training reads, released blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from medgraft.base import MedgraftError
from medgraft.methods.finetune import adapters
from medgraft.methods.finetune.features import BackboneFeatures
from medgraft.methods.finetune.images import Labelled
from medgraft.sources.pretrained import Pretrained

if TYPE_CHECKING:
    import torch

    from medgraft.methods.finetune.batches import Inputs
    from medgraft.methods.finetune.finetune import FineTune
    from medgraft.methods.finetune.loop import History, Recipe


def self_supervise(model: FineTune, rows: Labelled, train: Any) -> dict[str, Any]:
    """Train the released blocks without labels: on what may teach, and on the target's other images."""
    from medgraft.methods.finetune.pretext import pretrain
    from medgraft.sources.forward import pick_device

    held = set(rows.paths) - {rows.paths[i] for i in train}
    paths = dict.fromkeys(rows.paths[i] for i in train) | dict.fromkeys(rows.target_paths)
    return pretrain(
        model.backbone_,
        [path for path in paths if path not in held],
        model.pretext,
        epochs=model.pretext_epochs,
        unfreeze=model.unfreeze,
        lr=model.lr,
        batch_size=model.batch_size,
        seed=model.random_state,
        device=pick_device(model.device),
        tell=model._tell("self-supervision"),
    )


def measure_anew(model: FineTune, paths: list[str]) -> None:
    """Give BatchNorm the statistics of the training images."""
    from medgraft.sources.batchnorm import recompute
    from medgraft.sources.forward import open_image, pick_device

    tell = model._tell("BatchNorm statistics")
    recompute(
        model.network_.trunk,
        lambda i: open_image(paths[i], model.backbone_.preprocess),
        len(paths),
        device=pick_device(model.device),
        progress=lambda done: tell(done, len(paths)),
    )


def fit_head_to(model: FineTune, rows: Labelled, k: int, source: Pretrained) -> None:
    """Fit the head to frozen features, which other arms may have left in the cache."""
    import pandas as pd

    if model.batchnorm == "recompute" or model.pretext_:  # no longer the features that others have
        F = model._features(rows.paths)
    else:
        featuriser = BackboneFeatures(source, device=model.device)
        featuriser.progress = model.progress
        F = featuriser.transform(pd.DataFrame({"image": rows.paths}))
    model._fit_head(F, rows, k)


def room_for(model: FineTune, first: int, count: int) -> tuple[int, str]:
    """Return the bytes that `count` activations before block `first` take, and where there is room."""
    from medgraft.methods.finetune.batches import TYPES, activation_shape, room

    if model.cache not in TYPES:
        raise MedgraftError(f"cache='{model.cache}' does not exist: use one of {', '.join(TYPES)}.")
    return room(count, activation_shape(model.network_, model.backbone_, first), model.cache)


def inputs_of(model: FineTune, paths: list[str], first: int, changes: bool, device: torch.device) -> Inputs:
    """Return what training reads: kept activations before block `first`, or the images themselves."""
    from medgraft.methods.finetune.batches import Kept, Live
    from medgraft.sources.forward import open_image

    backbone = model.backbone_
    changes = changes and model.augmentation != "none"
    views = model.views if changes else 1

    def read(i: int) -> Any:
        return open_image(paths[i], backbone.preprocess)

    if first == 0 or not room_for(model, first, len(paths) * views)[1]:
        each = backbone.channels * backbone.spec.input_size**2
        return Live(read, len(paths), changes, each)
    tell = model._tell("frozen blocks")
    network, seed = model.network_.to(device), model.random_state
    return Kept(network, backbone, read, len(paths), views, first, seed, device, tell, model.cache)


def train_blocks(model: FineTune, rows: Labelled, train: Any, held: Any, recipe: Recipe) -> History:
    """Train the released blocks, adapted if they are to be, and leave the network in its own shape."""
    from medgraft.methods.finetune.batches import Batches
    from medgraft.methods.finetune.loop import train as run
    from medgraft.sources.forward import pick_device

    device = pick_device(model.device)
    seed = model.random_state

    def batches(part: Any, changes: bool) -> Batches:
        inputs = inputs_of(model, rows.take(part).paths, recipe.policy.first, changes, device)
        return Batches(inputs, np.arange(len(part)), rows.y[part], rows.weight[part], model.batch_size, seed)

    fit = batches(train, True)
    watch = batches(held, False) if len(held) else None
    if recipe.penalty.reads_target:
        n = len(rows.target_paths)
        inputs = inputs_of(model, rows.target_paths, recipe.policy.first, True, device)
        recipe.penalty.target = Batches(
            inputs, np.arange(n), np.zeros(n), np.ones(n), model.batch_size, seed + 1
        )
    blocks = [g.block for g in recipe.policy.groups]
    adapters.adapt(model.network_, model.adapter, model.rank, blocks, seed)
    tell = model._tell("training")
    try:
        return run(
            model.network_, recipe, fit, watch, seed=seed, device=device, tell=tell, find_lr=model.find_lr
        )
    finally:
        adapters.merge(model.network_)
