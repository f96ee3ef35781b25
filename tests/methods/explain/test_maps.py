"""Maps of images against closed forms and naive re-implementations."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch import nn

from medgraft.base import MedgraftError
from medgraft.methods.controls.pooled import Pooled
from medgraft.methods.controls.scratch import Scratch
from medgraft.methods.explain.attribute import attribute
from medgraft.methods.explain.grad_cam import grad_cam, grad_cam_plus_plus
from medgraft.methods.explain.integrated_gradients import integrated_gradients
from medgraft.methods.explain.nearest import nearest
from medgraft.methods.explain.occlusion import occlusion
from medgraft.methods.explain.registry import map_names
from medgraft.methods.explain.rollout import attention_rollout, rolled
from medgraft.methods.explain.scores import Scores, scores_of
from medgraft.methods.finetune.features import BackboneFeatures
from medgraft.methods.finetune.finetune import FineTune
from medgraft.methods.learner import LogisticLearner
from medgraft.methods.multilabel import MultiLabel
from medgraft.methods.pipeline import Pipeline
from samples import image_folder, network_file
from small_networks import SIDE, WEIGHT, logistic, maps, network, probe


def share(x, weights):
    """What each pixel adds to the score against a black one: the network is a sum over pixels."""
    each = np.tensordot(weights, maps(x) - maps(np.zeros_like(x)), 1)
    return each / x.size


@pytest.mark.parametrize("code", [0, 1])
def test_integrated_gradients_of_a_sum_over_pixels_are_what_each_pixel_adds(picture, code):
    path, x = picture
    (found,) = attribute(network(), path, method="integrated-gradients", target=["benign", "malign"][code])
    truth = share(x, WEIGHT[code])
    assert np.allclose(
        found.values, truth, atol=0.02 * np.abs(truth).max()
    )  # the bend of A3 is a sum of steps
    assert found.values.sum() == pytest.approx(found.score - found.facts["score_of_empty"], rel=0.06)
    assert found.facts["completeness_error"] <= 0.05
    assert np.array_equal(found.values, integrated_gradients(network(), [path], target=found.target)[0])


@pytest.mark.parametrize("code", [0, 1])
def test_occlusion_by_single_pixels_is_what_each_pixel_adds(picture, code):
    path, x = picture
    (found,) = occlusion(network(), path, target=["benign", "malign"][code])
    assert np.allclose(found, share(x, WEIGHT[code]), atol=1e-3)


def test_occlusion_needs_no_gradient_and_the_others_say_that_they_do(picture):
    path, x = picture

    class Steps:
        """A learner of the first feature, the mean of the image, with a step at 120."""

        classes_ = np.array([0, 1])

        def predict_proba(self, Z):
            p = np.where(Z[:, 0] > 120, 0.9, 0.2)
            return np.column_stack([1 - p, p])

    model = probe(Steps())
    assert x.mean() > 120
    (found,) = attribute(model, path, target="malign")  # auto
    falls = (x.sum() - x) / x.size <= 120
    assert np.allclose(found.values, np.where(falls, np.log(0.9 / 0.2), 0.0), atol=1e-5)
    for method in ("grad-cam", "grad-cam++", "integrated-gradients"):
        with pytest.raises(MedgraftError, match="linear in the features.*'Steps'.*occlusion"):
            attribute(model, path, method=method)


def test_grad_cam_plus_plus_is_the_paper_s_sum(picture):
    path, x = picture
    for code, name in enumerate(("benign", "malign")):
        (found,) = grad_cam_plus_plus(network(), path, target=name)
        total = np.zeros_like(x)
        for k, A in enumerate(maps(x)):
            g = WEIGHT[code, k] / x.size  # at every place
            alpha = sum(g**2 / (2 * g**2 + A.sum() * g**3) * max(0.0, g) for _ in range(x.size))
            total += alpha * A
        assert np.allclose(found, np.maximum(0, total), rtol=1e-4)


def test_stages_are_explained_by_the_log_chance_of_each(picture):
    path, _ = picture
    model = network(head=WEIGHT / 50)
    model.loss, model.classes_ = "ordinal", np.array(["I", "II", "III"])
    scores = scores_of(model)
    pixels = scores.preprocess.open(path)[None]
    steps = model.network_(pixels).double()[0].sigmoid().tolist()
    truth = [1 - steps[0], steps[0] * (1 - steps[1]), steps[0] * steps[1]]
    assert scores.of(pixels)[0].exp().tolist() == pytest.approx(truth, rel=1e-4)
    assert [scores.chances(pixels, k).item() for k in range(3)] == pytest.approx(truth, rel=1e-4)
    (found,) = attribute(model, path)
    assert found.target == model.classes_[int(np.argmax(truth))]
    assert [a.target for a in attribute(model, path, target="III")] == ["III"]


def test_each_of_several_labels_is_explained_by_its_own_learner(picture):
    path, _ = picture
    coefs = np.array([[0.5, 1.0, -2.0], [-1.0, 0.25, 1.0]])
    both = MultiLabel()
    both.models_ = [logistic(coef) for coef in coefs]
    model = probe(both)
    model.task = "multilabel"
    graft = SimpleNamespace(manifest={}, model=model, classes=["effusion", "nodule"])
    for coef, name in zip(coefs, graft.classes, strict=True):
        (found,) = grad_cam(graft, path, target=name)
        (truth,) = grad_cam(network(head=np.vstack([-coef, coef])), path, target="malign")
        assert np.allclose(found, truth, rtol=1e-5)
    only = LogisticLearner()
    only.classes_, only.coef_, only.intercept_ = np.array([1]), np.zeros((1, 3)), np.zeros(1)
    both.models_[0] = only
    with pytest.raises(MedgraftError, match="same in all training rows"):
        grad_cam(graft, path, target="nodule")


@pytest.fixture(scope="module")
def transformer():
    import timm

    from medgraft.sources.preprocess import Preprocess
    from medgraft.sources.trunk import Trunk

    torch.manual_seed(0)
    net = timm.models.VisionTransformer(
        img_size=32, patch_size=8, embed_dim=24, depth=3, num_heads=3, num_classes=0
    )
    trunk = Trunk(net.eval(), (0.5,) * 3, (0.5,) * 3, 32).eval()
    return Scores(Scratch(), ["a", "b"], Preprocess(32, 3, "bilinear"), trunk, nn.Linear(24, 2), "cpu")


def naive_rollout(net, x):
    """One head at a time, by the definition of attention."""
    h, flow = net.patch_embed(x) + net.pos_embed[:, 1:], None
    h = torch.cat([net.cls_token + net.pos_embed[:, :1], h], dim=1)
    for block in net.blocks:
        n, d, heads = h.shape[1], h.shape[2], block.attn.num_heads
        q, k, v = block.attn.qkv(block.norm1(h))[0].reshape(n, 3, heads, d // heads).permute(1, 2, 0, 3)
        weights = [torch.softmax(q[j] @ k[j].T / (d // heads) ** 0.5, dim=1) for j in range(heads)]
        mixed = torch.cat([weights[j] @ v[j] for j in range(heads)], dim=1)[None]
        h = h + block.attn.proj(mixed)
        h = h + block.mlp(block.norm2(h))
        step = 0.5 * (sum(weights) / heads + torch.eye(n))
        flow = step if flow is None else step @ flow
    return flow[0, 1:].reshape(4, 4)


def test_rollout_is_the_product_of_the_attentions(transformer):
    images = torch.randint(0, 256, (1, 3, 32, 32), dtype=torch.uint8)
    net = transformer.trunk.net
    fused = [block.attn.fused_attn for block in net.blocks]
    found, _ = rolled(transformer, images, 0)
    with torch.no_grad():
        truth = naive_rollout(net, transformer.trunk.normalise(images))
    assert torch.allclose(found, truth, rtol=1e-4, atol=1e-6)
    assert [block.attn.fused_attn for block in net.blocks] == fused
    assert not any(block.attn.attn_drop._forward_hooks for block in net.blocks)


def test_rollout_refuses_networks_without_attention(picture):
    with pytest.raises(MedgraftError, match="needs a vision transformer"):
        attention_rollout(network(), picture[0])


@pytest.mark.parametrize("method", map_names())
def test_every_map_has_the_image_s_shape_and_leaves_the_transformer_as_it_was(transformer, tmp_path, method):
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (40, 30, 3)).astype(np.uint8)).save(
        tmp_path / "a.png"
    )
    before = {k: v.clone() for k, v in transformer.trunk.state_dict().items()}
    (found,) = attribute(transformer, str(tmp_path / "a.png"), method=method, target="b")
    assert found.values.shape == (40, 30) and found.grid.shape == (32, 32) and np.ptp(found.values) > 0
    assert all(torch.equal(v, transformer.trunk.state_dict()[k]) for k, v in before.items())
    assert all(p.grad is None for p in transformer.trunk.parameters())


def test_names_of_maps_are_checked(picture):
    with pytest.raises(MedgraftError, match="no map called 'gradcam'. Did you mean 'grad-cam'"):
        attribute(network(), picture[0], method="gradcam")


@pytest.mark.parametrize("adapter", ["none", "lora"])
def test_networks_that_were_adapted_are_explained_and_predict_as_before(tmp_path, adapter):
    root = image_folder(tmp_path / "images", per_class=6)
    paths = sorted(str(p) for p in root.rglob("*.jpg"))
    X, y = pd.DataFrame({"image": paths}), ["left" if "left" in p else "right" for p in paths]
    model = FineTune(
        str(network_file(tmp_path / "net.safetensors")),
        epochs=1,
        adapter=adapter,
        device="cpu",
        random_state=0,
    ).fit(X, y)
    p = model.predict_proba(X)
    weights = {k: v.clone() for k, v in model.network_.state_dict().items()}
    for method in map_names():
        if method != "rollout":
            found = attribute(model, paths[:2], method=method, target="left")
            assert all(a.values.shape == (40, 40) and np.isfinite(a.values).all() for a in found)
    assert all(torch.equal(v, model.network_.state_dict()[k]) for k, v in weights.items())
    assert np.array_equal(model.predict_proba(X), p)


def test_the_order_and_the_company_of_images_change_no_map(picture, tmp_path):
    path, x = picture
    other = str(tmp_path / "y.png")
    Image.fromarray((255 - x).astype(np.uint8)).save(other)
    for method in ("grad-cam", "grad-cam++", "integrated-gradients", "occlusion"):
        a, b = attribute(network(), [path, other], method=method, target="malign")
        c, d = attribute(network(), [other, path], method=method, target="malign")
        assert np.array_equal(a.values, d.values) and np.array_equal(b.values, c.values)
    assert x.shape == (SIDE, SIDE)


def test_a_method_of_tables_behind_a_network_is_explained_by_its_chances(tmp_path):
    root = image_folder(tmp_path / "images", per_class=6)
    paths = sorted(str(p) for p in root.rglob("*.jpg"))
    X, y = pd.DataFrame({"image": paths}), np.array(["left" if "left" in p else "right" for p in paths])
    featuriser = BackboneFeatures(str(network_file(tmp_path / "net.safetensors")), device="cpu")
    model = Pipeline(featuriser, Pooled()).fit(X, y)
    (found,) = attribute(model, paths[0], target="right")  # auto: occlusion
    assert found.score == pytest.approx(np.log(model.predict_proba(X.iloc[[0]])[0, 1]), rel=1e-4)
    assert found.facts == {"window": 5.0} and np.ptp(found.values) > 0
    with pytest.raises(MedgraftError, match="needs a gradient, and 'Pooled' behind the network has none"):
        attribute(model, paths[0], method="grad-cam")
    near = nearest(model, X.iloc[[0]], X, k=1)
    assert near.rows.tolist() == [[0]] and near.distance[0, 0] == 0
