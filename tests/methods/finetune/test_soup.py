"""The weights that are kept."""

from __future__ import annotations

import torch

from medgraft.methods.finetune.soup import Soup
from sources.test_network import network


def offered(size, losses):
    soup, net = Soup(size), network()
    for epoch, loss in enumerate(losses):
        with torch.no_grad():
            net.head.linear.bias.fill_(float(epoch))
        soup.offer(epoch, loss, net)
    return soup, net


def test_one_is_the_best_and_of_equal_ones_the_earlier():
    soup, net = offered(1, [0.5, 0.3, 0.3, 0.4])
    assert soup.average(net) == []
    soup.restore(net)
    assert net.head.linear.bias.tolist() == [1.0, 1.0]


def test_several_are_averaged():
    soup, net = offered(3, [0.5, 0.3, 0.9, 0.4])
    assert soup.average(net) == [1, 3, 0]
    assert torch.allclose(net.head.linear.bias, torch.tensor([4 / 3, 4 / 3]))
    soup.restore(net)
    assert net.head.linear.bias.tolist() == [1.0, 1.0]
