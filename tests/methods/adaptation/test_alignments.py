"""Alignments against their formulas."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from medgraft.methods.adaptation.alignments import (
    Adversarial,
    ClassConfusion,
    ConditionalAdversarial,
    Coral,
    JointDiscrepancy,
    MeanDiscrepancy,
    mmd2,
)
from medgraft.methods.finetune.batches import Batches, Live
from sources.test_network import network

G = torch.Generator().manual_seed(0)
A, B = torch.randn(9, 6, generator=G), torch.randn(7, 6, generator=G) * 0.5 + 1.0
IMAGES = torch.randint(0, 256, (16, 3, 8, 8), generator=G).to(torch.uint8)


def made(kind, strength=1.0, done=1.0):
    net = network().eval()
    net.release([1, 2])
    penalty = kind(strength, 0)
    images = Live(lambda i: IMAGES[i], 16, False, 1)
    penalty.target = Batches(images, np.arange(16), np.zeros(16), np.ones(16), 8, 1)
    penalty.begin(net, 1, penalty.target, None)
    penalty.tick(done)
    return penalty


def probabilities(penalty, z, temperature=1.0):
    scores = penalty.scores(z).detach().numpy() / temperature
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def test_the_strength_rises_from_nothing_to_nearly_all():
    penalty = made(Coral, 3.0, 0.0)
    assert penalty.now == 0.0
    penalty.tick(0.5)
    assert penalty.now == pytest.approx(3.0 * (2 / (1 + np.exp(-5.0)) - 1))


def test_coral_is_the_distance_of_the_covariances():
    penalty = made(Coral, 2.0)
    gap = np.cov(A.numpy().T) - np.cov(B.numpy().T)
    assert float(penalty.between(A, B)) == pytest.approx(penalty.now * (gap**2).sum() / 144, rel=1e-5)


def test_two_batches_of_one_domain_are_apart_by_chance_as_the_docstring_says():
    penalty, g = made(Coral), torch.Generator().manual_seed(1)
    values = [
        float(penalty.between(*(torch.randn(32, 400, generator=g) for _ in range(2)))) for _ in range(20)
    ]
    assert np.mean(values) / penalty.now == pytest.approx(1 / 62, rel=0.05)


def naive_mmd2(A, B, A2=None, B2=None):
    def gram(P, Q):
        z = np.vstack([P, Q])
        d = ((z[:, None] - z[None]) ** 2).sum(axis=2)
        width = d[~np.eye(len(z), dtype=bool)].mean()
        return np.mean([np.exp(-d / (s * width)) for s in (0.25, 0.5, 1, 2, 4)], axis=0)

    K, n = gram(A, B), len(A)
    if A2 is not None:
        K = K * gram(A2, B2)
    return K[:n, :n].mean() + K[n:, n:].mean() - 2 * K[:n, n:].mean()


def test_the_mean_discrepancy_is_that_of_the_naive_sums():
    penalty = made(MeanDiscrepancy)
    expected = naive_mmd2(A.numpy(), B.numpy())
    assert float(penalty.between(A, B)) == pytest.approx(penalty.now * expected, rel=1e-4)
    assert float(mmd2([A], [A])) == pytest.approx(0.0, abs=1e-6)


def test_the_joint_discrepancy_multiplies_the_kernels_of_features_and_probabilities():
    penalty = made(JointDiscrepancy)
    sides = [A.numpy(), B.numpy(), probabilities(penalty, A), probabilities(penalty, B)]
    assert float(penalty.between(A, B)) == pytest.approx(penalty.now * naive_mmd2(*sides), rel=1e-4)


def test_class_confusion_is_that_of_its_paper():
    penalty = made(ClassConfusion)
    p = probabilities(penalty, B, 2.5)
    weight = 1 + np.exp((p * np.log(p)).sum(axis=1))
    weight = weight / weight.sum() * len(p)
    C = np.zeros((2, 2))
    for row, w in zip(p, weight, strict=True):
        C += w * np.outer(row, row)
    C /= C.sum(axis=1, keepdims=True)
    assert float(penalty.between(A, B)) == pytest.approx(penalty.now * (C[0, 1] + C[1, 0]) / 2, rel=1e-4)


@pytest.mark.parametrize("kind", [Adversarial, ConditionalAdversarial])
def test_the_classifier_goes_down_its_loss_and_the_features_go_up(kind):
    penalty = made(kind, 0.5)
    own, others = A.clone().requires_grad_(), B.clone().requires_grad_()
    loss = penalty.between(own, others)
    grads = torch.autograd.grad(loss, [own, *penalty.weights()])
    # The same loss without the reversal, by hand.
    straight = A.clone().requires_grad_()
    total = 0.0
    for z, sign in ((straight, -1.0), (B, 1.0)):
        w = penalty.certainty(z)
        judged = penalty.judge(penalty.seen(z))
        total = total + (w * torch.nn.functional.softplus(sign * judged)).sum() / w.sum()
    plain = torch.autograd.grad(total, [straight, *penalty.weights()])
    assert float(loss) == pytest.approx(float(total), rel=1e-6)
    assert torch.allclose(grads[0], -penalty.now * plain[0], atol=1e-6) and plain[0].any()
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(grads[1:], plain[1:], strict=True))


def test_the_conditional_classifier_sees_features_times_probabilities():
    penalty = made(ConditionalAdversarial)
    seen = penalty.seen(A).detach().numpy()
    p = probabilities(penalty, A)
    assert np.allclose(seen, np.einsum("bi,bk->bik", A.numpy(), p).reshape(9, -1), atol=1e-5)


def test_a_random_projection_keeps_inner_products_of_products_on_average(monkeypatch):
    from medgraft.methods.adaptation import alignments

    monkeypatch.setattr(alignments, "WIDEST", 11)
    inner = []
    for seed in range(400):
        penalty = ConditionalAdversarial(1.0, seed)
        penalty.target = made(Coral).target
        penalty.begin(network().eval(), 1, penalty.target, None)
        seen = penalty.seen(A)
        inner.append(float(seen[0] @ seen[1]))
    p = probabilities(penalty, A)
    exact = float(A[0] @ A[1]) * float(p[0] @ p[1])
    assert abs(np.mean(inner) - exact) < 4 * np.std(inner) / 20


def test_target_images_flow_from_the_block_that_is_trained_whatever_enters():
    penalty = made(Coral)
    batch = next(penalty._stream)
    assert batch.shape[1:] == penalty.network.trunk.prefix(IMAGES, 1).shape[1:]
