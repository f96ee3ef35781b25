"""An autoencoder of wide rows: an encoder, a decoder that mirrors it, and a head on the code if asked for."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn


def dense(widths: Sequence[int]) -> nn.Sequential:
    """Return linear layers from each width to the next, with a ReLU between them.

    Examples
    --------
    >>> len(dense([5, 4, 2]))
    3
    """
    parts: list[nn.Module] = []
    for before, after in pairwise(widths):
        parts += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*parts[:-1])


class OmicsAutoencoder(nn.Module):
    r"""Dense layers to a narrow code and back; the loss of a row is half its mean squared error.

    Use it on standardised columns. Not on raw beta values, whose error would be that of the few columns that
    vary most.

    Parameters
    ----------
    p : int
        Features.
    hidden : sequence of int
        Widths of the encoder's hidden layers; the decoder has them in the other order. Empty: linear, whose
        optimum spans the principal components.
    latent : int
        Width of the code.
    outputs : int, default 0
        Width of a linear head on the code; 0: none.

    References
    ----------
    Hinton and Salakhutdinov 2006, doi:10.1126/science.1127647; Baldi and Hornik 1989,
    doi:10.1016/0893-6080(89)90014-2 (the linear case).
    """

    def __init__(self, p: int, hidden: Sequence[int], latent: int, outputs: int = 0) -> None:
        super().__init__()
        self.latent = latent
        self.encoder = dense([p, *hidden, self.encoded])
        self.decoder = dense([latent, *reversed(hidden), p])
        self.head = nn.Linear(latent, outputs) if outputs else None

    @property
    def encoded(self) -> int:
        """Width of what the encoder gives."""
        return self.latent

    def code(self, x: torch.Tensor) -> torch.Tensor:
        """Return the codes (b, latent) of rows (b, p)."""
        return self.encoder(x)  # type: ignore[no-any-return]

    def losses(
        self, x: torch.Tensor, draw: torch.Generator | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the codes that were decoded (b, latent), and the loss of each row (b,); nothing is drawn."""
        z = self.code(x)
        return z, 0.5 * ((self.decoder(z) - x) ** 2).mean(dim=1)

    def trunk(self) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Return weight (out, in) and bias (out,) of each layer on the way to the code."""
        return [(m.weight, m.bias) for m in self.encoder if isinstance(m, nn.Linear)]
