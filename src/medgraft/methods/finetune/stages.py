"""The stages of fine-tuning: statistics, head, what training reads, released blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from medgraft.cohort.digest import sample_digest
from medgraft.methods.finetune import adapters
from medgraft.methods.finetune.augment import CHANGEABLE
from medgraft.methods.finetune.features import BackboneFeatures
from medgraft.methods.finetune.groups import make_policy
from medgraft.methods.finetune.images import Labelled
from medgraft.sources.pretrained import Pretrained

if TYPE_CHECKING:
    import torch

    from medgraft.methods.finetune.batches import Inputs
    from medgraft.methods.finetune.finetune import FineTune
    from medgraft.methods.finetune.loop import History, Recipe
    from medgraft.methods.finetune.trained import NetworkEstimator


def self_supervise(model: FineTune, rows: Labelled, train: Any) -> dict[str, Any]:
    """Train the released blocks without labels: on what may teach, and on the target's other images."""
    from medgraft.methods.selfsup.pretrain import pretrain
    from medgraft.sources.forward import pick_device

    policy = make_policy(
        [name for name, _ in model.backbone_.module.blocks],
        unfreeze=model.unfreeze,
        layers=model.layers,
        gradual=0.0,
        epochs=model.pretext_epochs,
        lr=model.lr,
        lr_decay=1.0,
        head_lr=model.lr,
    )
    return pretrain(
        model.backbone_,
        without_label(rows, train),
        model.pretext,
        epochs=model.pretext_epochs,
        policy=policy,
        changes=model.augmentation != "none",
        batch_size=model.batch_size,
        batchnorm=model.batchnorm,
        seed=model.random_state,
        device=pick_device(model.device),
        tell=model._tell("self-supervision"),
    )


def without_label(rows: Labelled, train: Any) -> list[str]:
    """Images whose pixels may teach: those whose label may, and the target's others; no held-out one."""
    held = set(rows.paths) - {rows.paths[i] for i in train}
    paths = dict.fromkeys(rows.paths[i] for i in train) | dict.fromkeys(rows.target_paths)
    return [path for path in paths if path not in held]


def measure_anew(model: NetworkEstimator, paths: list[str], what: str = "BatchNorm statistics") -> int:
    """Give BatchNorm the statistics of some images; return how many layers have it.

    The images are taken in the order of their content, so that neither their order nor their names matter.
    """
    from medgraft.sources.batchnorm import recompute
    from medgraft.sources.forward import open_image, pick_device

    tell, paths = model._tell(what), sorted(paths, key=lambda path: sample_digest(model.kind_, path))
    return recompute(
        model.network_.trunk,
        lambda i: open_image(paths[i], model.backbone_.preprocess),
        len(paths),
        device=pick_device(model.device),
        progress=lambda done: tell(done, len(paths)),
    )


def fit_head_to(model: FineTune, rows: Labelled, k: int, source: Pretrained) -> None:
    """Fit the head to frozen features, which other arms may have left in the cache."""
    import pandas as pd

    if model._own_features:
        F = model._features(rows.paths)
    else:
        featuriser = BackboneFeatures(source, device=model.device)
        featuriser.progress = model.progress
        F = featuriser.transform(pd.DataFrame({model.kind_: rows.paths}))
    model._fit_head(F, rows, k)


def room_for(model: FineTune, first: int, count: int) -> tuple[int, str]:
    """Return the bytes that `count` activations before block `first` take, and where there is room."""
    from medgraft.methods.finetune.activations import activation_shape, room

    return room(count, activation_shape(model.network_.trunk, model.backbone_, first), model.cache)


def inputs_of(
    model: FineTune, paths: list[str], first: int, changes: bool, device: torch.device, quarters: int = 1
) -> Inputs:
    """Return what training reads: kept activations before block `first`, or the images themselves.

    With four `quarters` each image is there in four orientations, one after the other.
    """
    import torch

    from medgraft.methods.finetune.activations import Kept
    from medgraft.methods.finetune.batches import Live
    from medgraft.sources.forward import open_image

    backbone = model.backbone_
    changes = changes and model.augmentation != "none" and model.kind_ in CHANGEABLE
    views, n = model.views if changes else 1, len(paths) * quarters

    def read(i: int) -> torch.Tensor:
        sample = open_image(paths[i // quarters], backbone.preprocess)
        return torch.rot90(sample, i % quarters, (1, 2)) if quarters > 1 else sample

    if first == 0 or not room_for(model, first, n * views)[1]:
        return Live(read, n, changes, backbone.blank().nbytes)
    tell = model._tell("frozen blocks")
    trunk = model.network_.to(device).eval().trunk
    keys = [
        sample_digest(model.kind_, path) + bytes(quarter) for path in paths for quarter in range(quarters)
    ]
    return Kept(trunk, backbone, keys, read, views, first, device, tell, model.cache)


def train_blocks(model: FineTune, rows: Labelled, train: Any, held: Any, recipe: Recipe) -> History:
    """Train the released blocks, adapted if they are to be, and leave the network in its own shape."""
    from medgraft.methods.finetune.batches import Batches
    from medgraft.methods.finetune.loop import train as run
    from medgraft.methods.selfsup.rotation import QUARTERS, Auxiliary
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
    if isinstance(recipe.penalty, Auxiliary):
        paths = without_label(rows, train)
        inputs = inputs_of(model, paths, recipe.policy.first, False, device, QUARTERS)
        n = len(paths) * QUARTERS
        recipe.penalty.turned = Batches(
            inputs, np.arange(n), np.arange(n) % QUARTERS, np.ones(n), model.batch_size, seed + 2
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
