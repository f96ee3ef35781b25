"""A network is fine-tuned; then any learner reads its features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from medgraft.methods.finetune.features import BackboneFeatures
from medgraft.methods.finetune.finetune import FineTune
from medgraft.methods.finetune.images import Labelled
from medgraft.methods.finetune.linear_probe import LinearProbe
from medgraft.methods.registry import method
from medgraft.sources.pretrained import Pretrained


@method(
    "finetuned-features",
    family="finetune",
    tasks=("classification", "regression", "multilabel"),
    needs=("target-labels", "images", "pretrained"),
    cost="as finetune, then one forward pass over n images and the learner's own",
    refs=(
        "Yosinski et al. 2014, arXiv:1411.1792",
        "Koshy and Anbarasi 2024, doi:10.1109/ACCESS.2024.3385011 (with lm-mlp)",
        "Ragab et al. 2023, doi:10.32604/cmc.2023.031037 (with hopfield)",
    ),
)
class FinetunedFeatures(LinearProbe):
    r"""Fine-tuning of a pretrained network, whose features then go to another learner.

    Use it to repeat studies that fine-tune and then replace the head, as in
    ``finetuned-features+svm``. Not for better figures than `finetune`: the features of the training images
    have seen their labels, so that they lie apart more clearly than those of new images, and what the
    learner chooses on inner splits is chosen too boldly.

    First `finetune` gives :math:`\theta`; its head is dropped. Then, with features
    :math:`\phi_\theta(x)`, standardised, the learner minimises what it minimises in `linear-probe`.

    Parameters
    ----------
    source : Pretrained or str
        The network.
    task : str, default "classification"
        As in `finetune`.
    estimator : scikit-learn estimator, optional
        Learner on the standardised features instead of the default one.
    epochs, lr, lr_decay, head_lr, unfreeze, layers, gradual, batchnorm, class_weight, augmentation, optimizer
        As in `finetune`.
    schedule, weight_decay, batch_size, pretext, pretext_epochs, random_state, device
        As in `finetune`.

    Attributes
    ----------
    featuriser_ : BackboneFeatures
        The network as fine-tuned.
    learner_, mean_, scale_
        As in `linear-probe`.
    report_ : dict
        What fine-tuning did; see `finetune`.
    note_ : str
        As in `finetune`.

    Notes
    -----
    Features are not kept on disk: each fit has a network of its own. With ``epochs=0`` it is `linear-probe`.

    Examples
    --------
    >>> FinetunedFeatures("timm:resnet18", epochs=5).task
    'classification'
    """

    def __init__(
        self,
        source: Pretrained | str | None = None,
        *,
        task: str = "classification",
        estimator: Any = None,
        epochs: int = 12,
        lr: float = 5e-4,
        lr_decay: float = 0.7,
        head_lr: float = 1e-3,
        unfreeze: float = 0.5,
        layers: str = "",
        gradual: float = 0.3,
        batchnorm: str = "frozen",
        class_weight: str | None = None,
        augmentation: str = "light",
        optimizer: str = "adamw",
        schedule: str = "cosine",
        weight_decay: float = 0.01,
        batch_size: int = 32,
        pretext: str = "none",
        pretext_epochs: int = 4,
        random_state: int = 0,
        device: str = "auto",
    ) -> None:
        super().__init__(source, task=task, estimator=estimator, random_state=random_state, device=device)
        self.epochs = epochs
        self.lr = lr
        self.lr_decay = lr_decay
        self.head_lr = head_lr
        self.unfreeze = unfreeze
        self.layers = layers
        self.gradual = gradual
        self.batchnorm = batchnorm
        self.class_weight = class_weight
        self.augmentation = augmentation
        self.optimizer = optimizer
        self.schedule = schedule
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.pretext = pretext
        self.pretext_epochs = pretext_epochs

    def _fit(self, rows: Labelled) -> None:
        tuned = self._tuning()
        tuned.kind_, tuned.progress = self.kind_, self.progress
        if hasattr(self, "classes_"):
            tuned.classes_ = self.classes_
        tuned._fit(rows)
        self.report_, self.note_ = tuned.report_, tuned.note_
        self._tuned = {"backbone": tuned.backbone_.config(), "device": self.device}, tuned.backbone_.tensors()
        super()._fit(rows)
        del self._tuned

    def _featuriser(self) -> BackboneFeatures:
        return BackboneFeatures.from_state(*self._tuned)

    def _tuning(self) -> FineTune:
        own = self.get_params(deep=False)
        return FineTune(**{name: value for name, value in own.items() if name != "estimator"})

    def _features(self, paths: Sequence[str]) -> np.ndarray:
        from medgraft.sources.forward import features_of, pick_device

        backbone, device = self.featuriser_.backbone(), pick_device(self.device)
        tell = self._tell("features")
        trunk = backbone.module.eval().to(device)
        found = features_of(
            list(paths),
            backbone.preprocess,
            trunk,
            device=device,
            progress=lambda done: tell(done, len(paths)),
        )
        trunk.to("cpu")
        return found

    def plan(self, n_fit: int, n_predict: int) -> dict[str, Any]:
        """Say what fine-tuning will load, release and cost; the learner's own share is not counted."""
        return self._tuning().plan(n_fit, n_fit + n_predict)
