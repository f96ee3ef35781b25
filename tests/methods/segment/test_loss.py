from __future__ import annotations

import numpy as np
import pytest
import torch

from medgraft.methods.segment.loss import dice_and_entropy


@pytest.mark.parametrize("shape", [(5, 4), (3, 4, 2)])
def test_the_loss_is_that_of_a_naive_loop_over_places(shape):
    rng = np.random.default_rng(0)
    scores, codes = rng.normal(size=(2, 3, *shape)), rng.integers(0, 3, (2, *shape))
    codes[1][codes[1] == 2] = 0  # the second sample lacks a class
    naive = []
    for s, y in zip(scores, codes, strict=True):
        p = np.exp(s) / np.exp(s).sum(axis=0)
        entropy = np.mean([-np.log(p[(y[v], *v)]) for v in np.ndindex(shape)])
        overlaps = []
        for k in (1, 2):
            hit = sum(p[(k, *v)] for v in np.ndindex(shape) if y[v] == k)
            if (y == k).any():
                overlaps.append((2 * hit + 1) / (p[k].sum() + (y == k).sum() + 1))
        naive.append(entropy + 1 - np.mean(overlaps))
    found = dice_and_entropy(torch.from_numpy(scores), torch.from_numpy(codes))
    np.testing.assert_allclose(found.numpy(), naive, rtol=1e-5)


def test_certainty_about_the_truth_costs_nothing():
    codes = torch.randint(0, 3, (1, 6, 6), generator=torch.Generator().manual_seed(0))
    sure = 100.0 * torch.stack([codes == k for k in range(3)], dim=1)
    assert float(dice_and_entropy(sure, codes)) == pytest.approx(0.0, abs=1e-6)


def test_a_sample_without_anything_is_left_to_the_cross_entropy():
    scores = torch.randn(1, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    codes = torch.zeros(1, 4, 4, dtype=torch.int64)
    expected = torch.nn.functional.cross_entropy(scores, codes)
    assert float(dice_and_entropy(scores, codes)) == pytest.approx(float(expected), rel=1e-6)
