"""DarkNet-19, the classifier under YOLO9000."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

# Table 6 of the paper: filters of each convolution, 3 x 3 and 1 x 1 in turn; maximum pooling between groups.
GROUPS = (
    (32,),
    (64,),
    (128, 64, 128),
    (256, 128, 256),
    (512, 256, 512, 256, 512),
    (1024, 512, 1024, 512, 1024),
)


class DarkNet19(nn.Module):
    """Nineteen convolutions with BatchNorm and leaky ReLU of slope 0.1 (Redmon and Farhadi 2017).

    The last convolution, 1 x 1, makes the classes, whose maps are averaged over all places. Source:
    doi:10.1109/CVPR.2017.690, table 6.

    Parameters
    ----------
    classes : int, default 1000
        Outputs; 0 for none, which gives the 1,024 averaged features themselves.
    channels : int, default 3
        Channels of the images, whose side is a multiple of 32.
    """

    def __init__(self, classes: int = 1000, channels: int = 3) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for group in GROUPS:
            if layers:
                layers.append(nn.MaxPool2d(2))
            for place, filters in enumerate(group):
                layers.append(_convolution(channels, filters, 1 if place % 2 else 3))
                channels = filters
        self.features = nn.Sequential(*layers)
        self.classifier: nn.Module = nn.Conv2d(channels, classes, 1) if classes else nn.Identity()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flat = nn.Flatten()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits (b, classes) of images (b, channels, h, w)."""
        logits: torch.Tensor = self.flat(self.pool(self.classifier(self.features(x))))
        return logits


def darknet19(channels: int = 3) -> DarkNet19:
    """Return DarkNet-19 without its last convolution: images -> 1,024 features."""
    return DarkNet19(classes=0, channels=channels)


def _convolution(given: int, wanted: int, side: int) -> nn.Sequential:
    conv = nn.Conv2d(given, wanted, side, padding=side // 2, bias=False)
    nn.init.kaiming_normal_(conv.weight, a=0.1, nonlinearity="leaky_relu")
    return nn.Sequential(OrderedDict(conv=conv, norm=nn.BatchNorm2d(wanted), act=nn.LeakyReLU(0.1)))
