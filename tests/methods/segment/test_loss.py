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
            overlaps.append((2 * hit + 1) / (p[k].sum() + (y == k).sum() + 1))
        naive.append(entropy + 1 - np.mean(overlaps))
    found = dice_and_entropy(torch.from_numpy(scores), torch.from_numpy(codes))
    np.testing.assert_allclose(found.numpy(), naive, rtol=1e-5)


def test_certainty_about_the_truth_costs_nothing():
    codes = torch.randint(0, 3, (1, 6, 6), generator=torch.Generator().manual_seed(0))
    sure = 100.0 * torch.stack([codes == k for k in range(3)], dim=1)
    assert float(dice_and_entropy(sure, codes)) == pytest.approx(0.0, abs=1e-6)
