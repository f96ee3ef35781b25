from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import nn

from medgraft.base import MedgraftError
from medgraft.methods.segment.window import bell, slide, starts


def pointwise(d):
    torch.manual_seed(0)
    conv = (nn.Conv2d, nn.Conv3d)[d - 2]
    return nn.Sequential(conv(2, 5, 1), nn.ReLU(), conv(5, 3, 1)).eval()


@pytest.mark.parametrize(("sides", "window"), [((37, 20), (16, 8)), ((19, 9, 12), (8, 9, 16))])
@pytest.mark.parametrize("overlap", [0.0, 0.5, 0.7])
def test_a_pointwise_network_says_the_same_in_windows_as_on_the_whole(sides, window, overlap):
    net, x = pointwise(len(sides)), torch.randn(2, *sides)
    with torch.no_grad():
        whole = net(x[None])[0].softmax(dim=0)
    torch.testing.assert_close(slide(x, window, net, overlap=overlap), whole)


def test_where_windows_disagree_the_one_whose_middle_is_nearer_counts_more():
    calls = iter(range(100))

    def network(batch):  # each window names itself; the last is a filler of the batch
        return (
            torch.stack([torch.eye(4)[min(next(calls), 3)][:, None, None].expand(4, 8, 8) for _ in batch])
            * 50
        )

    p = slide(torch.zeros(1, 8, 12), (8, 8), network, overlap=0.5)
    assert (p[0, :, :5] > p[1, :, :5]).all() and (p[1, :, 7:] > p[0, :, 7:]).all()
    torch.testing.assert_close(p[0, :, 5:7].sum(), p[1, :, 5:7].sum())  # the middle is shared


def test_probabilities_sum_to_one_everywhere():
    p = slide(torch.randn(2, 21, 13), (8, 8), pointwise(2))
    torch.testing.assert_close(p.sum(dim=0), torch.ones(21, 13))


@pytest.mark.parametrize("overlap", [0.0, 0.3, 0.5, 0.9])
@pytest.mark.parametrize("side", [5, 8, 9, 31])
def test_windows_cover_an_axis_to_its_last_place(side, overlap):
    first = starts(side, 8, overlap)
    assert {p for a in first for p in range(a, min(a + 8, side))} == set(range(side))
    assert all(b - a <= max(8 * (1 - overlap), 1) + 0.5 for a, b in pairwise(first))


def test_the_bell_is_highest_in_the_middle_and_never_nothing():
    weight = bell((9, 5))
    assert weight[4, 2] == weight.max() == 1 and weight.min() > 0
    torch.testing.assert_close(weight, weight.flip(0, 1))


def test_an_overlap_of_one_is_refused():
    with pytest.raises(MedgraftError, match="overlap=1"):
        slide(torch.zeros(1, 4, 4), (2, 2), pointwise(2), overlap=1.0)
