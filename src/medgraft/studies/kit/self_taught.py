"""A network that has gone on learning from images without labels, as a file: a stage between two others."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from medgraft.sources import Pretrained

if TYPE_CHECKING:
    from medgraft.sources.backbone import Backbone


def kept(backbone: Backbone, place: Path) -> Path:
    """Write a network's weights to a file that says which network it is, so that it can be a source."""
    from safetensors.torch import save_file

    facts = backbone.spec
    told = {
        "library": facts.library,
        "architecture": facts.architecture,
        "input_size": str(facts.input_size),
        "mean": ",".join(map(str, facts.mean)),
        "std": ",".join(map(str, facts.std)),
        "interpolation": facts.interpolation,
        "licence": facts.licence,
        "model_args": json.dumps(facts.model_args),
    }
    place.parent.mkdir(parents=True, exist_ok=True)
    partial = place.with_name(f"{uuid.uuid4().hex}.tmp")
    save_file(backbone.tensors(), str(partial), metadata=told)
    return partial.replace(place)  # two processes may make it at once


def self_taught(
    source: Pretrained,
    images: Sequence[str],
    place: Path,
    *,
    pretext: str = "rotation",
    epochs: int,
    seed: int,
) -> Pretrained:
    """Return a network after self-supervision on images that are none of the cohort's.

    Use it for the middle of three stages: many natural images, unlabelled medical ones, few labelled ones.
    The upper half of its blocks trains. For images of the cohort itself there is ``finetune:pretext=``,
    which stays inside the training part.

    Parameters
    ----------
    source : Pretrained
    images : sequence of str
        References to them.
    place : path
        The file of weights; where it is there already, nothing is trained.
    pretext : str
        See `medgraft.methods.selfsup.pretrain.pretrain`.
    epochs : int
    seed : int
    """
    if not place.exists():
        from medgraft.methods.finetune.groups import make_policy
        from medgraft.methods.selfsup.pretrain import pretrain
        from medgraft.sources.forward import pick_device

        backbone = source.load()
        policy = make_policy(
            [name for name, _ in backbone.module.blocks],
            unfreeze=0.5,
            gradual=0.0,
            epochs=epochs,
            lr=5e-4,
            lr_decay=1.0,
            head_lr=5e-4,
        )
        pretrain(
            backbone,
            list(images),
            pretext,
            epochs=epochs,
            policy=policy,
            changes=True,
            batch_size=32,
            batchnorm="frozen",
            seed=seed,
            device=pick_device("auto"),
            tell=lambda done, total: None,
        )
        kept(backbone, place)
    return Pretrained(str(place), channels=source.channels, size=source.size)
