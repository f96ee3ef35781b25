"""The trunk of CenterNet: a residual encoder, and three stages that make its map larger again."""

from __future__ import annotations

import torch
from torch import nn
from torchvision.models import resnet18
from torchvision.ops import deform_conv2d

from medgraft.networks.view import View

FILTERS = (256, 128, 64)


class DeformableConv(nn.Module):
    """A 3 x 3 convolution that looks, and how hard, where a second convolution says (Zhu et al. 2019).

    At first it looks straight, at half strength: the second convolution starts at zero. Source:
    doi:10.1109/CVPR.2019.00953.

    Parameters
    ----------
    given, wanted : int
        Channels in and out.
    """

    def __init__(self, given: int, wanted: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(wanted, given, 3, 3))
        self.bias = nn.Parameter(torch.zeros(wanted))
        self.conv_offset_mask = nn.Conv2d(given, 27, 3, padding=1)
        nn.init.kaiming_normal_(self.weight, nonlinearity="relu")
        nn.init.zeros_(self.conv_offset_mask.weight)
        nn.init.zeros_(self.conv_offset_mask.bias)  # type: ignore[arg-type]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (b, wanted, h, w)."""
        said = self.conv_offset_mask(x)
        offset, mask = said[:, :18].contiguous(), said[:, 18:].sigmoid()
        out: torch.Tensor = deform_conv2d(
            x.contiguous(), offset, self.weight, self.bias, padding=1, mask=mask.contiguous()
        )
        return out


class CenterNet(nn.Module):
    """ResNet-18 with three up-sampling stages: images -> the means of both their maps (Zhou et al. 2019).

    "Objects as Points" (arXiv:1904.07850) finds the centres of objects on a map of a quarter of the image's
    side. Its trunk, the part before the centres, gives 576 features here: 512 means of the encoder's last map
    and 64 of the decoder's. Tensors are named as in the paper's own code, and, in the encoder, as in every
    ResNet-18, whose weights thus fit there; the stages then stay random.

    Parameters
    ----------
    channels : int, default 3
        Channels of the images.
    """

    def __init__(self, channels: int = 3) -> None:
        super().__init__()
        encoder = resnet18()
        self.conv1 = nn.Conv2d(channels, 64, 7, stride=2, padding=3, bias=False)
        nn.init.kaiming_normal_(self.conv1.weight, mode="fan_out", nonlinearity="relu")
        for name in ("bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4"):
            setattr(self, name, getattr(encoder, name))
        layers: list[nn.Module] = []
        given = 512
        for filters in FILTERS:
            layers += [DeformableConv(given, filters), nn.BatchNorm2d(filters), nn.ReLU()]
            layers += [_doubling(filters), nn.BatchNorm2d(filters), nn.ReLU()]
            given = filters
        self.deconv_layers = nn.Sequential(*layers)
        self.views = {"<centres>": View((self.deconv_layers,), self._both_means)}

    @property
    def steps(self) -> list[str]:
        """Names of what runs in turn."""
        encoder = ["conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4"]
        return [*encoder, "<centres>"]

    def _both_means(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x.mean((2, 3)), self.deconv_layers(x).mean((2, 3))], dim=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return features (b, 576) of images (b, channels, h, w)."""
        for name in self.steps[:-1]:
            x = self.get_submodule(name)(x)
        return self._both_means(x)


def centernet_resnet18(channels: int = 3) -> CenterNet:
    """Return the trunk with a ResNet-18 as encoder."""
    return CenterNet(channels)


def _doubling(filters: int) -> nn.ConvTranspose2d:
    """Transposed convolution that starts as bilinear interpolation by two, as the paper says."""
    layer = nn.ConvTranspose2d(filters, filters, 4, stride=2, padding=1, bias=False)
    line = torch.tensor([0.25, 0.75, 0.75, 0.25])
    with torch.no_grad():
        layer.weight.zero_()
        for i in range(filters):
            layer.weight[i, i] = torch.outer(line, line)
    return layer
