"""Adaptive BatchNorm on images."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from medgraft.methods.adaptation.base import NEEDS
from medgraft.methods.finetune.images import Labelled
from medgraft.methods.finetune.stages import measure_anew
from medgraft.methods.finetune.trained import NetworkEstimator
from medgraft.methods.registry import method
from medgraft.sources.pretrained import Pretrained


@method(
    "adaptive-batchnorm",
    family="adaptation",
    tasks=("classification", "regression"),
    needs=NEEDS,
    cost="two forward passes over the source's and the target's images; no training",
    refs=("Li et al. 2018, doi:10.1016/j.patcog.2018.03.005",),
)
class AdaptiveBatchNorm(NetworkEstimator):
    r"""Give a frozen network the BatchNorm statistics of each domain, and fit a linear head (AdaBN).

    Use it against another scanner's contrast, brightness or blur: it costs two passes and learns nothing
    that could be wrong. Not on networks without BatchNorm, which it leaves as they are, nor where the
    target's class shares are quite different, which the statistics would hide.

    Source images are seen with the mean and variance that each BatchNorm layer finds on the source,
    :math:`(h - \mu_s) / \sigma_s`, target images with those of the target. The head is that of
    `linear-probe`, fitted to the labelled images of both; the model keeps the target's statistics.

    Parameters
    ----------
    source : Pretrained or str
        The network.
    task : str, default "classification"
        ``"classification"`` or ``"regression"``.
    random_state : int, default 0
        Seed of the head's inner splits.
    device : str, default "auto"

    Attributes
    ----------
    network_ : Network
        Network and head, in evaluation mode, on the CPU.
    note_ : str
        A sentence where nothing could be adapted, else empty.

    Examples
    --------
    >>> AdaptiveBatchNorm("timm:resnet18").task
    'classification'
    """

    batchnorm = "frozen"

    def __init__(
        self,
        source: Pretrained | str | None = None,
        *,
        task: str = "classification",
        random_state: int = 0,
        device: str = "auto",
    ) -> None:
        self.source = source
        self.task = task
        self.random_state = random_state
        self.device = device

    def _fit(self, rows: Labelled) -> None:
        k = 0 if self.task == "regression" else len(self.classes_)
        self.center_, self.spread_ = 0.0, 1.0
        y = rows.y
        if k == 0:
            self.center_, self.spread_ = float(np.mean(y)), float(np.std(y)) or 1.0
            y = (y.astype(float) - self.center_) / self.spread_
        self.backbone_ = self._source().load()
        self.network_ = self._network(max(k, 1))
        F = np.empty((len(rows.paths), self.backbone_.d), dtype=np.float32)
        adapted = 0
        for here in (False, True):  # the target last: its statistics stay
            paths = [p for p, t in zip(rows.paths, rows.target, strict=True) if t == here]
            what = f"BatchNorm of the {'target' if here else 'source'}"
            adapted += measure_anew(self, rows.target_paths if here else paths, what)
            if paths:
                F[rows.target == here] = self._features(paths)
        self.note_ = "" if adapted else "The network has no BatchNorm to adapt: it is a linear probe."
        if k == 1:
            return
        self._fit_head(F, replace(rows, y=y), k)

    def plan(self, n_fit: int, n_predict: int) -> dict[str, Any]:
        """Say what will load and adapt, and what it will cost."""
        from medgraft.methods.finetune.cost import forward_seconds
        from medgraft.methods.finetune.features import loaded

        backbone = loaded(Pretrained.of(self.source))
        each = backbone.preprocess.seconds + forward_seconds(backbone)
        return {
            "load": backbone.report.sentence(),
            "adapt": ["BatchNorm statistics of each domain"],
            "freeze": ["all weights"],
            "learning_rates": {},
            "batchnorm": "statistics of the target",
            "augmentation": "none",
            "cpu_seconds": (2 * n_fit + n_predict) * each,
        }
