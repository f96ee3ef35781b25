"""[68]: a 3-D network sees where slices stand; the mean over slices does not."""

from __future__ import annotations

from types import SimpleNamespace

import nibabel
import numpy as np
import torch

from medgraft.sources import Pretrained
from medgraft.studies.khouadja2024 import seen, small

GIVEN = SimpleNamespace(generated=True, pick=lambda full, small: small)


def _features(source, path):
    backbone = source.load(pretrained=False, seed=0)
    with torch.inference_mode():
        return backbone.module.eval()(backbone.preprocess.open(str(path))[None]).numpy()


def test_the_3d_network_tells_a_volume_from_the_same_slices_in_another_order(tmp_path):
    values = (55 + 20 * np.random.default_rng(0).normal(size=(16, 16, 4))).astype(np.float32)
    places = [tmp_path / "one.nii.gz", tmp_path / "two.nii.gz"]
    for place, order in zip(places, ([0, 1, 2, 3], [2, 0, 3, 1]), strict=True):
        nibabel.save(nibabel.Nifti1Image(values[:, :, order], np.eye(4)), place)
    solid, flat = seen([Pretrained("medgraft:resnet3d_10"), Pretrained("medgraft:cifar_resnet20")], GIVEN)
    assert solid.facts.dims == 3 and flat.facts.dims == 2 and solid.kind == flat.kind == "volume"
    one, two = (_features(flat, place) for place in places)
    assert np.allclose(one, two, rtol=1e-4, atol=1e-5)
    one, two = (_features(solid, place) for place in places)
    assert not np.allclose(one, two, rtol=1e-3)


def test_generated_series_are_volumes_in_hounsfield_units(tmp_path):
    cohort = small(tmp_path, 0)
    assert cohort.kind == "volume" and cohort.positive == "cancer" and cohort.group == "patient"
    values = cohort.open("volume", 0).values
    assert values.shape[2] == 8 and values.min() < -900 and values.max() > 800
