"""What makes a network see source and target alike: terms added to its loss."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from medgraft.methods.finetune.penalties import Penalty

if TYPE_CHECKING:
    import torch

    from medgraft.methods.finetune.batches import Batches
    from medgraft.methods.finetune.objective import Loss
    from medgraft.sources.network import Network

RAMP = 10.0  # of the strength's rise from 0 to its full value (Ganin et al. 2016)
WIDEST = 4096  # of the product of features and probabilities; beyond, it is projected at random
TEMPERATURE = 2.5  # of class confusion, as its paper has it
SCALES = (0.25, 0.5, 1.0, 2.0, 4.0)  # widths of the kernels, times the mean squared distance


class Alignment(Penalty):
    """Compares the features of each batch with those of a batch of target images.

    Its strength rises as :math:`2 / (1 + e^{-10 t}) - 1` with the share t of the training that is done, as in
    DANN, CDAN and JAN; the papers of DAN, Deep CORAL and MCC keep it constant.
    Features are those that the head sees: standardised by the source's mean and scale.

    Parameters
    ----------
    strength : float
    seed : int
        Of weights of its own.
    """

    whole_batch = True
    reads_target = True

    def __init__(self, strength: float, seed: int = 0) -> None:
        super().__init__(strength)
        self.seed, self.now = seed, 0.0

    def begin(self, network: Network, first: int, fit: Batches, loss: Loss) -> None:
        """Remember the network."""
        self.network = network
        self._stream = self._target_batches(first)

    def tick(self, done: float) -> None:
        """Raise the strength."""
        self.now = self.strength * (2.0 / (1.0 + math.exp(-RAMP * done)) - 1.0)

    def _target_batches(self, first: int) -> Iterator[torch.Tensor]:
        import torch

        while True:
            for x, _, _ in self.target:
                if self.target.inputs.first < first:
                    with torch.no_grad():
                        x = self.network.trunk.prefix(x.to(self._device()), first)
                yield x.to(self._device())

    def _device(self) -> torch.device:
        return next(self.network.parameters()).device

    def of_batch(
        self, x: torch.Tensor, first: int, maps: torch.Tensor, features: torch.Tensor
    ) -> torch.Tensor:
        """Return what the batch adds to the loss."""
        own, others = features, self.network.trunk.suffix(next(self._stream), first)
        head = self.network.head
        own, others = ((f - head.mean) / head.scale for f in (own, others))
        return self.between(own.float(), others.float())

    def scores(self, z: torch.Tensor) -> torch.Tensor:
        """Return the head's scores (b, K) of standardised features."""
        out: torch.Tensor = self.network.head.linear(z)
        return out

    def between(self, own: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
        """Return the term for standardised features (b, d) of labelled and (b', d) of target images."""
        raise NotImplementedError


class Adversarial(Alignment):
    r"""A classifier D of domains that the features learn to deceive (DANN).

    .. math:: \min_D \max_\phi\; -\overline{\log D(\phi(x_s))} - \overline{\log(1 - D(\phi(x_t)))}
    """

    def begin(self, network: Network, first: int, fit: Batches, loss: Loss) -> None:
        """Make the classifier."""
        import torch

        from medgraft.networks.adversary import Discriminator

        super().begin(network, first, fit, loss)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            self._draw(network)
            self.judge = Discriminator(self._width(network)).to(self._device())

    def _draw(self, network: Network) -> None:
        pass

    def _width(self, network: Network) -> int:
        return int(network.head.mean.numel())

    def weights(self) -> list[Any]:
        """The classifier's."""
        return list(self.judge.parameters())

    def seen(self, z: torch.Tensor) -> torch.Tensor:
        """What the classifier sees of features (b, d)."""
        return z

    def certainty(self, z: torch.Tensor) -> torch.Tensor:
        """Weight of each image (b,)."""
        return z.new_ones(len(z))

    def between(self, own: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
        """Return the classifier's loss; its gradient is turned round on the way to the features."""
        from torch.nn.functional import softplus

        from medgraft.networks.adversary import reverse_gradient

        total = own.new_zeros(())
        for z, sign in ((own, -1.0), (others, 1.0)):
            weight = self.certainty(z)
            judged = self.judge(reverse_gradient(self.seen(z), self.now))
            total = total + (weight * softplus(sign * judged)).sum() / weight.sum()
        return total


class ConditionalAdversarial(Adversarial):
    r"""The classifier sees features times class probabilities, and sure images count more (CDAN+E).

    It reads :math:`\phi(x) \otimes p(x)`, or a random projection of it, :math:`(R_1 \phi) \odot (R_2 p)`,
    beyond 4096 numbers; images are weighted by :math:`1 + e^{-H(p)}`.
    """

    def _draw(self, network: Network) -> None:
        import torch

        d, k = network.head.mean.numel(), network.head.linear.out_features
        self.random: tuple[torch.Tensor, torch.Tensor] | None = None
        if d * k > WIDEST:
            device = self._device()
            self.random = (
                torch.randn(d, WIDEST, device=device) / WIDEST**0.25,
                torch.randn(k, WIDEST, device=device) / WIDEST**0.25,
            )

    def _width(self, network: Network) -> int:
        d, k = network.head.mean.numel(), network.head.linear.out_features
        return min(int(d * k), WIDEST)

    def seen(self, z: torch.Tensor) -> torch.Tensor:
        """Return the product of features and probabilities, whose own gradient stops here."""
        import torch

        p = torch.softmax(self.scores(z), dim=1).detach()
        if self.random is None:
            return (z[:, :, None] * p[:, None, :]).flatten(1)
        return (z @ self.random[0]) * (p @ self.random[1])

    def certainty(self, z: torch.Tensor) -> torch.Tensor:
        """Return 1 + exp(-entropy)."""
        import torch

        with torch.no_grad():
            p = torch.softmax(self.scores(z), dim=1)
            entropy = -(p * torch.log(p + 1e-8)).sum(dim=1)
            return 1.0 + torch.exp(-entropy)


class Coral(Alignment):
    r"""Distance of the covariances, :math:`\|C_s - C_t\|_F^2 / (4 d^2)` (Deep CORAL)."""

    def between(self, own: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
        """Return the distance."""
        import torch

        if min(len(own), len(others)) < 2:
            return own.new_zeros(())
        gap = torch.cov(own.T) - torch.cov(others.T)
        return self.now * (gap**2).sum() / (4.0 * own.shape[1] ** 2)


class MeanDiscrepancy(Alignment):
    """Squared maximum mean discrepancy of the features, over kernels of five widths (DAN)."""

    def between(self, own: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
        """Return the discrepancy."""
        return self.now * mmd2([own], [others])


class JointDiscrepancy(Alignment):
    """The same of features and class probabilities together: their kernels are multiplied (JAN)."""

    def between(self, own: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
        """Return the discrepancy."""
        import torch

        def sides(z: torch.Tensor) -> list[torch.Tensor]:
            return [z, torch.softmax(self.scores(z), dim=1)]

        return self.now * mmd2(sides(own), sides(others))


class ClassConfusion(Alignment):
    r"""How much the network confuses classes on target images (minimum class confusion).

    With probabilities Y (b, K) at temperature 2.5 and images weighted by :math:`1 + e^{-H}`, W:
    :math:`C = Y^\top W Y` with rows divided by their sums; the term is :math:`\sum_{j \ne k} C_{jk} / K`.
    """

    def between(self, own: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
        """Return the confusion."""
        import torch

        p = torch.softmax(self.scores(others) / TEMPERATURE, dim=1)
        with torch.no_grad():
            weight = 1.0 + torch.exp((p * torch.log(p + 1e-8)).sum(dim=1))
            weight = weight * len(p) / weight.sum()
        confusion = (p * weight[:, None]).T @ p
        confusion = confusion / confusion.sum(dim=1, keepdim=True)
        return self.now * (confusion.sum() - confusion.trace()) / p.shape[1]


def mmd2(A: list[torch.Tensor], B: list[torch.Tensor]) -> torch.Tensor:
    """Squared MMD, averaged over five Gaussian kernels; of several layers, the product of their kernels.

    The biased estimate: never below zero. Widths are multiples of the mean squared distance of each layer.
    """
    import torch

    n, kernel = len(A[0]), None
    for a, b in zip(A, B, strict=True):
        z = torch.cat([a, b])
        squared = ((z[:, None] - z[None]) ** 2).sum(dim=2)
        width = squared.detach().sum() / (len(z) * max(len(z) - 1, 1)) + 1e-12
        own = torch.stack([torch.exp(-squared / (scale * width)) for scale in SCALES]).mean(dim=0)
        kernel = own if kernel is None else kernel * own
    if kernel is None:
        raise ValueError("there is no layer")
    return kernel[:n, :n].mean() + kernel[n:, n:].mean() - 2.0 * kernel[:n, n:].mean()
