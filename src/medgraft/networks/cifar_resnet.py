"""The small residual networks of CIFAR-10."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


class PlainBlock(nn.Module):
    """Two 3 x 3 convolutions and a shortcut without weights (option A of He et al. 2016).

    Parameters
    ----------
    given, wanted : int
        Channels in and out; where they differ, the shortcut takes every ``stride``-th pixel and
        pads the new channels with zeros, half before and half after the old ones.
    stride : int
        Step of the first convolution.
    """

    def __init__(self, given: int, wanted: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(given, wanted, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(wanted)
        self.conv2 = nn.Conv2d(wanted, wanted, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(wanted)
        self.stride, self.new = stride, wanted - given

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the block's output (b, wanted, h / stride, w / stride)."""
        y = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        before = self.new // 2
        x = x[:, :, :: self.stride, :: self.stride]
        return functional.relu(y + functional.pad(x, (0, 0, 0, 0, before, self.new - before)))


class CifarResNet(nn.Module):
    """Residual network of depth ``6 blocks + 2`` for images of about 32 pixels (He et al. 2016).

    Its tensors are named ``conv1, bn1, layer{1,2,3}.N.{conv1,bn1,conv2,bn2}, linear``.

    Parameters
    ----------
    blocks : int, default 3
        Blocks of each of the three stages; 3 is ResNet-20.
    classes : int, default 10
        Outputs; 0 for none, which gives the 64 features themselves.
    channels : int, default 3
        Channels of the images.
    """

    def __init__(self, blocks: int = 3, classes: int = 10, channels: int = 3) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.act = nn.ReLU()
        self.layer1 = _stage(16, 16, 1, blocks)
        self.layer2 = _stage(16, 32, 2, blocks)
        self.layer3 = _stage(32, 64, 2, blocks)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flat = nn.Flatten()
        self.linear: nn.Module = nn.Linear(64, classes) if classes else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits (b, classes) of images (b, channels, h, w)."""
        x = self.act(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        logits: torch.Tensor = self.linear(self.flat(self.pool(x)))
        return logits


def cifar_resnet20(channels: int = 3) -> CifarResNet:
    """Return ResNet-20 without its head: images -> 64 features."""
    return CifarResNet(classes=0, channels=channels)


def _stage(given: int, wanted: int, stride: int, blocks: int) -> nn.Sequential:
    rest = (PlainBlock(wanted, wanted, 1) for _ in range(blocks - 1))
    return nn.Sequential(PlainBlock(given, wanted, stride), *rest)
