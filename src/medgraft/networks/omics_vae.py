"""A variational autoencoder of wide rows."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from medgraft.networks.contrastive_vae import Code
from medgraft.networks.omics_autoencoder import OmicsAutoencoder


class OmicsVAE(OmicsAutoencoder):
    r"""Gaussian codes held near the standard normal distribution; the loss is the negative bound a feature.

    For a row x of p features with the code z drawn from :math:`q(z \mid x) = N(\mu(x), \sigma^2(x))` it is

    .. math:: \frac1p \Big[\tfrac12 \|x - f(z)\|^2 + \beta\,\mathrm{KL}(q(z \mid x) \,\|\, N(0, I))\Big],

    up to a constant the negative evidence lower bound under noise of variance 1 where :math:`\beta = 1`.

    Parameters
    ----------
    p, hidden, latent, outputs
        As in `OmicsAutoencoder`.
    beta : float, default 1
        Weight of the divergence.

    References
    ----------
    Kingma and Welling 2014, arXiv:1312.6114.
    """

    def __init__(
        self, p: int, hidden: Sequence[int], latent: int, outputs: int = 0, beta: float = 1.0
    ) -> None:
        super().__init__(p, hidden, latent, outputs)
        self.beta = beta

    @property
    def encoded(self) -> int:
        """Means and log-variances."""
        return 2 * self.latent

    def posterior(self, x: torch.Tensor) -> Code:
        """Return the mean and the log-variance of the codes of rows (b, p)."""
        return Code(*self.encoder(x).chunk(2, dim=1))

    def code(self, x: torch.Tensor) -> torch.Tensor:
        """Return the mean of the codes (b, latent)."""
        return self.posterior(x).mean

    def losses(
        self, x: torch.Tensor, draw: torch.Generator | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return one drawn code (b, latent) and the loss of each row (b,); without `draw` z is the mean."""
        q = self.posterior(x)
        z = q.mean if draw is None else q.draw(draw)
        fit = 0.5 * ((self.decoder(z) - x) ** 2).sum(dim=1)
        return z, (fit + self.beta * q.divergence()) / x.shape[1]

    def trunk(self) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Return weight and bias of each layer on the way to the mean."""
        *first, (weight, bias) = super().trunk()
        return [*first, (weight[: self.latent], bias[: self.latent])]
