"""The trunk of RetinaNet: a residual network and its pyramid of maps."""

from __future__ import annotations

import torch
from torch import nn
from torchvision.models import resnet50
from torchvision.models.detection.backbone_utils import _resnet_fpn_extractor
from torchvision.ops.feature_pyramid_network import LastLevelP6P7

from medgraft.networks.view import View

# torchvision's published detector was trained without a guard against variances of zero; this one is too
# small to be seen in its features.
EPS = 1e-9


class RetinaNetTrunk(nn.Module):
    """torchvision's ``retinanet_resnet50_fpn`` without its heads: images -> means of its five maps.

    RetinaNet (Lin et al. 2017, doi:10.1109/ICCV.2017.324) looks for objects of all sizes on the five levels
    of a feature pyramid (doi:10.1109/CVPR.2017.106), 256 channels each; their means, from the finest level
    to the coarsest, are 1,280 features. Tensors are named ``backbone.body.*`` and ``backbone.fpn.*`` as in
    torchvision's detector.

    Parameters
    ----------
    channels : int, default 3
        Channels of the images.
    """

    def __init__(self, channels: int = 3) -> None:
        super().__init__()
        body = resnet50()
        if channels != 3:
            body.conv1 = nn.Conv2d(channels, 64, 7, stride=2, padding=3, bias=False)
            nn.init.kaiming_normal_(body.conv1.weight, mode="fan_out", nonlinearity="relu")
        self.backbone = _resnet_fpn_extractor(
            body, 5, returned_layers=[2, 3, 4], extra_blocks=LastLevelP6P7(256, 256)
        )
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eps = EPS
        part = self.backbone.body
        self.views = {"<pyramid>": View((part["layer3"], part["layer4"], self.backbone.fpn), self._pyramid)}

    @property
    def steps(self) -> list[str]:
        """Names of what runs in turn; the pyramid starts from the second stage's map."""
        before = ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2")
        return [*(f"backbone.body.{name}" for name in before), "<pyramid>"]

    def _pyramid(self, x: torch.Tensor) -> torch.Tensor:
        fourth = self.backbone.body["layer3"](x)
        maps = {"0": x, "1": fourth, "2": self.backbone.body["layer4"](fourth)}
        return torch.cat([level.mean((2, 3)) for level in self.backbone.fpn(maps).values()], dim=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return features (b, 1280) of images (b, channels, h, w)."""
        for name in self.steps[:-1]:
            x = self.get_submodule(name)(x)
        return self._pyramid(x)


def retinanet_resnet50_fpn(channels: int = 3) -> RetinaNetTrunk:
    """Return the trunk of torchvision's detector of the same name."""
    return RetinaNetTrunk(channels)
