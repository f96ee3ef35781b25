"""SHOT on images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from medgraft.methods.adaptation.base import NEEDS
from medgraft.methods.adaptation.source_free import SourceFree, entropies
from medgraft.methods.finetune.batches import Batches
from medgraft.methods.registry import method
from medgraft.methods.splits import Floats

if TYPE_CHECKING:
    import torch

    from medgraft.sources.network import Network

PSEUDO = 0.3  # weight of the pseudo-labels, as the paper has it


@method(
    "shot",
    family="adaptation",
    tasks=("classification",),
    needs=NEEDS,
    cost="that of finetune, and adapt_epochs training steps of the released blocks over the target's images",
    refs=("Liang, Hu and Feng 2020, Proc. ICML 119:6028-6039, arXiv:2002.08546",),
)
class Shot(SourceFree):
    r"""Fine-tune on the source; then fit features of target images to the fixed head (SHOT).

    Use it where the source's patients must not be seen again, and the target has every class in some number.
    Not where a class is missing or rare there: the classes are pushed to be about as frequent.

    The released blocks minimise, over target images with probabilities p,

    .. math:: \overline{H(p_i)} - H(\bar p) + 0.3\, \overline{-\log p_{i, \hat y_i}}

    each image sure, the classes even on average, each near a pseudo-label. These are made anew before every
    epoch: of centroids :math:`c_k \propto \sum_i p_{ik} z_i` of the standardised features z the nearest by
    cosine, and once more with the means of the images so labelled. A class without an image drops out.

    BatchNorm keeps the target's statistics meanwhile; in the paper it learns them by the way.

    Parameters, attributes and cost: see `SourceFree`.

    Examples
    --------
    >>> Shot("timm:resnet18").adapt_epochs
    5
    """

    def _adapt(self, paths: list[str]) -> list[float]:
        from medgraft.methods.finetune.stages import inputs_of
        from medgraft.sources.forward import pick_device

        policy = self._policy()
        groups = tuple(replace(g, lr=self.adapt_lr * g.lr / self.lr) for g in policy.groups)
        policy = replace(policy, groups=groups, head_lr=0.0)
        inputs = inputs_of(self, paths, policy.first, True, pick_device(self.device))
        n = len(paths)
        fit = PseudoLabelled(
            inputs, np.arange(n), np.zeros(n, np.int64), np.ones(n), self.batch_size, self.random_state
        )
        fit.network, fit.first = self.network_, policy.first
        return self._train(self.network_, policy, information, fit)


class PseudoLabelled(Batches):
    """Batches whose labels a network gives before each epoch."""

    network: Network
    first: int

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
        self.y = pseudo_labels(*self._seen())
        yield from super().__iter__()

    def _seen(self) -> tuple[Floats, Floats]:
        """Standardised features and probabilities of all images as they are."""
        import torch

        net, training = self.network, self.network.training
        device = next(net.parameters()).device
        net.eval()
        parts: list[Any] = []
        with torch.no_grad():
            for x, _, _ in self.in_order():
                h = x.to(device)
                if self.inputs.first < self.first:
                    h = net.trunk.prefix(h, self.first)
                f = net.trunk.suffix(h, self.first)
                z = (f - net.head.mean) / net.head.scale
                parts.append((z.double().cpu(), torch.softmax(net.head(f).double(), dim=1).cpu()))
        net.train(training)
        features, probabilities = zip(*parts, strict=True)
        return torch.cat(features).numpy(), torch.cat(probabilities).numpy()


def pseudo_labels(z: Floats, p: Floats) -> NDArray[np.int64]:
    """Return the class (n,) whose centroid is nearest by cosine, after two rounds.

    Parameters
    ----------
    z : array (n, d)
        Features.
    p : array (n, K)
        Probabilities.

    Examples
    --------
    >>> z = np.array([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]])
    >>> pseudo_labels(z, np.array([[0.9, 0.1], [0.4, 0.6], [0.1, 0.9]])).tolist()
    [0, 0, 1]
    """
    z = z / np.maximum(np.linalg.norm(z, axis=1, keepdims=True), 1e-12)
    share = p
    for _ in range(2):
        centroid = share.T @ z
        length = np.linalg.norm(centroid, axis=1)
        near = z @ (centroid / np.maximum(length, 1e-12)[:, None]).T
        near[:, length <= 1e-12] = -np.inf
        label = near.argmax(axis=1)
        share = np.eye(p.shape[1])[label]
    return np.asarray(label, dtype=np.int64)


def information(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return what SHOT minimises, (b,): its mean over the batch is the loss."""
    import torch
    from torch.nn.functional import cross_entropy

    mean = torch.softmax(scores.float(), dim=1).mean(dim=0)
    diversity = -(mean * torch.log(mean + 1e-8)).sum()
    return entropies(scores) - diversity + PSEUDO * cross_entropy(scores.float(), target, reduction="none")
