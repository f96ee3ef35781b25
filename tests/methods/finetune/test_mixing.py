"""Mixed images keep their account of what is whose."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from medgraft.base import MedgraftError
from medgraft.methods.finetune.mixing import blend

# Image i is i everywhere, so that the mean of a mixed image tells whose pixels it holds.
X = torch.arange(7.0).view(7, 1, 1, 1).expand(7, 2, 10, 12).clone()


@pytest.mark.parametrize("mix", ["mixup", "cutmix"])
def test_the_share_is_that_of_the_image_s_own_pixels(mix):
    before = X.clone()
    out, partner, share = blend(X, mix, np.random.default_rng(3))
    i = torch.arange(7.0)
    assert torch.allclose(out.mean(dim=(1, 2, 3)), share * i + (1 - share) * partner, atol=1e-5)
    assert share.min() >= 0.0 and share.max() <= 1.0 and len(share.unique()) > 2
    assert torch.equal(X, before)


def test_cutmix_pastes_one_rectangle_and_leaves_the_rest():
    out, partner, _ = blend(X, "cutmix", np.random.default_rng(1))
    for i, (image, other) in enumerate(zip(out[:, 0], partner.tolist(), strict=True)):
        pasted = image == other
        if other == i or not pasted.any():
            continue
        rows, columns = pasted.any(dim=1).nonzero().flatten(), pasted.any(dim=0).nonzero().flatten()
        assert pasted[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1].all()
        assert (image[~pasted] == i).all()


def test_the_generator_decides_everything():
    one, two = (blend(X, "mixup", np.random.default_rng(5))[0] for _ in range(2))
    assert torch.equal(one, two)


def test_tokens_can_be_blended_but_not_cut():
    tokens = torch.randn(4, 5, 6)
    assert blend(tokens, "mixup", np.random.default_rng(0))[0].shape == (4, 5, 6)
    with pytest.raises(MedgraftError, match="use mixup"):
        blend(tokens, "cutmix", np.random.default_rng(0))
