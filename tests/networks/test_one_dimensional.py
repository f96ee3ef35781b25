"""What all networks for signals, sequences and omics keep to."""

from __future__ import annotations

import pytest
import torch

from medgraft.base import MedgraftError
from medgraft.networks.altumage import altumage
from medgraft.networks.bilstm_attention import bilstm_attention
from medgraft.networks.cnn1d_deep import cnn1d
from medgraft.networks.eegnet import eegnet
from medgraft.networks.inception_time import inception_time
from medgraft.networks.lengths import same
from medgraft.networks.mmsplice import mmsplice_acceptor, mmsplice_donor
from medgraft.networks.resnet1d import resnet1d
from medgraft.networks.sequence_cnn import sequence_cnn
from medgraft.sources.trunk import _chain

# A network, sizes of inputs and of features, and the names of its blocks.
NETWORKS = {
    "eegnet": (eegnet, [(4, 128, 64), (1, 33, 16), (19, 300, 144)], ["temporal", "spatial", "separable"]),
    "inception_time": (inception_time, [(1, 50, 128), (3, 7, 128)], ["block1", "block2"]),
    "resnet1d": (resnet1d, [(1, 60, 128), (12, 5, 128)], ["block1", "block2", "block3"]),
    "cnn1d": (
        cnn1d,
        [(2, 160, 77), (1, 15, 77)],
        ["conv1", "conv2", "conv3", "dense1", "dense2", "dense3", "dense4"],
    ),
    "sequence_cnn": (sequence_cnn, [(4, 41, 128), (20, 2, 128)], ["conv1", "conv2"]),
    "bilstm_attention": (
        bilstm_attention,
        [(4, 21, 128), (20, 1, 128)],
        ["embed", "lstm1", "lstm2", "attention"],
    ),
    "altumage": (
        altumage,
        [(1, 70, 32), (2, 30, 32)],
        ["bn1", "linear2", "linear3", "linear4", "linear5"],
    ),
    "mmsplice_donor": (mmsplice_donor, [(4, 18, 64), (4, 9, 64)], ["dense1", "dense2"]),
    "mmsplice_acceptor": (mmsplice_acceptor, [(4, 53, 1696), (4, 20, 640)], ["conv", "conv1x1"]),
}
SIZES = [(name, *size) for name, (_, sizes, _) in NETWORKS.items() for size in sizes]


def made(name, channels, samples):
    torch.manual_seed(0)
    net = NETWORKS[name][0](channels=channels, samples=samples).eval()
    for module in net.modules():  # as after training, so that a norm is not the identity
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
    return net, torch.randn(6, channels, samples)


@pytest.mark.parametrize(("name", "channels", "samples", "d"), SIZES)
def test_one_row_of_features_comes_out_and_its_length_is_as_documented(name, channels, samples, d):
    net, x = made(name, channels, samples)
    with torch.no_grad():
        assert net(x).shape == (6, d)
        assert net(x).dtype == torch.float32 and torch.isfinite(net(x)).all()


@pytest.mark.parametrize("name", NETWORKS)
def test_it_is_a_chain_of_the_documented_blocks(name):
    _, sizes, blocks = NETWORKS[name]
    net, x = made(name, *sizes[0][:2])
    chain = _chain(net, x[:2])
    assert [block for block, _ in chain] == blocks
    h = x
    with torch.no_grad():
        for _, parts in chain:
            for part in parts:
                h = net.get_submodule(part)(h)
        assert torch.allclose(h, net(x), atol=1e-6)


@pytest.mark.parametrize(("name", "channels", "samples", "d"), SIZES)
def test_in_use_a_window_s_features_do_not_hang_on_its_company_nor_on_chance(name, channels, samples, d):
    net, x = made(name, channels, samples)
    before = x.clone()
    with torch.no_grad():
        together = net(x)
        assert torch.equal(net(x), together) and torch.equal(x, before)
        for i in range(len(x)):
            assert torch.allclose(net(x[i : i + 1])[0], together[i], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_gradient_reaches_every_weight(name):
    net, x = made(name, *NETWORKS[name][1][0][:2])
    (net(x) * torch.randn(6, NETWORKS[name][1][0][2])).sum().backward()
    for weight, value in net.named_parameters():
        assert value.grad is not None and value.grad.abs().sum() > 0, weight


@pytest.mark.parametrize("name", NETWORKS)
def test_equal_seeds_make_equal_networks_and_what_is_saved_makes_it_again(name):
    net, x = made(name, *NETWORKS[name][1][0][:2])
    other = NETWORKS[name][0](channels=x.shape[1], samples=x.shape[2]).eval()
    with torch.no_grad():
        assert torch.equal(made(name, *NETWORKS[name][1][0][:2])[0](x), net(x))
        assert not torch.allclose(other(x), net(x))
        other.load_state_dict(net.state_dict())
        assert torch.equal(other(x), net(x))


@pytest.mark.parametrize(
    ("name", "samples"),
    [("eegnet", 31), ("cnn1d", 14), ("sequence_cnn", 1), *((name, 0) for name in NETWORKS)],
)
def test_an_input_that_is_too_short_is_told(name, samples):
    with pytest.raises(MedgraftError, match=f"places in a row, not {samples}"):
        NETWORKS[name][0](channels=2, samples=samples)


@pytest.mark.filterwarnings("ignore:Using padding=.same.")
@pytest.mark.parametrize("kernel", [1, 2, 3, 8, 10, 41, 64])
def test_same_padding_is_pytorch_s_own(kernel):
    x = torch.randn(2, 1, 20)
    weight = torch.randn(3, 1, kernel)
    own = torch.nn.functional.conv1d(same(kernel)(x), weight)
    assert torch.allclose(own, torch.nn.functional.conv1d(x, weight, padding="same"), atol=1e-5)
