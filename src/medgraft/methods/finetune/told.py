"""What fine-tuning says of itself: the plan before, and the report after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medgraft.methods.finetune import adapters, augment, cost
from medgraft.methods.finetune.groups import Policy
from medgraft.methods.finetune.loop import History
from medgraft.methods.finetune.stages import room_for
from medgraft.methods.selfsup.tasks import PRETEXTS, stages_of
from medgraft.sources.pretrained import Pretrained

if TYPE_CHECKING:
    from medgraft.methods.finetune.finetune import FineTune

# Settings that the report repeats.
TOLD = (
    "batchnorm",
    "augmentation",
    "adapter",
    "attention",
    "penalty",
    "loss",
    "mix",
    "optimizer",
    "schedule",
    "auxiliary",
)


def report_of(model: FineTune, policy: Policy, history: History, n_train: int, n_held: int) -> dict[str, Any]:
    """Return what happened, JSON-able."""
    return {
        "load": model.backbone_.report.to_dict(),
        **policy.describe(),
        **{name: getattr(model, name) for name in TOLD},
        "images": {"train": n_train, "held_out": n_held},
        "loss_train": history.train,
        "loss_held_out": history.held,
        "best_epoch": history.best,
        "pretext": model.pretext_,
        "averaged_epochs": history.soup,
        "snapshots": len(history.snapshots),
        "learning_rate_factor": history.factor,
        "note": model.note_,
    }


def plan_of(model: FineTune, n_fit: int, n_predict: int) -> dict[str, Any]:
    """Return what will load, adapt and freeze, at which rates, and what it will cost."""
    model._check()
    made = type(model)(**model.get_params(deep=False))
    made.backbone_ = Pretrained.of(model.source).load(pretrained=model._loads, seed=model.random_state)
    policy = made._policy()
    adapters.attend(made.backbone_, made.attention, made.attention_at, policy, made.random_state)
    made.network_ = made._network(2)
    views = model.views if model.augmentation != "none" else 1
    shown = sum(PRETEXTS[name] for name in stages_of(model.pretext))
    epochs = model.epochs * (2 if model.auxiliary != "none" else 1) + model.pretext_epochs * shown
    bytes_kept, place = room_for(made, policy.first, n_fit * views) if policy.first else (0, "")
    probed = made.network_, made.backbone_, policy.first
    price = cost.training(*probed, epochs=epochs, views=views, head=model._pretrained, kept=bool(place))
    cache: dict[str, Any] = {"place": place or "none", "bytes": bytes_kept if place else 0}
    report = made.backbone_.report
    words = {"frozen": "frozen: statistics and weights stay", "adapt": "adapts in released blocks"}
    return {
        "load": report.sentence(),
        "adapt": list(report.adapted),
        **policy.describe(),
        "batchnorm": words.get(model.batchnorm, "statistics of the training images, then frozen"),
        "augmentation": augment.words(model.augmentation, made.backbone_.kind),
        "prefix_cache": cache | {"saves_cpu_seconds": round(n_fit * price.saved, 1)},
        "cpu_seconds": price.seconds(n_fit, n_predict * model.snapshots),
    }
