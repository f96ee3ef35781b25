"""Sequences read from both sides, and weighted by attention."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from medgraft.networks.lengths import check_length


class _Left(nn.Module):
    """Move each sequence to the left, over the all-zero columns before it; owns nothing."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        start = (x != 0).any(dim=1).int().argmax(dim=1, keepdim=True)
        columns = torch.arange(x.shape[2], device=x.device)[None] + start
        inside = columns < x.shape[2]
        moved = x.gather(2, columns.clamp(max=x.shape[2] - 1)[:, None].expand_as(x))
        return moved * inside[:, None].to(x.dtype)


class BiLSTM(nn.Module):
    """One LSTM forwards and one backwards over each sequence, up to its last column that is not all zero.

    Parameters
    ----------
    given, hidden : int
        Channels in; ``2 * hidden`` come out. Columns behind the end stay zero, so that the next layer finds
        the end again.
    dropout : float
        Of the output.
    """

    def __init__(self, given: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.lstm = nn.LSTM(given, hidden, batch_first=True, bidirectional=True)
        self.drop = nn.Dropout(dropout)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return states (b, 2 hidden, length) of sequences (b, given, length)."""
        ends = _inside(x).sum(dim=1).cpu()
        rows = pack_padded_sequence(x.transpose(1, 2), ends, batch_first=True, enforce_sorted=False)
        states, _ = pad_packed_sequence(self.lstm(rows)[0], batch_first=True, total_length=x.shape[2])
        out: torch.Tensor = self.drop(states).transpose(1, 2)
        return out


class AdditiveAttention(nn.Module):
    r"""Sum of the columns, weighted by :math:`\mathrm{softmax}_t(v^T \tanh(W h_t + b))` up to the end.

    Parameters
    ----------
    width : int
        Channels of the input and of the hidden layer of the scores.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.hidden = nn.Conv1d(width, width, 1)
        self.score = nn.Conv1d(width, 1, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (b, width) of (b, width, length)."""
        scores = self.score(torch.tanh(self.hidden(x)))
        weights = torch.softmax(scores.masked_fill(~_inside(x)[:, None], -torch.inf), dim=2)
        return (weights * x).sum(dim=2)


def bilstm_attention(
    channels: int, samples: int, embedding: int = 64, hidden: int = 64, layers: int = 2, dropout: float = 0.5
) -> nn.Sequential:
    r"""Return a two-way LSTM with attention for sequences of letters, without a classifier.

    Use it for sequences of different length, RNA or protein, whose features should not depend on how far they
    were padded; with weights learnt on one kind of molecule, also for another kind of the same alphabet. Not
    for a few hundred sequences without a source, nor for thousands of letters: it reads one letter after the
    other.

    Letters become vectors, :math:`e_t = E x_t`; layers of LSTMs read them from both sides,
    :math:`h_t = [\overrightarrow{h_t}, \overleftarrow{h_t}]`; attention sums the last states up:

    .. math:: z = \sum_t a_t h_t, \quad a = \mathrm{softmax}_t(v^T \tanh(W h_t + b))

    The blocks are ``embed``, ``lstm1``, ..., and ``attention``.

    Parameters
    ----------
    channels, samples : int
        Letters of the alphabet, and the columns to which sequences are padded; features do not depend on
        `samples`.
    embedding : int, default 64
        Numbers that a letter becomes.
    hidden, layers : int, default 64, 2
        States of each LSTM, and layers of them.
    dropout : float, default 0.5
        After each layer.

    Returns
    -------
    Sequential
        Sequences (b, channels, samples) -> features (b, 2 * hidden). All-zero columns before the first and
        after the last letter are padding and change nothing; between letters they are unknown letters.

    Raises
    ------
    MedgraftError
        A sequence has no column.

    Notes
    -----
    The study below has ``embedding=128, hidden=512, layers=3`` and scores :math:`\tanh(w^T h_t + b)`, as its
    published code says. The smaller sizes and the hidden layer of the scores are ours. Cost: time grows with
    the length and with the square of `hidden`; 18 million multiplications for 100 letters of RNA.

    References
    ----------
    Azizian et al. (2024), doi:10.1186/s12859-024-05985-2; Bahdanau, Cho and Bengio (2015), arXiv:1409.0473

    Examples
    --------
    >>> bilstm_attention(channels=4, samples=101)(torch.zeros(2, 4, 101)).shape
    torch.Size([2, 128])
    """
    check_length("The network for sequences", samples, 1)
    parts: OrderedDict[str, nn.Module] = OrderedDict(left=_Left())
    parts["embed"] = nn.Conv1d(channels, embedding, 1, bias=False)  # without bias: zero columns stay zero
    for i in range(layers):
        parts[f"lstm{i + 1}"] = BiLSTM(2 * hidden if i else embedding, hidden, dropout)
    parts["attention"] = AdditiveAttention(2 * hidden)
    return nn.Sequential(parts)


def _inside(x: torch.Tensor) -> torch.Tensor:
    """Whether a column (b, length) is not behind the last one that holds anything; the first always is."""
    later = (x != 0).any(dim=1).flip(1).cummax(dim=1).values.flip(1)
    first = torch.arange(x.shape[2], device=x.device) == 0
    return later | first
