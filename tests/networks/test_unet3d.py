from __future__ import annotations

import pytest
import torch

from medgraft.base import MedgraftError
from medgraft.networks.unet3d import UNet3d


def test_scores_lie_on_the_grid_of_any_volume():
    torch.manual_seed(0)
    net = UNet3d(2, 4, (4, 8, 8)).eval()
    with torch.no_grad():
        assert net(torch.rand(1, 2, 9, 13, 6)).shape == (1, 4, 9, 13, 6)


@pytest.mark.parametrize("norm", ["instance", "group"])
def test_samples_of_a_batch_do_not_see_each_other(norm):
    torch.manual_seed(0)
    net, x = UNet3d(1, 3, (4, 8), norm).train(), torch.rand(2, 1, 8, 8, 4)
    torch.testing.assert_close(net(x), torch.cat([net(x[:1]), net(x[1:])]))


def test_with_instance_norm_grey_levels_times_a_factor_change_nothing():
    torch.manual_seed(0)
    net, x = UNet3d(1, 3, (4, 8)).eval(), torch.rand(1, 1, 8, 8, 8)
    with torch.no_grad():
        torch.testing.assert_close(net(x), net(50.0 * x), rtol=1e-3, atol=2e-3)


def test_a_norm_or_a_depth_that_does_not_exist_is_refused():
    with pytest.raises(MedgraftError, match="norm='batch'"):
        UNet3d(norm="batch")
    with pytest.raises(MedgraftError, match="two levels"):
        UNet3d(widths=(8,))
