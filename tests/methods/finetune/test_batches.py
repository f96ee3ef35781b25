"""What training reads."""

from __future__ import annotations

import numpy as np
import torch

from medgraft.methods.finetune.batches import Batches, Inputs, Live


class Rows(Inputs):
    def get(self, rows, rng):
        return torch.from_numpy(rows)


def batches(n=10, size=4, seed=0):
    return Batches(Rows(), np.arange(n) + 100, np.arange(n), np.arange(n) / 10, size, seed)


def test_an_epoch_holds_every_row_once_with_its_target_and_weight():
    parts = list(batches())
    x, y, w = (torch.cat([p[i] for p in parts]) for i in range(3))
    assert sorted(y.tolist()) == list(range(10))
    assert torch.equal(x, y + 100)
    assert torch.allclose(w, y / 4.5)  # of mean 1


def test_batches_are_of_nearly_equal_size():
    assert [len(p[0]) for p in batches(n=9, size=4)] == [3, 3, 3]


def test_the_order_depends_on_seed_and_epoch_alone():
    def order(b):
        return torch.cat([p[1] for p in b]).tolist()

    one, two = batches(), batches()
    first, second = order(one), order(one)
    assert first != second
    assert [order(two), order(two)] == [first, second]
    assert order(batches(seed=1)) != first


def test_measuring_goes_in_order_and_moves_no_epoch():
    b = batches()
    assert torch.cat([p[1] for p in b.in_order(3)]).tolist() == list(range(10))
    assert b.epoch == 0


def test_images_are_read_once_if_they_fit_and_changed_only_on_request(monkeypatch):
    read = []

    def image(i):
        read.append(i)
        return torch.randint(0, 256, (1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(i))

    live = Live(image, 3, True, 64)
    rows = np.arange(3)
    plain = live.get(rows, None)
    assert plain.dtype == torch.uint8
    changed = live.get(rows, np.random.default_rng(0))
    assert not torch.equal(changed, plain.float())
    assert read == [0, 1, 2]
    monkeypatch.setattr("medgraft.methods.finetune.batches.MEMORY", 100)
    live = Live(image, 3, False, 64)
    assert torch.equal(live.get(rows, np.random.default_rng(0)), live.get(rows, None))
    assert len(read) == 9
