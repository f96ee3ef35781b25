from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from medgraft.networks.wnet import WNet

SHARED = Path(__file__).parents[3] / "shared"
FILE = SHARED / "weights" / "lwnet_retina" / "wnet_drive.safetensors"


def test_the_second_net_sees_the_image_beside_the_first_ones_scores():
    torch.manual_seed(0)
    net = WNet(classes=2).eval()
    x = torch.rand(2, 3, 16, 24)
    with torch.no_grad():
        expected = net.unet2(torch.cat([x, net.unet1(x)], dim=1))
        assert torch.equal(net(x), expected)
    assert expected.shape == (2, 2, 16, 24)


def test_a_residual_block_is_two_units_beside_a_matrix():
    torch.manual_seed(0)
    first = WNet().unet1.first.eval()
    x = torch.rand(1, 3, 8, 8)
    conv1, _, norm1, conv2, _, norm2 = first.block
    with torch.no_grad():
        y = norm2(torch.relu(conv2(norm1(torch.relu(conv1(x))))))
        y = y + torch.einsum("oi,bihw->bohw", first.shortcut[0].weight[:, :, 0, 0], x) / (1 + 1e-5) ** 0.5
        torch.testing.assert_close(first(x), y)


@pytest.mark.skipif(not FILE.exists(), reason="needs the shared weights")
def test_the_published_weights_load_strictly_and_draw_thin_vessels():
    from PIL import Image
    from safetensors.torch import load_file
    from scipy.ndimage import binary_erosion, label

    net = WNet()
    net.load_state_dict(load_file(FILE), strict=True)
    assert sum(p.numel() for p in net.parameters()) == 68_482
    photo = SHARED / "data" / "eye_fundus_4class" / "normal" / "1034_left.jpg"
    image = np.asarray(Image.open(photo).convert("RGB").resize((512, 512)), dtype=np.float32) / 255.0
    with torch.no_grad():
        drawn = net.eval()(torch.from_numpy(image).permute(2, 0, 1)[None])[0, 0].numpy() > 0
    eye = image.sum(axis=2) > 0.2
    assert 0.06 < drawn[eye].mean() < 0.2  # vessels take about a tenth of the retina
    pieces, _ = label(drawn, np.ones((3, 3)))
    assert np.bincount(pieces.ravel())[1:].max() > 0.5 * drawn.sum()  # most of them hang together
    assert binary_erosion(drawn, np.ones((13, 13))).sum() == 0  # none is 13 pixels wide
