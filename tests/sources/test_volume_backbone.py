from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from medgraft.base import MedgraftError
from medgraft.networks.resnet3d import ResNet3d
from medgraft.sources import Pretrained, VolumeInput
from medgraft.sources.backbone import Backbone, load
from medgraft.sources.forward import features_of
from samples import network_file


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    return str(network_file(tmp_path_factory.mktemp("w") / "small.safetensors"))


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    folder = tmp_path_factory.mktemp("v")
    rng = np.random.default_rng(0)
    for i in range(5):
        nib.save(nib.Nifti1Image(rng.random((20, 18, 16)).astype(np.float32), np.eye(4)), folder / f"{i}.nii")
    return [str(folder / f"{i}.nii") for i in range(5)]


@pytest.mark.parametrize("pool", ["mean", "max"])
def test_a_volume_s_features_are_the_pooled_ones_of_its_slices(network, paths, pool):
    backbone = load(network, volume=VolumeInput(slices=3, pool=pool))
    plain = load(network)
    out = features_of(paths, backbone.preprocess, backbone.module)
    with torch.inference_mode():
        each = [plain.module(backbone.preprocess.open(p)).numpy() for p in paths]
    truth = np.stack([e.mean(0) if pool == "mean" else e.max(0) for e in each])
    np.testing.assert_allclose(out, truth, rtol=1e-4, atol=1e-5)


def test_any_company_of_volumes_gives_the_same_features(network, paths):
    for backbone in (
        load(network, volume=VolumeInput(slices=3)),
        load("medgraft:resnet3d_10", pretrained=False, volume=VolumeInput(size=16)),
    ):
        whole = features_of(paths, backbone.preprocess, backbone.module)
        for order in ([4, 0, 2], [3]):
            part = features_of([paths[i] for i in order], backbone.preprocess, backbone.module)
            np.testing.assert_array_equal(part, whole[order])


@pytest.mark.parametrize("kind", ["slices", "volume"])
def test_blocks_in_turn_are_the_network_and_keep_each_slice_apart(network, paths, kind):
    if kind == "slices":
        backbone = load(network, volume=VolumeInput(slices=3))
    else:
        backbone = load("medgraft:resnet3d_10", pretrained=False, volume=VolumeInput(size=(16, 20, 24)))
    trunk = backbone.module
    x = torch.stack([backbone.preprocess.open(p) for p in paths[:2]])
    with torch.inference_mode():
        whole = trunk(x)
        for k in (0, 1, len(trunk.blocks) // 2, len(trunk.blocks)):
            h = trunk.prefix(x, k)
            assert len(h) == 2 and (kind == "volume" or h.shape[1] == 3)
            torch.testing.assert_close(trunk.suffix(h, k), whole, rtol=1e-4, atol=1e-5)
            maps, features = trunk.suffix_with_map(h, k)
            torch.testing.assert_close(features, whole, rtol=1e-4, atol=1e-5)
            assert k == len(trunk.blocks) or (maps.ndim == 4 and len(maps) == 2)
    gradient = trunk(x)  # slices pass at once where a gradient is asked for
    torch.testing.assert_close(gradient, whole, rtol=1e-4, atol=1e-5)


def test_a_published_checkpoint_loads_as_tensors_alone(tmp_path):
    """MedicalNet's files hold ``state_dict``, names behind ``module.``, and the head of its segmentation."""
    torch.manual_seed(0)
    state = ResNet3d(18).state_dict()
    head = {"module.conv_seg.0.weight": torch.zeros(512, 32, 2, 2, 2)}
    saved = {f"module.{name}": tensor for name, tensor in state.items()} | head
    path = tmp_path / "resnet_18_23dataset.pth"
    torch.save({"state_dict": saved, "epoch": 3, "optimizer": {"state": {}, "param_groups": []}}, path)
    backbone = load(f"{path}@medgraft:resnet3d_18")
    assert backbone.report.fraction == 1 and backbone.report.skipped == ("conv_seg.0.weight",)
    assert backbone.channels == 1 and backbone.d == 512
    for name, tensor in backbone.tensors().items():
        assert torch.equal(tensor, state[name]), name
    with pytest.raises(MedgraftError, match="another architecture"):
        load(f"{path}@medgraft:resnet3d_50")


def test_what_is_rebuilt_is_the_same_to_the_last_bit(network, paths):
    for backbone in (
        load(network, volume=VolumeInput(slices=2, axis="coronal", pool="max", window="0.5/1")),
        load("medgraft:resnet3d_10", pretrained=False, seed=5, volume=VolumeInput(size=16, spacing=1.2)),
    ):
        again = Backbone.from_config(backbone.config(), backbone.tensors())
        assert again.fingerprint == backbone.fingerprint and again.preprocess == backbone.preprocess
        x = backbone.preprocess.open(paths[0])[None]
        with torch.inference_mode():
            assert torch.equal(again.module(x), backbone.module(x))


def test_equal_features_have_one_fingerprint_and_other_readings_another(network):
    readings = ["slices=3", "slices=4", "slices=3,axis=coronal", "slices=3,pool=max", "slices=3,window=1/2"]
    made = [Pretrained(network, volume=text) for text in readings]
    assert len({m.load().fingerprint for m in made} | {load(network).fingerprint}) == 6
    assert len({m.fingerprint() for m in made} | {Pretrained(network).fingerprint()}) == 6
    assert made[0].load().fingerprint == load(network, volume=VolumeInput(slices=3)).fingerprint


def test_a_network_for_volumes_reads_no_images(network):
    source = Pretrained("medgraft:resnet3d_10")
    assert source.reading("volume").volume == VolumeInput()
    with pytest.raises(MedgraftError, match="reads volumes, and the data are images"):
        source.reading("image")
    flat = Pretrained(network, volume="slices=2")
    assert flat.reading("volume") is flat and flat.reading("image") == Pretrained(network)


def test_meshnet_s_published_weights_load_without_a_gap(shared_weights):
    file = shared_weights("brainchop_meshnet") / "model5_gw_ae.safetensors"
    report = load(f"{file}@medgraft:meshnet").report
    assert report.fraction == 1 and set(report.skipped) == {"18.weight", "18.bias"}


def test_a_saved_file_may_say_that_it_is_one_of_our_networks(tmp_path):
    net = ResNet3d(10)
    path = tmp_path / "mine.safetensors"
    save_file(net.state_dict(), path, metadata={"library": "medgraft", "architecture": "resnet3d_10"})
    assert load(str(path)).report.fraction == 1
