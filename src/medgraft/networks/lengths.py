"""What one-dimensional networks need to know of lengths."""

from __future__ import annotations

from torch import nn

from medgraft.base import MedgraftError


def same(kernel: int) -> nn.ConstantPad1d:
    """Return zeros on both sides, so that a convolution of this kernel keeps the length.

    An even kernel has one zero more after than before, as in TensorFlow's ``"same"``. The last direction is
    padded, also of maps (b, c, h, w).

    Examples
    --------
    >>> same(4).padding
    (1, 2)
    """
    return nn.ConstantPad1d(((kernel - 1) // 2, kernel // 2), 0.0)


def check_length(network: str, samples: int, least: int) -> None:
    """Refuse an input that is too short for a network.

    Raises
    ------
    MedgraftError
        It has fewer than `least` samples.
    """
    if samples < least:
        raise MedgraftError(
            f"{network} needs an input of {least} or more places in a row, not {samples}: use longer windows "
            "or sequences."
        )
