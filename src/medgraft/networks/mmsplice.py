"""The modules of MMSplice that score the two sites of splicing."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

from medgraft.networks.lengths import check_length

DONOR, ACCEPTOR = 18, 53  # letters: 5 of the exon and 13 of the intron; 50 of the intron and 3 of the exon
KERNEL, EPS, DROPOUT = 15, 1e-3, 0.2


class PositionMajor(nn.Module):
    """Flatten (b, channels, length) position by position, as the published weights want it; owns nothing."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (b, length * channels)."""
        return x.transpose(1, 2).flatten(1)


def mmsplice_donor(channels: int = 4, samples: int = DONOR) -> nn.Sequential:
    r"""Return the donor module of MMSplice (Cheng et al. 2019) without its last layer.

    Use it with the published weights, for variants at the 5' end of an intron: 5 letters of the exon and 13
    of the intron, one-hot in the order A, C, G, T (see `medgraft.sources.letters`). Not for variants deep in
    an intron, which it does not see.

    .. math:: z = \mathrm{relu}(\mathrm{bn}_2(W_2\,\mathrm{relu}(\mathrm{bn}_1(W_1 x + b_1)) + b_2))

    The published last layer, ``out``, makes the logit of a true site of these features; a variant's effect is
    the difference of two logits. Tensors are named ``dense1, bn1, dense2, bn2``, as in the published weights.

    Parameters
    ----------
    channels, samples : int, default 4, 18
        Letters of the alphabet, and of the site; the published weights have 4 and 18.

    Returns
    -------
    Sequential
        Sites (b, channels, samples) -> features (b, 64).

    Raises
    ------
    MedgraftError
        A site has no letter.

    Notes
    -----
    Cost: 17,000 multiplications.

    References
    ----------
    Cheng et al. (2019), doi:10.1186/s13059-019-1653-z

    Examples
    --------
    >>> mmsplice_donor()(torch.zeros(2, 4, 18)).shape
    torch.Size([2, 64])
    """
    check_length("MMSplice", samples, 1)
    parts: OrderedDict[str, nn.Module] = OrderedDict(flat=PositionMajor())
    given = channels * samples
    for i, wanted in enumerate((128, 64), 1):
        parts[f"dense{i}"], parts[f"bn{i}"] = nn.Linear(given, wanted), nn.BatchNorm1d(wanted, eps=EPS)
        parts[f"act{i}"], parts[f"drop{i}"] = nn.ReLU(), nn.Dropout(DROPOUT)
        given = wanted
    return nn.Sequential(parts)


def mmsplice_acceptor(channels: int = 4, samples: int = ACCEPTOR) -> nn.Sequential:
    r"""Return the acceptor module of MMSplice (Cheng et al. 2019) without its last layer.

    Use it with the published weights, for variants at the 3' end of an intron: 50 letters of the intron and 3
    of the exon, one-hot in the order A, C, G, T. Not for variants in the rest of the exon, which it does not
    see.

    .. math:: z_t = \mathrm{bn}_2(\mathrm{relu}(W_2\,\mathrm{bn}_1(\mathrm{relu}(W_1 * x + b_1))_t + b_2))

    The published last layer, ``out``, makes the logit of a true site of the features of all places, place by
    place. Tensors are named ``conv, bn1, conv1x1, bn2``, as in the published weights.

    Parameters
    ----------
    channels, samples : int, default 4, 53
        Letters of the alphabet, and of the site; the published weights have 4 and 53.

    Returns
    -------
    Sequential
        Sites (b, channels, samples) -> features (b, 32 * samples).

    Raises
    ------
    MedgraftError
        A site has no letter.

    Notes
    -----
    Cost: 0.16 million multiplications.

    References
    ----------
    Cheng et al. (2019), doi:10.1186/s13059-019-1653-z

    Examples
    --------
    >>> mmsplice_acceptor()(torch.zeros(2, 4, 53)).shape
    torch.Size([2, 1696])
    """
    check_length("MMSplice", samples, 1)
    return nn.Sequential(
        OrderedDict(
            conv=nn.Conv1d(channels, 32, KERNEL, padding=KERNEL // 2),
            act1=nn.ReLU(),
            bn1=nn.BatchNorm1d(32, eps=EPS),
            conv1x1=nn.Conv1d(32, 32, 1),
            act2=nn.ReLU(),
            bn2=nn.BatchNorm1d(32, eps=EPS),
            flat=PositionMajor(),
            drop=nn.Dropout(DROPOUT),
        )
    )
