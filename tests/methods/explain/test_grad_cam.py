"""Grad-CAM against closed forms."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from medgraft.base import MedgraftError
from medgraft.methods.controls.scratch import Scratch
from medgraft.methods.explain.grad_cam import grad_cam
from medgraft.methods.learner import RidgeLearner
from small_networks import SIDE, WEIGHT, logistic, maps, network, probe


def closed_form(x, weights):
    """The means' gradient is 1 / hw at every place, so alpha is the head's weight over hw."""
    return np.maximum(0, np.tensordot(weights / x.size, maps(x), 1))


@pytest.mark.parametrize("code", [0, 1])
def test_the_map_of_a_class_is_the_maps_weighted_by_its_head_s_weights(picture, code):
    path, x = picture
    (found,) = grad_cam(network(), [path], target=["benign", "malign"][code])
    truth = closed_form(x, WEIGHT[code])
    assert found.dtype == np.float32 and found.shape == (SIDE, SIDE)
    assert np.allclose(found, truth, rtol=1e-5, atol=1e-5) and truth.max() > 0


def test_the_head_s_standardisation_counts(picture):
    path, x = picture
    scale = (2.0, 4.0, 0.5)
    (found,) = grad_cam(network(mean=(5.0, 6.0, 7.0), scale=scale), path, target="malign")
    assert np.allclose(found, closed_form(x, WEIGHT[1] / scale), rtol=1e-5, atol=1e-5)


def test_without_a_class_the_predicted_one_is_taken(picture):
    path, x = picture
    predicted = int((WEIGHT @ maps(x).mean(axis=(1, 2))).argmax())
    (found,) = grad_cam(network(), path)
    assert np.allclose(found, closed_form(x, WEIGHT[predicted]), rtol=1e-5, atol=1e-5)


def test_a_linear_probe_s_two_classes_share_one_score(picture):
    path, x = picture
    coef, scale = np.array([0.5, 1.0, -2.0]), (1.0, 2.0, 3.0)
    model = probe(logistic(coef), mean=(9.0, 8.0, 7.0), scale=scale)
    for sign, name in ((-1, "benign"), (1, "malign")):
        (found,) = grad_cam(model, path, target=name)
        assert np.allclose(found, closed_form(x, sign * coef / scale / 2), rtol=1e-5, atol=1e-5)


def test_a_linear_probe_is_a_network_with_the_same_head(picture):
    path, _ = picture
    coef = np.array([0.5, 1.0, -2.0])
    head = np.vstack([-coef, coef]) / 2
    for name in ("benign", "malign"):
        (a,) = grad_cam(probe(logistic(coef)), path, target=name)
        (b,) = grad_cam(network(head=head), path, target=name)
        assert np.array_equal(a, b)


def test_values_are_explained_in_their_own_units(picture):
    path, x = picture
    (found,) = grad_cam(network("regression", WEIGHT[:1]), path)
    assert np.allclose(found, closed_form(x, 7 * WEIGHT[0]), rtol=1e-5, atol=1e-5)
    ridge = RidgeLearner()
    ridge.coef_, ridge.intercept_ = WEIGHT[1], 2.0
    (found,) = grad_cam(probe(ridge, "regression"), path)
    assert np.allclose(found, closed_form(x, WEIGHT[1]), rtol=1e-5, atol=1e-5)
    with pytest.raises(MedgraftError, match="leave target out"):
        grad_cam(network("regression", WEIGHT[:1]), path, target="malign")


def test_the_map_lies_on_the_image_s_own_grid(tmp_path):
    x = np.zeros((4 * SIDE, 2 * SIDE), dtype=np.uint8)
    x[: 2 * SIDE, :SIDE] = 255  # upper left
    Image.fromarray(x).save(tmp_path / "y.png")
    (found,) = grad_cam(
        network(head=np.array([[1.0, 0, 0], [0.0, 1.0, 0]])), str(tmp_path / "y.png"), target="benign"
    )
    assert found.shape == x.shape
    assert found[: 2 * SIDE - 4, : SIDE - 2].min() > 0.9 * found.max() > 0
    assert found[2 * SIDE + 4 :].max() < 0.1 * found.max()


def test_a_frozen_model_is_explained_and_stays_as_it_was(picture):
    path, _ = picture
    model = network()
    model.network_.train()
    model.network_.trunk.net.act.eval()
    model.network_.head.linear.weight.grad = torch.ones(2, 3)
    weights = {k: v.clone() for k, v in model.network_.state_dict().items()}
    asked = [p.requires_grad for p in model.network_.parameters()]
    modes = [m.training for m in model.network_.modules()]
    assert not any(p.requires_grad for p in model.network_.trunk.parameters())
    with torch.no_grad():  # nor does the caller's setting matter
        (found,) = grad_cam(model, path, target="malign")
    assert found.max() > 0
    assert all(torch.equal(v, model.network_.state_dict()[k]) for k, v in weights.items())
    assert [p.requires_grad for p in model.network_.parameters()] == asked
    assert [m.training for m in model.network_.modules()] == modes
    assert torch.equal(model.network_.head.linear.weight.grad, torch.ones(2, 3))
    assert all(p.grad is None for p in model.network_.trunk.parameters())


def test_what_is_not_linear_is_refused_in_a_sentence(picture):
    path, _ = picture

    class Forest:
        classes_ = (0, 1)

        def predict_proba(self, Z):
            return np.tile([0.3, 0.7], (len(Z), 1))

    with pytest.raises(MedgraftError, match="linear in the features.*'Forest': use the default learner"):
        grad_cam(probe(Forest()), path)
    with pytest.raises(MedgraftError, match="this is 'Forest': use one of these"):
        grad_cam(Forest(), path)
    with pytest.raises(
        MedgraftError, match="no class 'malignant' among benign, malign.*Did you mean 'malign'"
    ):
        grad_cam(network(), path, target="malignant")


def test_a_guard_s_choice_and_a_graft_s_model_are_looked_through(picture):
    path, _ = picture
    (truth,) = grad_cam(network(), path, target="malign")
    (guard,) = grad_cam(SimpleNamespace(best_=network()), path, target="malign")
    inner = network()
    inner.classes_ = np.array([0, 1])
    graft = SimpleNamespace(manifest={}, model=inner, classes=["benign", "malign"])
    (taken,) = grad_cam(graft, path, target="malign")
    assert np.array_equal(truth, guard) and np.array_equal(truth, taken)


@pytest.mark.parametrize(
    ("name", "size", "grid"),
    [
        ("timm:vit_tiny_patch16_224", 64, 4),
        ("timm:swin_tiny_patch4_window7_224", 96, 3),
        ("torchvision:squeezenet1_1", 64, 3),
        pytest.param("medgraft:centernet_resnet18", 64, 2, marks=pytest.mark.slow),
    ],
)
def test_networks_of_every_kind_have_a_map_on_their_last_grid(tmp_path, name, size, grid):
    from medgraft.methods.explain.grad_cam import cam
    from medgraft.methods.explain.scores import Scores
    from medgraft.sources import Pretrained

    loaded = Pretrained(name, size=size).load(pretrained=False)
    torch.manual_seed(0)
    head = nn.Linear(loaded.d, 2)
    with torch.no_grad():
        head.weight[1] = -head.weight[0]  # what speaks against one class speaks for the other
    scores = Scores(Scratch(), ["a", "b"], loaded.preprocess, loaded.module, head, "cpu")
    images = torch.randint(0, 256, (1, 3, size, size), dtype=torch.uint8)
    both = torch.stack([cam(scores, images, code)[0] for code in (0, 1)])
    assert both.shape == (2, grid, grid) and torch.isfinite(both).all()
    assert both.abs().max() > 0 and (both >= 0).all()
