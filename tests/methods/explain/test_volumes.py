"""Maps of volumes: on slices and in three dimensions, and back on the voxels."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from types import SimpleNamespace

import nibabel
import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import nn

from medgraft.cohort.media import Volume
from medgraft.methods.explain.attribute import attribute
from medgraft.methods.explain.deletion import deletion
from medgraft.methods.explain.volumes import from_slices, from_volume
from medgraft.sources.network import Head, Network
from medgraft.sources.preprocess import Preprocess
from medgraft.sources.volume_preprocess import SlicePreprocess, VolumePreprocess
from medgraft.sources.volume_trunk import SliceTrunk, VolumeTrunk
from medgraft.sources.volumes import AXES, VolumeInput
from small_networks import SIDE, backbone, maps, network

SHAPE = (8, 9, 10)
HEAD = np.array([[0.02, -0.01], [-0.01, 0.03]])


@pytest.fixture
def scan(tmp_path):
    values = np.random.default_rng(0).uniform(1, 100, SHAPE).astype(np.float32)
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), tmp_path / "scan.nii.gz")
    return str(tmp_path / "scan.nii.gz")


def sliced(pool="mean", **given):
    """The small network over slices."""
    model = network()
    reading = VolumeInput(pool=pool, **given)
    trunk = SliceTrunk(backbone().module.net, (0.0,), (1 / 255,), SIDE, reading).eval().requires_grad_(False)
    read = SlicePreprocess(reading, Preprocess(SIDE, 1, "bilinear"))
    model.backbone_ = SimpleNamespace(module=trunk, preprocess=read, volume=reading, kind="volume")
    model.network_ = Network(trunk, model.network_.head)
    return model


def whole():
    """Maps x and -x of a volume in three dimensions; features are their means."""
    net = nn.Sequential(
        OrderedDict(conv=nn.Conv3d(1, 2, 1, bias=False), pool=nn.AdaptiveAvgPool3d(1), flat=nn.Flatten())
    )
    with torch.no_grad():
        net.conv.weight.copy_(torch.tensor([1.0, -1.0]).view(2, 1, 1, 1, 1))
    reading = VolumeInput(size=SHAPE, window="50/100")
    trunk = VolumeTrunk(net, (0.0,), (1 / 255,), 8, 3).eval().requires_grad_(False)
    model = network()
    model.backbone_ = SimpleNamespace(
        module=trunk, preprocess=VolumePreprocess(reading, 8), volume=reading, kind="volume"
    )
    model.network_ = Network(trunk, Head(2, 2))
    with torch.no_grad():
        model.network_.head.linear.weight.copy_(torch.tensor(HEAD))
    return model


@pytest.mark.parametrize("axis", AXES)
def test_pixels_of_slices_find_back_to_their_voxels(axis):
    values = np.random.default_rng(0).uniform(0, 1, (6, 7, 8)).astype(np.float32)
    count = values.shape[AXES[axis]]
    given = VolumeInput(slices=count, axis=axis)
    volume = Volume(values, np.eye(4))
    planes = np.moveaxis(values, AXES[axis], 0)
    shown = np.stack([plane.T[::-1] for plane in planes])  # as a network is shown them
    assert np.allclose(from_slices(shown, given, volume), values, atol=1e-6)


def test_a_map_on_a_grid_of_millimetres_finds_back_to_the_voxels():
    mm = 1.5
    affine = np.diag([mm, 1.0, 3.0, 1.0])
    x, y, z = np.meshgrid(*(np.arange(n) for n in (16, 24, 8)), indexing="ij")
    ramp = (x * mm + 2 * y + 0.5 * z * 3.0).astype(np.float32)
    volume = Volume(ramp, affine)
    read = VolumePreprocess(VolumeInput(spacing=1.0, size=(24, 24, 24), window="100/200"), 24)
    seen = 200 * read(volume)[0].numpy()  # the window's 0 to 1
    back = from_volume(seen, read, volume)
    inner = (slice(3, -3),) * 3
    assert np.allclose(back[inner], ramp[inner], atol=0.5)  # a ramp is kept by linear interpolation
    same = VolumePreprocess(VolumeInput(size=(16, 24, 8)), 8)
    assert np.array_equal(from_volume(ramp, same, volume), ramp)


def test_grad_cam_on_slices_is_that_of_each_slice(scan):
    model = sliced(slices=5)
    (found,) = attribute(model, scan, target="malign")
    pixels = model.backbone_.preprocess.open(scan)[:, 0].double().numpy()
    weight = model.network_.head.linear.weight[1].detach().double().numpy()
    # A mean over places and slices: alpha is the weight over both.
    truth = [np.maximum(0, np.tensordot(weight / (5 * x.size), maps(x), 1)) for x in pixels]
    assert found.values.shape == SHAPE and found.grid.shape == (5, SIDE, SIDE)
    assert np.allclose(found.grid, truth, rtol=1e-4, atol=1e-5) and found.grid.max() > 0


def test_only_slices_that_gave_a_maximum_are_on_the_map(scan):
    model = sliced("max", slices=4)
    (found,) = attribute(model, scan, target="benign")
    pixels = model.backbone_.preprocess.open(scan)[:, 0].double().numpy()
    means = np.array([maps(x).mean(axis=(1, 2)) for x in pixels])
    wins = {int(k) for k in means.argmax(axis=0)}
    assert all(found.grid[k].max() == 0 for k in set(range(4)) - wins)
    assert len(wins) < 4 and found.grid.max() > 0


def test_grad_cam_in_three_dimensions_is_the_weighted_sum_of_its_maps(scan):
    model = whole()
    (found,) = attribute(model, scan, target="malign")
    x = model.backbone_.preprocess.open(scan)[0].numpy()  # the trunk divides by 255 / 255
    truth = np.maximum(0, (HEAD[1, 0] - HEAD[1, 1]) * x / x.size)
    assert np.allclose(found.grid, truth, rtol=1e-4, atol=1e-9) and found.values.shape == SHAPE
    assert np.allclose(found.values, found.grid, atol=1e-9)


@pytest.mark.parametrize("method", ["integrated-gradients", "occlusion"])
@pytest.mark.parametrize("make", [whole, lambda: sliced(slices=5)])
def test_shares_of_a_volume_add_up_to_its_score(scan, make, method):
    model = make()
    (found,) = attribute(model, scan, method=method, target="malign")
    bare = model.network_(torch.zeros_like(model.backbone_.preprocess.open(scan)[None]))[0, 1].item()
    if method == "occlusion":  # windows that do not overlap
        size = [max(1, round(n / 4)) for n in found.grid.shape]
        picked = found.grid[tuple(slice(0, None, s) for s in size)]
        assert picked.sum() == pytest.approx(found.score - bare, rel=0.02)
    else:
        assert found.grid.sum() == pytest.approx(found.score - bare, rel=0.06)


def test_the_places_that_are_worth_most_in_a_volume_are_missed_most(scan):
    model = whole()
    (start,) = attribute(model, scan, target="malign")
    x = model.backbone_.preprocess.open(scan)[0].numpy()
    sharp = x - gaussian_filter(x, [n / 6 for n in SHAPE], mode="nearest")  # what deleting takes away
    weight = HEAD[1, 0] - HEAD[1, 1] - HEAD[0, 0] + HEAD[0, 1]
    found = deletion(model, [scan] * 7, {"worth": [replace(start, grid=weight * sharp)] * 7})["worth"]
    assert found.deleted.shape == (7, 15) and (found.deleted <= found.random_deleted + 1e-6).all()
    assert found.deletion.verdict == found.insertion.verdict == "helps"
