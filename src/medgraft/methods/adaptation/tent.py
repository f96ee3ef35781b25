"""TENT on images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medgraft.methods.adaptation.base import NEEDS
from medgraft.methods.adaptation.source_free import SourceFree, entropies
from medgraft.methods.finetune.stages import measure_anew
from medgraft.methods.registry import method

if TYPE_CHECKING:
    import torch


@method(
    "tent",
    family="adaptation",
    tasks=("classification",),
    needs=NEEDS,
    cost="that of finetune, and adapt_epochs passes of the whole network over the target's images",
    refs=("Wang et al. 2021, arXiv:2006.10726",),
)
class Tent(SourceFree):
    r"""Fine-tune on the source; then make the network sure of target images by BatchNorm alone (TENT).

    Use it as the lightest adaptation with training: a few thousand numbers change, and no source image is
    read. Not with few target images, in which a sure network may be sure of anything, nor on networks without
    BatchNorm, which it leaves as they are.

    With BatchNorm statistics of each batch of target images, its scales and shifts minimise

    .. math:: \min_{\gamma, \beta}\; \frac1b \sum_i H(p(x_i)), \qquad H(p) = -\sum_k p_k \log p_k

    by Adam, all other weights and the head held still. The paper predicts with the statistics of the batch at
    hand; here those of all target images are measured at the end and kept, so that no prediction depends on
    its company.

    Parameters, attributes and cost: see `SourceFree`; `adapt_lr` is the paper's.

    Examples
    --------
    >>> Tent("timm:resnet18").adapt_lr
    0.001
    """

    def _adapt(self, paths: list[str]) -> list[float]:
        from torch.nn.modules.batchnorm import _BatchNorm

        from medgraft.methods.finetune.batches import Batches, Live
        from medgraft.methods.finetune.groups import Group, Policy
        from medgraft.sources.forward import open_image
        from medgraft.sources.network import Network

        trunk, backbone = self.network_.trunk, self.backbone_
        norms = [m for m in trunk.modules() if isinstance(m, _BatchNorm)]
        if not norms:
            self.note_ = "The network has no BatchNorm to adapt: it was fine-tuned only."
            return []
        network = Network(trunk, self.network_.head, "adapt")
        network.only = [p for norm in norms for p in norm.parameters()]
        names = [name for name, _ in trunk.blocks]
        groups = tuple(Group(name, place, 0, self.adapt_lr) for place, name in enumerate(names))
        n = len(paths)

        def read(i: int) -> torch.Tensor:
            return open_image(paths[i], backbone.preprocess)

        inputs = Live(read, n, False, backbone.blank().nbytes)
        fit = Batches(inputs, np.arange(n), np.zeros(n), np.ones(n), self.batch_size, self.random_state)
        fit.count = max(1, min(fit.count, n // 2))  # one image alone has no spread
        policy = Policy((), groups, 0.0, len(names))
        losses = self._train(network, policy, lambda scores, _: entropies(scores), fit)
        self.network_.release(())
        measure_anew(self, paths)
        return losses
