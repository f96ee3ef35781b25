"""A plain convolutional network, as studies build one of their own beside pretrained ones."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

FILTERS = (32, 64, 128, 256, 512)
WIDTH = 256  # of the dense layer


class PlainCNN(nn.Module):
    """Five stages of two 3 x 3 convolutions with BatchNorm and ReLU, each halved by maximum pooling.

    The maps of the last stage are averaged over all places; a dense layer of 256 with ReLU and dropout
    follows. It is no published network, but what "a CNN from scratch" most often is.

    Parameters
    ----------
    classes : int, default 2
        Outputs; 0 for none, which gives the 256 features themselves.
    channels : int, default 3
        Channels of the images, whose sides are 32 pixels or more.
    dropout : float, default 0.3
        After the dense layer.
    """

    def __init__(self, classes: int = 2, channels: int = 3, dropout: float = 0.3) -> None:
        super().__init__()
        stages = []
        for filters in FILTERS:
            stages.append(_stage(channels, filters))
            channels = filters
        self.features = nn.Sequential(*stages)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flat = nn.Flatten()
        dense = OrderedDict(linear=nn.Linear(channels, WIDTH), act=nn.ReLU(), drop=nn.Dropout(dropout))
        self.dense = nn.Sequential(dense)
        self.classifier: nn.Module = nn.Linear(WIDTH, classes) if classes else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits (b, classes) of images (b, channels, h, w)."""
        logits: torch.Tensor = self.classifier(self.dense(self.flat(self.pool(self.features(x)))))
        return logits


def plain_cnn(channels: int = 3) -> PlainCNN:
    """Return the network without its head: images -> 256 features."""
    return PlainCNN(classes=0, channels=channels)


def _stage(given: int, wanted: int) -> nn.Sequential:
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for place, inputs in ((1, given), (2, wanted)):
        conv = nn.Conv2d(inputs, wanted, 3, padding=1, bias=False)
        nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
        layers |= {f"conv{place}": conv, f"norm{place}": nn.BatchNorm2d(wanted), f"act{place}": nn.ReLU()}
    return nn.Sequential(layers | OrderedDict(pool=nn.MaxPool2d(2)))
