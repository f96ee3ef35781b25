"""The trunk of torchvision's detector."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file

from medgraft.sources.backbone import load


@pytest.fixture(scope="module")
def detector():
    from torchvision.models.detection import retinanet_resnet50_fpn

    torch.manual_seed(0)
    net = retinanet_resnet50_fpn(weights=None, weights_backbone=None).eval()
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eps = 0.0  # as the library sets it where it loads the published weights
    return net


WHOLE, OWN, BARE = "all of the detector's", "the trunk's own", "without the trunk's name"


@pytest.mark.parametrize(
    "names", [WHOLE, pytest.param(OWN, marks=pytest.mark.slow), pytest.param(BARE, marks=pytest.mark.slow)]
)
def test_a_detector_s_file_fills_the_trunk_which_gives_the_means_of_its_maps(detector, tmp_path, names):
    weights = dict(detector.state_dict())
    if names != WHOLE:
        weights = {k: v for k, v in weights.items() if k.startswith("backbone.")}
    if names == BARE:
        weights = {k.removeprefix("backbone."): v for k, v in weights.items()}
    path = tmp_path / "w.safetensors"
    save_file(weights, path)
    backbone = load(f"{path}@torchvision:retinanet_resnet50_fpn")
    assert (backbone.report.fraction, backbone.d) == (1.0, 1280)
    heads = {name.split(".")[0] for name in backbone.report.skipped}
    assert heads == ({"head"} if names == WHOLE else set())
    images = torch.randint(0, 256, (1, 3, 96, 96), dtype=torch.uint8)
    with torch.inference_mode():
        x = backbone.module.normalise(images)
        truth = torch.cat([level.mean((2, 3)) for level in detector.backbone(x).values()], 1)
        assert (backbone.module(images) - truth).abs().max() < 1e-4 * truth.abs().max()
