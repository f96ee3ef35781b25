from __future__ import annotations

import numpy as np
import torch

from medgraft.networks.omics_vae import OmicsVAE


def test_the_loss_written_out_with_the_same_draws():
    torch.manual_seed(0)
    net = OmicsVAE(5, [4], 3, beta=2.5)
    x = torch.randn(6, 5)
    z, each = net.losses(x, torch.Generator().manual_seed(3))
    noise = torch.randn((6, 3), generator=torch.Generator().manual_seed(3))
    for i in range(6):
        mean, log_variance = net.encoder(x[i])[:3], net.encoder(x[i])[3:]
        drawn = mean + torch.exp(log_variance / 2) * noise[i]
        torch.testing.assert_close(z[i], drawn)
        kl = sum(0.5 * (m**2 + torch.exp(v) - v - 1) for m, v in zip(mean, log_variance, strict=True))
        torch.testing.assert_close(each[i], (0.5 * ((net.decoder(drawn) - x[i]) ** 2).sum() + 2.5 * kl) / 5)
    torch.testing.assert_close(net.losses(x)[0], net.code(x))


def test_the_trunk_leads_to_the_mean():
    torch.manual_seed(0)
    net = OmicsVAE(5, [4], 3)
    x = torch.randn(6, 5)
    (first, a), (last, b) = net.trunk()
    torch.testing.assert_close(torch.relu(x @ first.T + a) @ last.T + b, net.code(x))


def test_a_linear_one_ends_as_probabilistic_principal_components():
    """With noise of variance 1 the code's variance is 1 / lambda, and 1 where lambda is below 1.

    The optimum of a linear variational autoencoder is that of the marginal likelihood (Lucas et al. 2019,
    arXiv:1911.02469); the expectation over draws is taken here in closed form.
    """
    lambdas = np.array([9.0, 4.0, 0.5, 0.25])
    rng = np.random.default_rng(0)
    turn = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    raw = rng.normal(size=(50, 4))
    raw -= raw.mean(axis=0)
    white = np.linalg.qr(raw)[0] * np.sqrt(50)
    x = torch.from_numpy(white * np.sqrt(lambdas) @ turn.T)
    torch.manual_seed(2)
    net = OmicsVAE(4, [], 3).double()

    def bound():
        q = net.posterior(x)
        spread = (torch.exp(q.log_variance) @ (net.decoder[0].weight ** 2).sum(dim=0)) / 2
        return (4 * net.losses(x)[1] + spread).mean()

    optimiser = torch.optim.LBFGS(net.parameters(), max_iter=3000, line_search_fn="strong_wolfe")

    def closure():
        optimiser.zero_grad()
        value = bound()
        value.backward()
        return value

    optimiser.step(closure)
    variance = np.sort(torch.exp(net.posterior(x).log_variance).mean(dim=0).detach().numpy())
    np.testing.assert_allclose(variance, [1 / 9, 1 / 4, 1.0], rtol=0.02)
    # The least negative log marginal likelihood, less its constant: log variances of the model, and fit.
    best = 0.5 * (np.log([9.0, 4.0]).sum() + 2 + 0.5 + 0.25)
    assert abs(bound().item() - best) < 1e-3
