"""The trunk of CenterNet."""

from __future__ import annotations

import copy

import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional

from medgraft.base import MedgraftError
from medgraft.networks.centernet import DeformableConv, _doubling, centernet_resnet18
from medgraft.sources.backbone import load


def test_a_deformable_convolution_starts_as_a_plain_one_at_half_strength():
    layer = DeformableConv(3, 4)
    x = torch.randn(2, 3, 7, 9)
    assert torch.allclose(layer(x), functional.conv2d(x, layer.weight, padding=1) / 2, atol=1e-5)


def test_a_deformable_convolution_looks_where_its_offsets_point():
    layer = DeformableConv(1, 1)
    with torch.no_grad():
        layer.weight.zero_()
        layer.weight[0, 0, 1, 1] = 1.0  # the centre alone, the fifth of nine places
        layer.conv_offset_mask.bias[8] = 1.0  # its step down
        layer.conv_offset_mask.bias[9] = -2.0  # its step to the right
        layer.conv_offset_mask.bias[18:] = 100.0  # at full strength
    x = torch.arange(35.0).view(1, 1, 5, 7)
    assert torch.allclose(layer(x)[0, 0, :4, 2:], x[0, 0, 1:, :5])


def test_doubling_starts_as_interpolation_within_each_channel():
    x = torch.randn(1, 3, 6, 6)
    truth = functional.interpolate(x, scale_factor=2, mode="bilinear")
    assert torch.allclose(_doubling(3)(x)[..., 2:-2, 2:-2], truth[..., 2:-2, 2:-2], atol=1e-6)


def test_the_decoder_ends_on_a_quarter_of_the_side_and_both_maps_are_averaged():
    net = centernet_resnet18().eval()
    x = torch.rand(2, 3, 64, 96)
    with torch.no_grad():
        deep = x
        for name in net.steps[:-1]:
            deep = net.get_submodule(name)(deep)
        centres = net.deconv_layers(deep)
        assert centres.shape == (2, 64, 16, 24)
        assert torch.allclose(net(x), torch.cat([deep.mean((2, 3)), centres.mean((2, 3))], 1))


def test_a_copy_runs_its_own_weights():
    net = centernet_resnet18().eval()
    twin = copy.deepcopy(net)
    torch.nn.init.zeros_(twin.deconv_layers[4].weight)  # batch norm's scale
    x = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        assert not torch.equal(net(x), twin(x))
        assert torch.equal(
            twin.views["<centres>"](torch.ones(1, 512, 1, 1)), twin._both_means(torch.ones(1, 512, 1, 1))
        )


@pytest.mark.parametrize("library", ["torchvision", "timm"])
def test_a_resnet_s_weights_fill_the_encoder_and_the_rest_is_reported_random(tmp_path, library):
    path = tmp_path / "resnet18.safetensors"
    resnet = load(f"{library}:resnet18", pretrained=False, seed=3)
    save_file(resnet.tensors(), path)
    spec = f"{path}@medgraft:centernet_resnet18"
    with pytest.raises(MedgraftError, match="only 100 of 139 trunk tensors fit"):
        load(spec)
    found = load(spec, allow_partial=True)
    assert len(found.report.loaded) == 100 and found.report.skipped == ()
    assert {name.split(".")[0] for name in found.report.random} == {"deconv_layers"}
    images = torch.randint(0, 256, (1, 3, 64, 64), dtype=torch.uint8)
    with torch.inference_mode():
        assert torch.allclose(found.module(images)[:, :512], resnet.module(images), atol=1e-5)
