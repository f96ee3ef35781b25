"""The lot draws the share it says, from the source alone, and by content."""

import numpy as np
import pytest

from medgraft.methods.controls.pooled import Pooled
from medgraft.methods.controls.random_transfer import RandomTransfer
from medgraft.methods.table import InputError

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(60, 2)), RNG.normal(size=60)
SITE = np.repeat(["s", "t"], [40, 20])


ALL = np.arange(60)


def fit(p=ALL, **settings):
    model = RandomTransfer(task="regression", **settings)
    return model.fit(X[p], Y[p], domain=SITE[p], target="t")


@pytest.mark.parametrize(("share", "rows"), [(0.1, 4), (0.26, 11), (1.0, 40)])
def test_the_share_is_drawn_from_the_source_and_the_target_is_kept_whole(share, rows):
    weight = fit(proportion=share).weights_
    assert weight[:40].sum() == rows
    assert (weight[40:] == 1).all()


def test_the_same_rows_are_drawn_in_any_order_and_others_with_another_seed():
    p = np.random.default_rng(1).permutation(60)
    np.testing.assert_array_equal(fit().weights_[p], fit(p).weights_)
    assert (fit().weights_ != fit(random_state=1).weights_).any()


def test_everybody_drawn_is_pooled():
    pooled = Pooled(task="regression").fit(X, Y, domain=SITE, target="t")
    np.testing.assert_allclose(fit(proportion=1.0).predict(X), pooled.predict(X), rtol=1e-12)


@pytest.mark.parametrize("share", [0.0, -1, 1.5])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(InputError, match="proportion"):
        fit(proportion=share)
