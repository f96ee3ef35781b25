"""A contrastive variational autoencoder: what two groups share, and what one of them has alone."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F


class Code(NamedTuple):
    """Mean and log-variance of a code, each (b, d)."""

    mean: torch.Tensor
    log_variance: torch.Tensor

    def draw(self, generator: torch.Generator) -> torch.Tensor:
        """Return one draw for each row."""
        noise = torch.randn(self.mean.shape, generator=generator, dtype=self.mean.dtype)
        return self.mean + torch.exp(0.5 * self.log_variance) * noise

    def divergence(self) -> torch.Tensor:
        """Return the Kullback-Leibler divergence from the standard normal distribution, (b,)."""
        v = self.log_variance
        return 0.5 * (self.mean**2 + torch.exp(v) - v - 1.0).sum(dim=1)


class ContrastiveVAE(nn.Module):
    """Two encoders, of shared and of salient factors, and one decoder of both.

    Parameters
    ----------
    p : int
        Features.
    hidden : int
        Width of the hidden layers.
    shared, salient : int
        Factors.
    """

    def __init__(self, p: int, hidden: int, shared: int, salient: int) -> None:
        super().__init__()
        self.salient_factors = salient
        self.shared = _encoder(p, hidden, shared)
        self.salient = _encoder(p, hidden, salient)
        self.decoder = nn.Sequential(nn.Linear(shared + salient, hidden), nn.ReLU(), nn.Linear(hidden, p))
        self.tell = nn.Linear(shared + salient, 1)

    def codes(self, x: torch.Tensor) -> tuple[Code, Code]:
        """Return the shared and the salient code of rows (b, p)."""
        return Code(*self.shared(x).chunk(2, dim=1)), Code(*self.salient(x).chunk(2, dim=1))

    def decode(self, shared: torch.Tensor, salient: torch.Tensor | None = None) -> torch.Tensor:
        """Return rows (b, p); without salient factors these are zero, as in the background."""
        if salient is None:
            salient = shared.new_zeros(len(shared), self.salient_factors)
        return self.decoder(torch.cat([shared, salient], dim=1))  # type: ignore[no-any-return]

    def losses(
        self, target: torch.Tensor, background: torch.Tensor, gamma: float, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the loss of each target row and of each background row, (b,) and (c,).

        The discriminator that tells pairs of codes from shuffled ones learns from the same loss, and the
        encoders, for which it stands still, are drawn to where it cannot.
        """
        z, s = self.codes(target)
        z_drawn, s_drawn = z.draw(generator), s.draw(generator)
        fit = ((self.decode(z_drawn, s_drawn) - target) ** 2).sum(dim=1)
        one = fit + z.divergence() + s.divergence()
        if gamma:
            pairs = torch.cat([z_drawn, s_drawn], dim=1)
            one = one + gamma * F.linear(pairs, self.tell.weight.detach(), self.tell.bias.detach())[:, 0]
            order = torch.randperm(len(target), generator=generator)
            mixed = torch.cat([z_drawn, s_drawn[order]], dim=1).detach()
            told = F.softplus(-self.tell(pairs.detach())) + F.softplus(self.tell(mixed))
            one = one + told[:, 0]
        c, _ = self.codes(background)
        c_drawn = c.draw(generator)
        other = ((self.decode(c_drawn) - background) ** 2).sum(dim=1) + c.divergence()
        return one, other


def _encoder(p: int, hidden: int, factors: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(p, hidden), nn.ReLU(), nn.Linear(hidden, 2 * factors))
