"""Residual networks for volumes, with the tensors' names of MedicalNet."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import nn
from torch.nn import functional

from medgraft.base import MedgraftError

# Blocks of each stage, whether they are bottlenecks, and the shortcut of the published weights.
DEPTHS = {
    10: ((1, 1, 1, 1), False, "B"),
    18: ((2, 2, 2, 2), False, "A"),
    34: ((3, 4, 6, 3), False, "A"),
    50: ((3, 4, 6, 3), True, "B"),
}
Shortcut = Callable[[int, int, int], nn.Module]


class PaddedShortcut(nn.Module):
    """Every ``stride``-th voxel, and zeros for the new channels, after the old ones (option A)."""

    def __init__(self, given: int, wanted: int, stride: int) -> None:
        super().__init__()
        self.stride, self.new = stride, wanted - given

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (b, wanted, x / stride, y / stride, z / stride)."""
        s = self.stride
        return functional.pad(x[:, :, ::s, ::s, ::s], (0, 0, 0, 0, 0, 0, 0, self.new))


def projected_shortcut(given: int, wanted: int, stride: int) -> nn.Module:
    """Return a 1 x 1 x 1 convolution with BatchNorm (option B)."""
    return nn.Sequential(nn.Conv3d(given, wanted, 1, stride, bias=False), nn.BatchNorm3d(wanted))


class Block3d(nn.Module):
    """Two 3 x 3 x 3 convolutions, or a bottleneck of 1, 3 and 1, around a shortcut.

    Parameters
    ----------
    given, planes : int
        Channels in, and channels of the 3 x 3 x 3 convolutions.
    stride, dilation : int
        Of the 3 x 3 x 3 convolutions; only one of them has the stride.
    shortcut : Module or None
        None: the input itself.
    bottleneck : bool
        Whether the block gives four times `planes` channels, by a third convolution.
    """

    def __init__(
        self,
        given: int,
        planes: int,
        stride: int,
        dilation: int,
        shortcut: nn.Module | None,
        bottleneck: bool,
    ) -> None:
        super().__init__()

        def wide(inside: int, step: int) -> nn.Conv3d:
            return nn.Conv3d(inside, planes, 3, step, dilation, dilation, bias=False)

        if bottleneck:
            self.conv1 = nn.Conv3d(given, planes, 1, bias=False)
            self.conv2 = wide(planes, stride)
            self.conv3 = nn.Conv3d(planes, 4 * planes, 1, bias=False)
            self.bn3 = nn.BatchNorm3d(4 * planes)
        else:
            self.conv1 = wide(given, stride)
            self.conv2 = wide(planes, 1)
        self.bn1, self.bn2 = nn.BatchNorm3d(planes), nn.BatchNorm3d(planes)
        self.downsample, self.bottleneck = shortcut, bottleneck

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the block's output."""
        y = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        if self.bottleneck:
            y = self.bn3(self.conv3(functional.relu(y)))
        return functional.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet3d(nn.Module):
    """Residual network for volumes (Chen, Ma and Zheng 2019, arXiv:1904.00625), without a head.

    Use it for CT and MR volumes where between-slice structure matters, from MedicalNet's published weights
    or from scratch. Not for a few dozen volumes without weights: 2-D features of slices are then better.

    The stem halves each side twice, ``layer2`` once more; ``layer3`` and ``layer4`` keep the grid and
    look further by dilation 2 and 4. Tensors are named as in MedicalNet's files:
    ``conv1, bn1, layer{1,2,3,4}.N.{conv,bn}{1,2,3}, layerK.0.downsample.{0,1}``.

    Parameters
    ----------
    depth : int
        10, 18, 34 or 50.
    channels : int, default 1
        Channels of the volumes.
    shortcut : str, default "auto"
        ``"A"``: zeros stand for new channels; ``"B"``: a convolution; ``"auto"``: as in the published
        weights, A for 18 and 34, B for 10 and 50.
    width : int, default 64
        Channels of the first stage; the published weights have 64.

    Raises
    ------
    MedgraftError
        No such depth or shortcut.

    Notes
    -----
    Cost: a forward pass over 64 x 64 x 64 voxels takes some 10 (depth 10) to 40 (depth 50) GFLOP. Memory for
    training: about 60 MB of activations for each such volume at depth 18.

    Examples
    --------
    >>> ResNet3d(10)(torch.zeros(2, 1, 16, 16, 16)).shape
    torch.Size([2, 512])
    """

    def __init__(self, depth: int, channels: int = 1, shortcut: str = "auto", width: int = 64) -> None:
        super().__init__()
        if depth not in DEPTHS or shortcut not in ("auto", "A", "B"):
            raise MedgraftError(
                f"There is no 3-D residual network of depth {depth} with shortcut '{shortcut}': use 10, 18, "
                "34 or 50, and A or B."
            )
        blocks, bottleneck, published = DEPTHS[depth]
        kind: Shortcut = PaddedShortcut
        if (published if shortcut == "auto" else shortcut) == "B":
            kind = projected_shortcut
        self.conv1 = nn.Conv3d(channels, width, 7, 2, 3, bias=False)
        self.bn1, self.relu = nn.BatchNorm3d(width), nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool3d(3, 2, 1)
        made = partial(_stage, bottleneck=bottleneck, kind=kind)
        out = 4 if bottleneck else 1
        self.layer1 = made(width, width, blocks[0], stride=1, dilation=1)
        self.layer2 = made(out * width, 2 * width, blocks[1], stride=2, dilation=1)
        self.layer3 = made(out * 2 * width, 4 * width, blocks[2], stride=1, dilation=2)
        self.layer4 = made(out * 4 * width, 8 * width, blocks[3], stride=1, dilation=4)
        self.avgpool = nn.AdaptiveAvgPool3d(1)
        for module in self.modules():
            if isinstance(module, nn.Conv3d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return features (b, d) of volumes (b, channels, x, y, z)."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        pooled: torch.Tensor = self.avgpool(x).flatten(1)
        return pooled


def _stage(
    given: int, planes: int, blocks: int, *, stride: int, dilation: int, bottleneck: bool, kind: Shortcut
) -> nn.Sequential:
    out = 4 * planes if bottleneck else planes
    shortcut = None if stride == 1 and given == out else kind(given, out, stride)
    made = [Block3d(given, planes, stride, dilation, shortcut, bottleneck)]
    made += [Block3d(out, planes, 1, dilation, None, bottleneck) for _ in range(blocks - 1)]
    return nn.Sequential(*made)


def resnet3d_10(channels: int = 1, **settings: object) -> ResNet3d:
    """Return the network of depth 10."""
    return ResNet3d(10, channels, **settings)  # type: ignore[arg-type]


def resnet3d_18(channels: int = 1, **settings: object) -> ResNet3d:
    """Return the network of depth 18."""
    return ResNet3d(18, channels, **settings)  # type: ignore[arg-type]


def resnet3d_34(channels: int = 1, **settings: object) -> ResNet3d:
    """Return the network of depth 34."""
    return ResNet3d(34, channels, **settings)  # type: ignore[arg-type]


def resnet3d_50(channels: int = 1, **settings: object) -> ResNet3d:
    """Return the network of depth 50."""
    return ResNet3d(50, channels, **settings)  # type: ignore[arg-type]
