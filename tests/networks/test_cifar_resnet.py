"""The CIFAR ResNet has the paper's size and option-A shortcuts, and takes published weights."""

import pytest

torch = pytest.importorskip("torch")

from medgraft.networks.cifar_resnet import CifarResNet, PlainBlock  # noqa: E402


def test_resnet_20_has_the_paper_s_270_thousand_weights():
    assert sum(p.numel() for p in CifarResNet().parameters()) == 269_722


def test_a_block_without_weights_is_its_shortcut_padded_on_both_sides():
    block = PlainBlock(2, 4, 2).eval()
    torch.nn.init.zeros_(block.conv2.weight)
    x = torch.rand(1, 2, 4, 4)
    y = block(x)
    assert torch.equal(y[:, 1:3], x[:, :, ::2, ::2])
    assert not y[:, [0, 3]].any()


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_logits_are_finite_whatever_the_channels(channels):
    y = CifarResNet(blocks=1, classes=5, channels=channels).eval()(torch.rand(2, channels, 20, 20))
    assert y.shape == (2, 5) and torch.isfinite(y).all()


def test_published_weights_fit_without_a_tensor_left_over(shared_weights):
    from safetensors.torch import load_file

    saved = load_file(shared_weights("cifar10_resnet20.safetensors"))
    network = CifarResNet()
    network.load_state_dict({key: value.float() for key, value in saved.items()}, strict=True)
    assert torch.isfinite(network.eval()(torch.rand(1, 3, 32, 32))).all()
