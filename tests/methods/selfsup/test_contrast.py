"""SimCLR."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from medgraft.methods.finetune.batches import Live
from medgraft.methods.selfsup.contrast import Pairs, contrast

IMAGES = torch.arange(3 * 2 * 4 * 4).view(3, 2, 4, 4).to(torch.uint8)


def test_a_batch_of_pairs_holds_two_copies_of_each_image():
    pairs = Pairs(Live(lambda i: IMAGES[i], 3, False, 32), np.arange(3), np.zeros(3), np.ones(3), 2, 0)
    seen = []
    for x, y, _ in pairs:
        half = len(x) // 2
        assert torch.equal(x[:half], x[half:]) and torch.equal(y[:half], y[half:])
        seen += [int(v) for v in x[:half].flatten(1)[:, 0]]
    assert sorted(seen) == [0, 32, 64]


def test_the_contrast_is_that_of_the_paper():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(6, 5))
    got = contrast(torch.from_numpy(z), torch.tensor([0, 1, 2, 0, 1, 2])).numpy()
    unit = z / np.linalg.norm(z, axis=1, keepdims=True)
    for i in range(6):
        e = np.exp(unit @ unit[i] / 0.5)
        assert got[i] == pytest.approx(-np.log(e[(i + 3) % 6] / (e.sum() - e[i])), rel=1e-5)
