from __future__ import annotations

import numpy as np
import pytest
import torch

from medgraft.networks.contrastive_vae import Code, ContrastiveVAE


def test_the_divergence_is_that_of_two_gaussians_by_numerical_integration():
    code = Code(torch.tensor([[0.7]]), torch.tensor([[-0.4]]))
    x = np.linspace(-12, 12, 200001)
    sd = np.exp(-0.2)
    p = np.exp(-0.5 * ((x - 0.7) / sd) ** 2) / (sd * np.sqrt(2 * np.pi))
    q = np.exp(-0.5 * x**2) / np.sqrt(2 * np.pi)
    integral = np.sum(p * np.log(np.maximum(p, 1e-300) / q)) * (x[1] - x[0])
    assert code.divergence().item() == pytest.approx(integral, abs=1e-5)


def test_the_loss_written_out_with_the_same_draws():
    torch.manual_seed(0)
    net = ContrastiveVAE(p=5, hidden=6, shared=2, salient=3)
    x, b = torch.randn(4, 5), torch.randn(4, 5)
    one, other = net.losses(x, b, 2.0, torch.Generator().manual_seed(1))
    g = torch.Generator().manual_seed(1)
    z, s = net.codes(x)
    zd = z.mean + torch.exp(z.log_variance / 2) * torch.randn((4, 2), generator=g)
    sd = s.mean + torch.exp(s.log_variance / 2) * torch.randn((4, 3), generator=g)
    order = torch.randperm(4, generator=g)
    c, _ = net.codes(b)
    cd = c.mean + torch.exp(c.log_variance / 2) * torch.randn((4, 2), generator=g)
    for i in range(4):
        pair, mixed = torch.cat([zd[i], sd[i]]), torch.cat([zd[i], sd[order[i]]])
        fit = ((net.decoder(pair) - x[i]) ** 2).sum()
        told = torch.sigmoid(net.tell(pair))[0], torch.sigmoid(net.tell(mixed))[0]
        independence = 2.0 * torch.log(told[0] / (1 - told[0])) - torch.log(told[0]) - torch.log(1 - told[1])
        expected = fit + z.divergence()[i] + s.divergence()[i] + independence
        assert one[i].item() == pytest.approx(expected.item(), rel=1e-4)
        background = ((net.decoder(torch.cat([cd[i], torch.zeros(3)])) - b[i]) ** 2).sum() + c.divergence()[i]
        assert other[i].item() == pytest.approx(background.item(), rel=1e-4)


def test_the_background_teaches_the_salient_encoder_nothing():
    net = ContrastiveVAE(p=5, hidden=6, shared=2, salient=3)
    _, other = net.losses(torch.randn(4, 5), torch.randn(4, 5), 1.0, torch.Generator().manual_seed(1))
    other.sum().backward()
    assert all(w.grad is None for w in net.salient.parameters())
    assert all(w.grad is not None for w in net.shared.parameters())
