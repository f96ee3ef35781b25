"""What a segmentation minimises: cross-entropy, and the overlap that is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

SMOOTH = 1.0  # pixels added to both parts of the ratio


def dice_and_entropy(scores: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
    r"""Return the loss of each sample (b,): mean cross-entropy plus one minus the mean soft Dice.

    With :math:`p = \mathrm{softmax}(s)` and the set P of classes :math:`k > 0` that the sample has,

    .. math:: -\frac{1}{V}\sum_v \log p_{v, y_v} + \frac{1}{|P|} \sum_{k \in P} \left(1 -
              \frac{2 \sum_v p_{vk} [y_v = k] + 1}{\sum_v p_{vk} + \sum_v [y_v = k] + 1}\right)

    A class that a sample has not is left to the cross-entropy: its Dice would ask for less than one pixel's
    probability over a whole empty slice, and a network that has learnt to draw nothing does not come back.

    Parameters
    ----------
    scores : tensor (b, K, ...)
    codes : tensor (b, ...) of int
        Numbers of classes; 0 is the background.

    Notes
    -----
    Milletari et al. 2016, doi:10.1109/3DV.2016.79; the sum of both as in Isensee et al. 2021,
    doi:10.1038/s41592-020-01008-z.
    """
    import torch

    scores = scores.float()
    log_p = torch.log_softmax(scores, dim=1)
    right = log_p.gather(1, codes[:, None].long())[:, 0]
    p = log_p.exp()[:, 1:].flatten(2)
    truth = torch.stack([codes == k for k in range(1, scores.shape[1])], dim=1).to(p.dtype).flatten(2)
    size = truth.sum(2)
    overlap = (2.0 * (p * truth).sum(2) + SMOOTH) / (p.sum(2) + size + SMOOTH)
    there = (size > 0).to(p.dtype)
    missing = ((1.0 - overlap) * there).sum(1) / there.sum(1).clamp(min=1.0)
    return -right.flatten(1).mean(1) + missing
