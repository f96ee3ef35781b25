"""The deep 1-D CNN of motor imagery."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from medgraft.networks.lengths import check_length, same

FILTERS = ((64, 10), (64, 10), (32, 4))  # filters and samples of the convolutions
POOL = 3
DENSE = (306, 153, 77, 77)


def cnn1d(channels: int, samples: int, dropout: float = 0.5) -> nn.Sequential:
    r"""Return the deep 1-D CNN of Taghizadeh et al. (2024) without its classifier.

    Use it for pairs of symmetric EEG electrodes over some seconds, and to repeat that study. Not for few
    windows without a source: the first dense layer alone has two million weights at 640 samples, and is tied
    to the length.

    Three convolutions, the first of which keeps the length, with a maximum over 3 samples at the end, and
    four dense layers:

    .. math:: h = \max_3 \mathrm{relu}(W_3 * \mathrm{bn}\,\mathrm{relu}(W_2 * \mathrm{bn}\,
        \mathrm{relu}(W_1 * x))), \quad
        z = \mathrm{relu}(D_4 \mathrm{relu}(D_3 \mathrm{relu}(D_2 \mathrm{relu}(D_1 h))))

    The blocks are ``conv1`` to ``conv3`` and ``dense1`` to ``dense4``.

    Parameters
    ----------
    channels, samples : int
        Of a window: 2 and 640 in the study.
    dropout : float, default 0.5
        After the second convolution and the first three dense layers.

    Returns
    -------
    Sequential
        Windows (b, channels, samples) -> features (b, 77).

    Raises
    ------
    MedgraftError
        A window has fewer than 15 samples.

    Notes
    -----
    Layers, their sizes and their order are read from the authors' published code; the article's text was not
    available. Ours: what BatchNorm adds to the variance, and the random weights at the start, are PyTorch's.
    Cost: 34 million multiplications for 2 x 640 samples; 2.2 million weights.

    References
    ----------
    Taghizadeh et al. (2024), doi:10.1109/ACCESS.2024.3430838

    Examples
    --------
    >>> import torch
    >>> cnn1d(channels=2, samples=640)(torch.zeros(3, 2, 640)).shape
    torch.Size([3, 77])
    """
    (f1, k1), (f2, k2), (f3, k3) = FILTERS
    lost = k2 + k3 - 2
    check_length("The deep 1-D CNN", samples, lost + POOL)
    parts: OrderedDict[str, nn.Module] = OrderedDict(
        pad=same(k1),
        conv1=nn.Conv1d(channels, f1, k1),
        act1=nn.ReLU(),
        norm1=nn.BatchNorm1d(f1),
        conv2=nn.Conv1d(f1, f2, k2),
        act2=nn.ReLU(),
        norm2=nn.BatchNorm1d(f2),
        drop2=nn.Dropout(dropout),
        conv3=nn.Conv1d(f2, f3, k3),
        act3=nn.ReLU(),
        pool=nn.MaxPool1d(POOL),
        flat=nn.Flatten(),
    )
    given = f3 * ((samples - lost) // POOL)
    for i, wanted in enumerate(DENSE, 1):
        parts[f"dense{i}"], parts[f"relu{i}"] = nn.Linear(given, wanted), nn.ReLU()
        if i < len(DENSE):
            parts[f"dropout{i}"] = nn.Dropout(dropout)
        given = wanted
    return nn.Sequential(parts)
