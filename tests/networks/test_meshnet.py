from __future__ import annotations

import numpy as np
import torch
from safetensors.torch import load_file

from medgraft.cohort.media import Volume, open_sample
from medgraft.networks.meshnet import MeshNet, segment


def test_nothing_beyond_its_reach_changes_a_score_and_what_lies_within_does():
    torch.manual_seed(0)
    net = MeshNet(dilations=(1, 2)).eval()
    for weight in net.parameters():  # so that no activation is cut off
        weight.data.abs_()
    x = torch.rand(1, 1, 15, 15, 15)
    near, far = x.clone(), x.clone()
    near[0, 0, 7, 7, 7 + net.reach] += 1
    far[0, 0, 7, 7, 7 + net.reach + 1] += 1
    with torch.inference_mode():
        at = [net(v)[0, :, 7, 7, 7] for v in (x, near, far)]
    assert net.reach == 3 and not torch.equal(at[0], at[1]) and torch.equal(at[0], at[2])


def test_patches_give_the_classes_of_the_whole_volume():
    torch.manual_seed(1)
    net = MeshNet(dilations=(1, 2, 1))
    for weight in net.parameters():
        weight.data.normal_(0, 0.4)
    values = np.random.default_rng(0).random((13, 18, 11), dtype=np.float32)
    volume = Volume(values, np.eye(4))
    whole = segment(net, volume, patch=64)
    assert len(np.unique(whole)) > 1
    np.testing.assert_array_equal(segment(net, volume, patch=5), whole)
    scaled = (values - values.min()) / (values.max() - values.min())
    left_down_front = torch.tensor(scaled[::-1, :, ::-1].copy()).permute(
        0, 2, 1
    )  # as the network was trained
    with torch.inference_mode():
        truth = net(left_down_front[None, None])[0].argmax(0).permute(0, 2, 1).flip(0, 2)
    np.testing.assert_array_equal(whole, truth)


def test_the_published_weights_tell_white_from_grey_matter(shared_weights):
    """On real T1: white is brighter than grey, as everybody sees, and the corpus callosum is white."""
    folder = shared_weights("brainchop_meshnet")
    net = MeshNet()
    net.load_state_dict(load_file(folder / "model5_gw_ae.safetensors"))  # strictly
    volume = open_sample("volume", str(folder / "t1_crop.nii.gz"))
    part = Volume(volume.values[75:175, 60:160, 80:180], volume.affine)  # the middle of the brain
    labels = segment(net, part)[20:-20, 20:-20, 20:-20]
    values = part.values[20:-20, 20:-20, 20:-20]
    white, grey = (values[labels == k] for k in (1, 2))
    assert len(white) > 50_000 and len(grey) > 50_000
    assert np.median(white) > np.median(grey) + 15
    assert np.percentile(white, 10) > np.median(grey) - 5
