"""MeshNet: a segmenter of brain volumes in a few thousand weights, by dilated convolutions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from medgraft.cohort.media import Volume

DILATIONS = (1, 2, 4, 8, 16, 8, 4, 2, 1)


class MeshNet(nn.Sequential):
    """Dilated 3 x 3 x 3 convolutions at full resolution (Fedorov et al. 2017, arXiv:1612.00940).

    Use it where the shape of tissue in a T1 volume is the question and weights must be few; a volume scaled
    to [0, 1] goes in, a score for each voxel and class comes out. Not where the finding needs more than
    some thousand weights to be seen.

    Tensors are named as in a plain sequence: ``0.weight, 0.bias, 2.weight, ...``; every second place is an
    activation.

    Parameters
    ----------
    channels : int, default 1
        Channels of the volumes.
    width : int, default 5
        Channels within.
    classes : int, default 3
        Scores of each voxel; brainchop's published model has background, white matter, grey matter.
    dilations : sequence of int
        One for each convolution.

    Notes
    -----
    A voxel's score depends on voxels up to 46 away, the sum of the dilations: a patch needs that margin.

    Examples
    --------
    >>> MeshNet()(torch.zeros(1, 1, 8, 8, 8)).shape
    torch.Size([1, 3, 8, 8, 8])
    >>> MeshNet().reach
    46
    """

    def __init__(
        self,
        channels: int = 1,
        width: int = 5,
        classes: int = 3,
        dilations: Sequence[int] = DILATIONS,
    ) -> None:
        parts: list[nn.Module] = []
        for i, dilation in enumerate(dilations):
            given = channels if i == 0 else width
            parts += [nn.Conv3d(given, width, 3, 1, dilation, dilation), nn.ReLU(inplace=True)]
        super().__init__(*parts, nn.Conv3d(width, classes, 1))
        self.dilations = tuple(dilations)

    @property
    def reach(self) -> int:
        """How many voxels away something may lie and still change a score."""
        return sum(self.dilations)


def segment(network: MeshNet, volume: Volume, patch: int = 128) -> NDArray[np.int64]:
    """Return the class of each voxel (x, y, z) of a T1 volume of about 1 mm, computed patch by patch.

    Use it with brainchop's weights: 0 background, 1 white and 2 grey matter. Not as a measurement: it was
    trained on whole heads of 1 mm, and at the edge of a volume that cuts the head its labels are wrong.

    Each patch is seen with a margin of the network's reach, so that its voxels are those of the whole volume
    passed at once; smaller patches need less memory and more time. The network sees the axes run left,
    downwards and to the front, as in its training, and values scaled to [0, 1].

    Parameters
    ----------
    network : MeshNet
    volume : Volume
    patch : int, default 128
        Voxels along each side that are kept of a patch.
    """
    scaled = np.nan_to_num(volume.values) - np.nanmin(volume.values)
    scaled = scaled / (scaled.max() or 1.0)
    turned = np.ascontiguousarray(scaled[::-1, :, ::-1].transpose(0, 2, 1))
    x = torch.from_numpy(turned.astype(np.float32))[None, None]
    out = torch.zeros(x.shape[2:], dtype=torch.int64)
    reach, sides = network.reach, x.shape[2:]
    network.eval()
    corners = np.stack(np.meshgrid(*(np.arange(0, n, patch) for n in sides), indexing="ij"), -1)
    with torch.inference_mode():
        for corner in corners.reshape(-1, 3).tolist():
            low = [max(c - reach, 0) for c in corner]
            seen = tuple(
                slice(lo, min(c + patch + reach, n)) for lo, c, n in zip(low, corner, sides, strict=True)
            )
            labels = network(x[:, :, *seen])[0].argmax(dim=0)
            kept = tuple(slice(c - lo, c - lo + patch) for lo, c in zip(low, corner, strict=True))
            out[tuple(slice(c, c + patch) for c in corner)] = labels[kept]
    return np.ascontiguousarray(out.numpy().transpose(0, 2, 1)[::-1, :, ::-1])


class MeshNetTrunk(nn.Sequential):
    """MeshNet without its classifier: the mean of each of its last maps over the volume.

    A trunk of so few features says little about a whole volume; it is there for fine-tuning, and because a
    released network may have nothing else.
    """

    def __init__(self, channels: int = 1, width: int = 5) -> None:
        super().__init__(*list(MeshNet(channels, width))[:-1])
        self.add_module("avgpool", nn.AdaptiveAvgPool3d(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return features (b, width) of volumes (b, channels, x, y, z)."""
        for module in self:
            x = module(x)
        return x.flatten(1)


def meshnet(channels: int = 1, **settings: int) -> MeshNetTrunk:
    """Return MeshNet as a trunk."""
    return MeshNetTrunk(channels, **settings)
