"""Which network suits: real little networks in files, and scores that can be computed by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax
from scipy.stats import t as student

from medgraft.base import MedgraftError
from medgraft.methods.finetune.features import BackboneFeatures
from medgraft.methods.suit_images import block_interval, deal_blocks, own_probabilities, rank_networks
from medgraft.sources import Pretrained
from medgraft.sources.rank import scores


def save(path, architecture="mobilenetv2_035", seed=0, prefix="", drop=()):
    import timm
    import torch
    from safetensors.torch import save_file

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = timm.create_model(architecture, pretrained=False, num_classes=7)
    facts = {"library": "timm", "architecture": architecture, "input_size": "32", "licence": "none"}
    tensors = {prefix + n: t for n, t in net.state_dict().items() if n not in drop}
    save_file(tensors, path, metadata=facts)
    return net


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """30 stripes of 10 patients; the class is their direction."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    rows = []
    for i in range(30):
        pixels = 120 + 60 * np.sin(np.arange(32) * 0.9 + rng.uniform(0, 6)) + rng.normal(0, 25, (32, 32))
        path = folder / f"{i:02d}.png"
        Image.fromarray((pixels.T if i % 2 else pixels).clip(0, 255).astype(np.uint8)).save(path)
        rows.append({"image": str(path), "label": ["across", "along"][i % 2], "patient": f"p{i % 2}{i // 6}"})
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    save(folder / "one.safetensors", seed=1)
    save(folder / "other.safetensors", "mobilenetv2_050", seed=2)
    return [str(folder / "one.safetensors"), str(folder / "other.safetensors")]


def test_networks_are_ranked_by_the_scores_of_their_features(images, two):
    found = rank_networks(images, images["label"], two, groups=images["patient"])
    assert {m.name for m in found} == {"one.safetensors", "other.safetensors"}
    assert found[0].values["logme"] >= found[1].values["logme"]
    for m in found:
        F = BackboneFeatures(next(s for s in two if s.endswith(m.name))).transform(images)
        assert (m.images, m.features) == F.shape
        for name in ("logme", "hscore", "gbc"):
            assert m.values[name] == pytest.approx(scores[name](F, images["label"]), abs=1e-9)
        assert m.low < m.values["logme"] < m.high
        assert m.cpu_seconds > 0
        assert m.unknown == {}
    by_gbc = rank_networks(images, images["label"], two, score="gbc")
    assert by_gbc[0].values["gbc"] >= by_gbc[1].values["gbc"]


def test_neither_the_order_of_images_nor_of_networks_matters(images, two):
    found = rank_networks(images, images["label"], two, groups=images["patient"])
    mixed = images.sample(frac=1.0, random_state=0).reset_index(drop=True)
    again = rank_networks(mixed, mixed["label"], two[::-1], groups=mixed["patient"])
    for a, b in zip(found, again, strict=True):
        assert a.name == b.name
        assert a.values == pytest.approx(b.values, abs=1e-8)
        assert (a.low, a.high) == pytest.approx((b.low, b.high), abs=1e-8)


def test_labels_that_may_not_be_used_are_not(images, two):
    labelled = np.arange(30) >= 6
    y = images["label"].to_numpy().copy()
    found = rank_networks(images, y, two, labelled=labelled)
    y[:6] = "hidden"
    assert found[0].values == rank_networks(images, y, two, labelled=labelled)[0].values
    assert found[0].images == 24


def test_values_are_ranked_by_logme_alone(images, two):
    v = np.arange(30.0)
    found = rank_networks(images, v, two, task="regression")
    assert all(m.values["logme"] is not None for m in found)
    assert found[0].unknown["leep"] == "LEEP is not for regression."
    with pytest.raises(MedgraftError, match="GBC is not for regression"):
        rank_networks(images, v, two, score="gbc", task="regression")


def test_leep_reads_the_classifier_in_the_file(images, tmp_path):
    import torch

    net = save(tmp_path / "wrapped.safetensors", prefix="module.")
    source = Pretrained(str(tmp_path / "wrapped.safetensors"))
    F = BackboneFeatures(source).transform(images).astype(float)
    with torch.inference_mode():
        truth = net.classifier.double()(torch.from_numpy(F)).numpy()
    assert np.allclose(own_probabilities(source, F), softmax(truth, axis=1), atol=1e-9)


def test_where_there_is_no_classifier_the_reason_is_told(images, two, tmp_path):
    save(tmp_path / "trunk.safetensors", drop=("classifier.weight", "classifier.bias"))
    trunk = str(tmp_path / "trunk.safetensors")
    found = rank_networks(images, images["label"], [trunk, two[0]], score="leep")
    assert [m.name for m in found] == ["one.safetensors", "trunk.safetensors"]
    assert found[1].values["leep"] is None
    assert found[1].low is None
    assert found[1].unknown["leep"] == "The file holds no classifier."


def test_a_deeper_classifier_is_not_taken_for_a_linear_one(tmp_path):
    import torch
    import torchvision
    from safetensors.torch import save_file

    with torch.random.fork_rng(devices=[]):
        net = torchvision.models.squeezenet1_1(weights=None)
    path = tmp_path / "squeezenet1_1.safetensors"
    save_file(net.state_dict(), path)
    with pytest.raises(MedgraftError, match="not one linear layer"):
        own_probabilities(Pretrained(str(path)), np.ones((2, 512)))


def test_mistakes_are_sentences(images, two):
    y = images["label"]
    with pytest.raises(MedgraftError, match="There is no score 'logm'. Did you mean 'logme'"):
        rank_networks(images, y, two, score="logm")
    with pytest.raises(MedgraftError, match="no network to rank"):
        rank_networks(images, y, [])
    with pytest.raises(MedgraftError, match="no network 'timm:resnet1'"):
        rank_networks(images, y, [two[0], "timm:resnet1"], progress=lambda *told: pytest.fail("too late"))
    with pytest.raises(MedgraftError, match="at least two classes"):
        rank_networks(images, np.zeros(30), two)
    with pytest.raises(MedgraftError, match="30 images: give one label for each"):
        rank_networks(images, y[:5], two)


def test_blocks_keep_patients_whole_and_classes_even():
    units = np.repeat(np.arange(50), 3)
    y = np.repeat(np.arange(50) % 2, 3)
    block = deal_blocks(units, y)
    assert all(len(set(block[units == u])) == 1 for u in range(50))
    shares = [np.mean(y[block == b]) for b in range(20)]
    assert np.bincount(block).max() <= 9
    assert min(shares) >= 0.3
    assert max(shares) <= 0.7


def test_the_interval_of_a_mean_is_that_of_students_t():
    x = np.random.default_rng(0).normal(size=(20, 1))

    def mean(given, y, task):
        return float(given.mean())

    low, high = block_interval(mean, x, np.zeros(20), np.arange(20), "regression")
    reach = student.ppf(0.975, 19) * x.std(ddof=1) / np.sqrt(20)
    assert (low, high) == pytest.approx((x.mean() - reach, x.mean() + reach), abs=1e-12)


def test_no_interval_is_better_than_a_wrong_or_a_dear_one():
    x, y = np.ones((20, 1)), np.r_[np.zeros(19), 1]
    assert block_interval(scores["hscore"], x, y, np.arange(20), "classification") == (None, None)
    x, y = np.ones((1500, 1000)), np.arange(1500) % 2

    def called(given, y, task):
        raise AssertionError("too dear")

    assert block_interval(called, x, y, np.arange(1500) % 20, "classification") == (None, None)
