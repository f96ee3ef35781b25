from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import nn

from medgraft.methods.segment.loss import dice_and_entropy
from medgraft.methods.segment.train import Course, Feed, _Step, train


class Fixed(Feed):
    """Four samples in one batch, and a held-out batch if there is one."""

    def __init__(self, held=True):
        g = torch.Generator().manual_seed(0)
        self.x = torch.randn(4, 1, 6, 6, generator=g)
        self.y = (self.x[:, 0] > 0).to(torch.uint8)
        self.w = torch.tensor([1.0, 2.0, 0.5, 0.5])
        self.watch = held

    def __len__(self):
        return 1

    def epoch(self, rng):
        yield self.x, self.y, self.w

    def held(self):
        if self.watch:
            yield self.x + 1.0, self.y, self.w


def net():
    torch.manual_seed(1)
    return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 2, 1))


def run(network, feed, epochs=5, **course):
    given = {
        "epochs": epochs,
        "patience": 99,
        "optimizer": "sgd",
        "schedule": "constant",
        "weight_decay": 0.0,
        "piece": 1,
        "apart": True,
    }
    groups = [{"params": list(network.parameters()), "peak": 0.5}]
    return train(
        network,
        groups,
        lambda epoch: None,
        feed,
        Course(**{**given, **course}),
        seed=0,
        device=torch.device("cpu"),
        tell=lambda done, total: None,
    )


def test_pieces_on_several_cores_have_the_gradient_of_the_whole_batch():
    pieces, whole = net(), net()
    first = run(pieces, Fixed(), piece=1)
    second = run(whole, Fixed(), apart=False)
    np.testing.assert_allclose(first.train, second.train, rtol=1e-5)
    for a, b in zip(pieces.parameters(), whole.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)


def test_losses_are_weighted_means_over_samples():
    network, feed = net(), Fixed()
    with torch.no_grad():
        each = dice_and_entropy(network(feed.x), feed.y)
        expected = float((feed.w * each).sum() / feed.w.sum())
    assert run(network, feed, epochs=1).train[0] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("apart", [True, False])
def test_equal_batches_add_up_to_the_weighted_mean_over_all_samples(apart):
    feed, network = Fixed(), net()
    course = Course(1, 1, "sgd", "constant", 0.0, 1, apart)
    with ThreadPoolExecutor(1) as workers:
        step = _Step(network, course, torch.device("cpu"), workers if apart else None)
        mean = [torch.zeros_like(p) for p in network.parameters()]
        losses = []
        for rows in ([0, 2], [1, 3]):  # weights 1 and 0.5, 2 and 0.5
            network.zero_grad()
            losses.append(step.gradient((feed.x[rows], feed.y[rows], feed.w[rows])))
            mean = [m + p.grad / 2 for m, p in zip(mean, network.parameters(), strict=True)]
    each = dice_and_entropy(network(feed.x), feed.y)
    expected = (feed.w * each).sum() / feed.w.sum()
    assert np.mean(losses) == pytest.approx(float(expected.detach()), rel=1e-5)
    for m, grad in zip(mean, torch.autograd.grad(expected, list(network.parameters())), strict=True):
        torch.testing.assert_close(m, grad, rtol=1e-4, atol=1e-6)


def test_the_network_is_left_with_the_weights_of_its_best_epoch():
    network, feed = net(), Fixed()
    history = run(network, feed, epochs=12)
    assert history.best == int(np.argmin(history.held)) + 1
    (x, y, w) = next(feed.held())
    with torch.no_grad():
        now = float((w * dice_and_entropy(network(x), y)).sum() / w.sum())
    assert now == pytest.approx(min(history.held), rel=1e-5) and not network.training


def test_patience_ends_training_and_without_held_out_samples_the_last_epoch_counts():
    class Worse(Fixed):
        def held(self):
            yield self.x, 1 - self.y, self.w  # the better it learns, the worse this becomes

    assert len(run(net(), Worse(), epochs=12, patience=2).train) < 12
    for patience in (99, 0):
        history = run(net(), Fixed(held=False), epochs=4, patience=patience)
        assert history.held == [] and history.best == len(history.train) == 4


def test_weights_that_no_score_depends_on_are_left_alone():
    class Beside(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.unused = net(), nn.Linear(2, 2)

        def forward(self, x):
            return self.used(x)

    network = Beside()
    before = network.unused.weight.detach().clone()
    run(network, Fixed(), epochs=2)
    assert torch.equal(network.unused.weight, before)
