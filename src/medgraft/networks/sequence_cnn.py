"""Motifs anywhere in a sequence."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from medgraft.networks.lengths import check_length, same

POOL = 2


def sequence_cnn(
    channels: int, samples: int, filters: int = 64, kernel: int = 11, dropout: float = 0.25
) -> nn.Sequential:
    r"""Return a convolutional network for sequences of letters, without a classifier.

    Use it where a short motif decides, wherever it stands: what proteins bind to, sites of splicing or
    cleavage. Input is one-hot (see `medgraft.sources.letters`), or a position-specific scoring matrix
    (files of PSI-BLAST, whose length is then cut by ``--reading seconds=100``). Not where the order of
    distant parts matters, nor for sequences of very different length: see
    `medgraft.networks.bilstm_attention`.

    .. math:: z = \max_t \mathrm{relu}(\mathrm{bn}(W_2 * \max_2 \mathrm{relu}(\mathrm{bn}(W_1 * x))))_t

    A filter of the first convolution is a motif, which may be read as a scoring matrix. The blocks are
    ``conv1`` and ``conv2``.

    Parameters
    ----------
    channels, samples : int
        Letters of the alphabet, and the length of the sequences.
    filters : int, default 64
        Motifs; the second convolution, of half as many letters, has twice as many.
    kernel : int, default 11
        Letters of a motif.
    dropout : float, default 0.25
        Of the features.

    Returns
    -------
    Sequential
        Sequences (b, channels, samples) -> features (b, 2 * filters).

    Raises
    ------
    MedgraftError
        A sequence has fewer than two letters.

    Notes
    -----
    Scanning with motifs and keeping the maximum is of DeepBind; the second convolution and the sizes are
    ours. Cost: some 2 million multiplications for 100 letters of DNA.

    References
    ----------
    Alipanahi et al. (2015), doi:10.1038/nbt.3300

    Examples
    --------
    >>> import torch
    >>> sequence_cnn(channels=4, samples=101)(torch.zeros(2, 4, 101)).shape
    torch.Size([2, 128])
    """
    check_length("The network for sequences", samples, POOL)
    half = max(kernel // 2, 1)
    return nn.Sequential(
        OrderedDict(
            pad1=same(kernel),
            conv1=nn.Conv1d(channels, filters, kernel, bias=False),
            norm1=nn.BatchNorm1d(filters),
            act1=nn.ReLU(),
            pool1=nn.MaxPool1d(POOL),
            pad2=same(half),
            conv2=nn.Conv1d(filters, 2 * filters, half, bias=False),
            norm2=nn.BatchNorm1d(2 * filters),
            act2=nn.ReLU(),
            pool2=nn.AdaptiveMaxPool1d(1),
            flat=nn.Flatten(),
            drop=nn.Dropout(dropout),
        )
    )
