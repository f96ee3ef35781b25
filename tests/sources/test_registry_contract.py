"""What every registered network keeps to, with random weights: one test, run over the registry."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from medgraft.base import MedgraftError
from medgraft.sources import Pretrained, networks
from medgraft.sources.backbone import Backbone, load
from medgraft.sources.build import build
from medgraft.sources.forward import run_batches
from medgraft.sources.resolve import resolve

# Sides that their networks permit and that keep the test quick; the others run on 64 pixels.
SIDES = {"timm:inception_v3": 96, "timm:inception_resnet_v2": 96, "torchvision:inception_v3": 96}
SIDES |= {"timm:swin_tiny_patch4_window7_224": 96, "medgraft:cifar_resnet20": 32}
# The others are as long to build as to test.
QUICK = {
    "medgraft:cifar_resnet20",
    "medgraft:darknet19",
    "medgraft:plain_cnn",
    "timm:mobilenetv2_100",
    "timm:vit_tiny_patch16_224",
    "torchvision:squeezenet1_1",
    "torchvision:googlenet",
    "medgraft:resnet3d_10",
    "medgraft:meshnet",
}
# Networks that are no chain to their end, with the reason.
PYRAMIDS = {
    "medgraft:centernet_resnet18": "the means of two maps, one made of the other",
    "torchvision:retinanet_resnet50_fpn": "the levels of the pyramid are made of three maps together",
}
# On maps this small a matrix product of torch rounds by an image's place in its batch: 3e-6 of the largest
# feature was measured on 64 pixels (B4: 1e-6), and nothing on B3's own 288.
ROUNDED = {"timm:efficientnet_b3", "timm:efficientnet_b4"}
OTHERS = {True: "torchvision:squeezenet1_1", False: "medgraft:cifar_resnet20"}


SEEING = [n for n in networks if networks[n].dims > 1]  # the others: test_array_networks.py


@pytest.fixture(params=[n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in SEEING])
def name(request):
    return request.param


def source(name, path=None, **settings):
    side = SIDES.get(name, 64)
    return Pretrained(name if path is None else f"{path}@{name}", size=side, **settings)


def pixels(name, n, channels=3):
    """Random images; for a network of volumes, volumes, whose shape is free."""
    side = SIDES.get(name, 64)
    generator = torch.Generator().manual_seed(0)
    if networks[name].dims == 3:
        return torch.randn(n, 1, 20, 16, 24, generator=generator)
    return torch.randint(0, 256, (n, channels, side, side), generator=generator).to(torch.uint8)


def features(backbone, images):
    with torch.inference_mode():
        return backbone.module(images)


def near(a, b, tolerance=1e-4):
    return (a - b).abs().max() <= tolerance * max(float(b.abs().max()), 1e-3)


def spread_statistics(backbone):
    """Give BatchNorm statistics of its own inputs, as training would; random weights let values explode."""
    torch.manual_seed(0)
    for module in backbone.module.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.reset_running_stats()
            module.momentum = None
            module.train()
    with torch.no_grad():
        backbone.module(pixels(backbone.spec.name, 4, backbone.channels))
    backbone.module.eval()


def test_every_network_keeps_the_contract_of_sources(name, tmp_path):
    entry = networks[name]
    backbone = source(name).load(pretrained=False)
    spread_statistics(backbone)
    images = pixels(name, 3)
    out = features(backbone, images)

    # Features: one finite row an image, which differs between images.
    assert out.shape == (3, backbone.d) and torch.isfinite(out).all() and backbone.d < 5000
    if name != "medgraft:meshnet":  # without BatchNorm or training, its 18 layers let all signal die away
        assert (out[0] - out[1]).abs().max() > 1e-5 * out.abs().max()
    # The head is gone, and the first layer is where the entry says.
    assert not any(tensor.startswith(f"{entry.head}.") for tensor in backbone.tensors())
    assert backbone.module.net.get_parameter(f"{entry.first_layer}.weight").shape[1] == backbone.channels

    # Blocks: each weight in one of them, and running them in turn is the network.
    names = [block for block, _ in backbone.blocks()]
    assert len(names) == len(set(names)) > 3
    owned = [id(p) for _, modules in backbone.blocks() for m in modules for p in m.parameters()]
    assert len(owned) == len(set(owned)) and set(owned) == {id(p) for p in backbone.module.parameters()}
    with torch.inference_mode():
        for k in (0, 1, len(names) // 2, len(names)):
            assert near(backbone.module.suffix(backbone.module.prefix(images, k), k), out)

    # Company: an image has the same features to the last bit whatever images come with it.
    alone = run_batches(1, lambda i: images[2], backbone.module)
    together = run_batches(3, lambda i: images[i], backbone.module)
    assert torch.equal(alone[0], together[2]) or (name in ROUNDED and near(alone[0], together[2], 1e-5))
    assert near(together, out)

    # Kept: what is rebuilt from its own facts and weights is the same to the last bit.
    again = Backbone.from_config(backbone.config(), backbone.tensors())
    assert again.fingerprint == backbone.fingerprint and torch.equal(features(again, images), out)

    # A file of its weights, with a head, fills it; the head is skipped and said to be.
    file = tmp_path / "own.safetensors"
    save_file(backbone.tensors() | {f"{entry.head}.weight": torch.zeros(2, 2)}, file)
    filled = source(name, file).load(seed=1)
    assert (filled.report.fraction, filled.report.random) == (1.0, ())
    assert filled.report.skipped == (f"{entry.head}.weight",)
    assert torch.equal(features(filled, images), out)

    # A file of another network does not, unless that is allowed by name.
    other = OTHERS[name != OTHERS[True]]
    foreign = tmp_path / "other.safetensors"
    save_file(load(other, pretrained=False).tensors(), foreign)
    with pytest.raises(MedgraftError, match="are of another architecture"):
        source(name, foreign).load()
    partial = source(name, foreign, allow_partial=True).load()
    assert partial.report.fraction < 0.9 and partial.report.random
    assert len(partial.report.random) == partial.report.total - partial.report.came

    if entry.dims == 3:  # volumes have one channel
        assert backbone.channels == 1
        return
    # Channels: a grey image through one is the same as its copies through three; four take colour and alpha.
    # With one mean for all channels the two are equal; with ImageNet's three, one channel gets their average.
    alike = replace(source(name, file).facts, mean=(0.5,) * 3, std=(0.5,) * 3)
    grey, one = pixels(name, 2, 1), load(alike, channels=1)
    assert one.report.adapted == (f"{entry.first_layer}.weight",) and one.report.fraction == 1.0
    assert near(features(one, grey), features(load(alike), grey.expand(-1, 3, -1, -1)), 1e-3)
    four = source(name, file, channels=4).load()
    assert four.report.adapted == (f"{entry.first_layer}.weight",)
    assert features(four, pixels(name, 2, 4)).shape == (2, backbone.d)


@pytest.mark.parametrize("every", SEEING)
def test_the_number_of_weights_is_that_of_the_network(every):
    with torch.device("meta"):  # counted, not made
        net = build(resolve(every), 3 if networks[every].dims == 2 else 1)
    assert sum(p.numel() for p in net.parameters()) == networks[every].parameters


def test_only_the_pyramids_are_no_chain_to_their_end():
    """The last step of a network of our own that is no single module is a view of several."""
    found = set()
    for name in SEEING:
        if networks[name].builder:
            with torch.device("meta"):
                net = build(resolve(name), 3 if networks[name].dims == 2 else 1)
            steps = getattr(net, "steps", None)
            if steps and steps[-1] in getattr(net, "views", {}):
                found.add(name)
    assert found == set(PYRAMIDS)


@pytest.mark.parametrize(
    ("family", "patterns"),
    [
        ("AlexNet", ["*alexnet"]),
        ("VGG", ["*vgg16", "*vgg19"]),
        ("GoogLeNet", ["*googlenet"]),
        ("SqueezeNet", ["*squeezenet*"]),
        ("Inception", ["*inception_v3", "*inception_resnet_v2"]),
        ("Xception", ["*xception"]),
        ("ResNet", ["*:resnet18", "*:resnet50", "*:resnet101", "*wide_resnet*", "*cifar_resnet20"]),
        ("DenseNet", ["*densenet121", "*densenet201"]),
        ("MobileNet", ["*mobilenetv1*", "*mobilenetv2*"]),
        ("EfficientNet", [f"*efficientnet_b{i}" for i in range(5)]),
        ("DarkNet", ["*darknet19"]),
        ("transformers", ["*vit_*", "*swin_*", "*convnext_*"]),
        ("detectors", ["*retinanet*", "*centernet*"]),
    ],
)
def test_the_studies_networks_are_found_by_pattern(family, patterns):
    for pattern in patterns:
        assert networks.list(pattern), f"{family}: nothing like {pattern}"
