"""Deletion and insertion against a model whose every pixel is worth a known part of its value."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import gaussian_filter

from medgraft.base import MedgraftError
from medgraft.methods.explain.attribute import attribute
from medgraft.methods.explain.deletion import STEPS, area, deletion
from medgraft.methods.explain.randomise import randomise, shuffle
from small_networks import SIDE, WEIGHT, maps, network

HEAD = np.array([[1.0, -0.25, 0.5]])


@pytest.fixture
def pictures(tmp_path):
    made = []
    for k in range(8):
        x = np.random.default_rng(k).integers(0, 256, (SIDE, SIDE)).astype(np.uint8)
        Image.fromarray(x).save(tmp_path / f"{k}.png")
        made.append((str(tmp_path / f"{k}.png"), x.astype(float)))
    return [p for p, _ in made], [x for _, x in made]


def worth(x):
    """What the value loses when a pixel becomes that of the blurred image."""
    blurred = gaussian_filter(x.astype(np.float32), SIDE / 14, mode="nearest").astype(float)
    return 7 * np.tensordot(HEAD[0], maps(x) - maps(blurred), 1) / x.size


def explained(model, paths, grids):
    """Maps of our own."""
    (start,) = attribute(model, paths[:1])
    return [replace(start, grid=g) for g in grids]


def test_curves_are_those_of_taking_pixels_away_one_by_one(pictures):
    paths, xs = pictures
    model = network("regression", HEAD)
    found = deletion(model, paths[:1], {"own": explained(model, paths, [worth(xs[0])])})["own"]
    value = 7 * HEAD[0] @ maps(xs[0]).mean(axis=(1, 2))
    lost = np.sort(worth(xs[0]).ravel())[::-1]  # a pixel is a cell of its own
    taken = np.rint(np.linspace(0, lost.size, STEPS + 1)).astype(int)
    assert np.allclose(found.deleted[0], [value - lost[:k].sum() for k in taken], rtol=1e-4)
    nothing = value - lost.sum()
    assert np.allclose(found.inserted[0], [nothing + lost[:k].sum() for k in taken], rtol=1e-4)
    assert area(found.deleted)[0] == pytest.approx(np.trapezoid(found.deleted[0], found.shares))


def test_no_order_takes_more_away_than_that_of_the_true_worth(pictures):
    paths, xs = pictures
    model = network("regression", HEAD)
    true = explained(model, paths, [worth(x) for x in xs])
    wrong = explained(model, paths, [-worth(x) for x in xs])
    found = deletion(model, paths, {"true": true, "wrong": wrong}, draws=2)
    for n in range(len(paths)):
        assert (found["true"].deleted[n] <= found["true"].random_deleted[n] + 1e-3).all()
        assert (found["wrong"].deleted[n] >= found["wrong"].random_deleted[n] - 1e-3).all()
    assert (found["true"].deletion.verdict, found["true"].insertion.verdict) == ("helps", "helps")
    assert (found["wrong"].deletion.verdict, found["wrong"].insertion.verdict) == ("harms", "harms")
    # What is left when the most worthy are gone is what has come when the least worthy came first.
    assert np.allclose(found["true"].deleted, found["wrong"].inserted[:, ::-1], rtol=1e-4)
    difference = area(found["true"].deleted) - area(found["true"].random_deleted)
    assert found["true"].deletion.difference == pytest.approx(difference.mean())


def test_an_empty_map_is_a_random_order_and_patients_not_images_are_counted(pictures):
    paths, xs = pictures
    model = network("regression", HEAD)
    empty = explained(model, paths, [np.zeros_like(x) for x in xs])
    found = deletion(model, paths, {"empty": empty}, group=[0, 0, 1, 1, 2, 2, 3, 3])["empty"]
    assert found.deletion.verdict == "inconclusive" and found.deletion.n_groups == 4
    assert found.to_dict()["deletion_difference"]["verdict"] == "inconclusive"


def test_maps_of_different_classes_are_not_judged_together(pictures):
    paths, _ = pictures
    given = {name: attribute(network(), paths[:1], target=name) for name in ("benign", "malign")}
    with pytest.raises(MedgraftError, match="about different classes"):
        deletion(network(), paths[:1], given)


def test_a_forgotten_network_is_a_copy_and_the_model_stays_to_the_last_bit(pictures):
    paths, _ = pictures
    model = network(head=WEIGHT)
    before = {k: v.clone() for k, v in model.network_.state_dict().items()}
    found = randomise(model, paths, method="integrated-gradients", target="malign")
    assert found.stages == ["head", "conv"] and found.correlation.shape == (2, len(paths))
    assert (np.abs(found.correlation) <= 1).all() and found.correlation.min() < 0.999
    assert all(torch.equal(v, model.network_.state_dict()[k]) for k, v in before.items())
    again = randomise(model, paths, method="integrated-gradients", target="malign")
    assert np.array_equal(found.correlation, again.correlation)


def test_where_all_weights_are_equal_nothing_is_forgotten(pictures):
    paths, _ = pictures
    model = network(head=np.full((2, 3), 0.5))
    with torch.no_grad():
        model.backbone_.module.net.conv.weight.fill_(1.0)
        model.backbone_.module.net.conv.bias.zero_()
    found = randomise(model, paths, target="benign")
    assert np.allclose(found.correlation, 1.0)


def test_an_empty_map_agrees_with_nothing(pictures):
    paths, _ = pictures
    model = network(head=-np.abs(WEIGHT))  # nothing speaks for any class
    assert np.array_equal(randomise(model, paths, target="benign").correlation, np.zeros((2, len(paths))))


def test_shuffling_keeps_the_values_of_each_tensor():
    torch.manual_seed(0)
    layer = torch.nn.BatchNorm2d(64)
    layer.running_var.uniform_(1, 2)
    before = layer.running_var.clone()
    shuffle(layer, torch.Generator().manual_seed(0))
    assert not torch.equal(layer.running_var, before)
    assert torch.equal(layer.running_var.sort().values, before.sort().values)
    assert layer.num_batches_tracked == 0
