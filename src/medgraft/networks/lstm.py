"""Recurrent networks over features cut into steps."""

from __future__ import annotations

import torch
from torch import nn


class AutoencoderLSTM(nn.Module):
    """Rows (b, p) in; scores (b, k) of the code, and the reconstructed rows (b, p), out.

    Parameters
    ----------
    p : int
        Features.
    k : int
        Scores.
    steps : int
        Pieces into which the features are cut, in order; the last one is filled up with zeros.
    hidden, code : int
        Width of the states and of the code between the two LSTMs.
    """

    def __init__(self, p: int, k: int, steps: int, hidden: int, code: int) -> None:
        super().__init__()
        self.p, self.width = p, -(-p // steps)
        self.steps = -(-p // self.width)
        self.encoder = nn.LSTM(self.width, hidden, batch_first=True)
        self.squeeze = nn.Linear(hidden, code)
        self.decoder = nn.LSTM(code, hidden, batch_first=True)
        self.out = nn.Linear(hidden, self.width)
        self.head = nn.Linear(code, k)

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """Return the code (b, code) of rows (b, p)."""
        filled = nn.functional.pad(x, (0, self.steps * self.width - self.p))
        _, (last, _) = self.encoder(filled.view(len(x), self.steps, self.width))
        return torch.tanh(self.squeeze(last[-1]))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return scores and the reconstruction."""
        z = self.encode(x)
        states, _ = self.decoder(z[:, None].expand(-1, self.steps, -1))
        return self.head(z), self.out(states).flatten(1)[:, : self.p]
