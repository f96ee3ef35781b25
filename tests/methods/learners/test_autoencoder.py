from __future__ import annotations

import numpy as np
import pytest
import torch

from medgraft.base import MedgraftError
from medgraft.methods.learners.autoencoder import AutoencoderLearner
from medgraft.methods.learners.vae import VAELearner

both = pytest.mark.parametrize("cls", [AutoencoderLearner, VAELearner])


def factors(n=120, p=12, seed=1):
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(n, 1))
    return common * rng.normal(size=(1, p)) + 0.1 * rng.normal(size=(n, p)), common[:, 0]


def kept(m, X, k):
    net = m._network(X.shape[1], k)
    for own, value in zip(net.parameters(), m.tensors_, strict=True):
        own.data = torch.from_numpy(value)
    return net, torch.from_numpy(((X - m.mean_) / m.scale_).astype(np.float32))


@both
def test_what_it_predicts_is_the_head_of_the_mean_code_of_the_network_it_keeps(cls):
    X, _ = factors(40, 9)
    y = np.arange(40) % 3
    m = cls(hidden=5, latent=3, epochs=2).fit(X, y)
    net, Z = kept(m, X, 3)
    z = net.encoder(Z)[:, :3]
    p = torch.softmax(net.head(z), dim=1).detach().numpy()
    np.testing.assert_allclose(m.predict_proba(X)[:, m.place_], p, atol=1e-5)
    np.testing.assert_allclose(m.codes(X), z.detach().numpy(), atol=1e-5)


@both
def test_values_come_back_in_their_unit(cls):
    X, common = factors(40, 9)
    m = cls(task="regression", hidden=5, latent=3, epochs=2).fit(X, 100 + 7 * common)
    net, Z = kept(m, X, 0)
    out = net.head(net.encoder(Z)[:, :3])[:, 0].detach().numpy()
    np.testing.assert_allclose(m.predict(X), m.value_mean_ + m.value_scale_ * out, atol=1e-3)
    assert m.value_mean_ == pytest.approx((100 + 7 * common).mean())


@both
def test_labels_count_with_their_weight(cls):
    X, common = factors()
    y = (np.abs(common) > 0.7).astype(int)  # no linear function of the code that reconstructs

    def fit(told):
        m = cls(hidden=16, latent=2, epochs=40, patience=40, told=told, lr=0.01).fit(X, y)
        net, Z = kept(m, X, 2)
        with torch.no_grad():
            z = net.code(Z)
            p = torch.softmax(net.head(z), dim=1).numpy()[:, np.argsort(m.place_)]
            return ((net.decoder(z) - Z) ** 2).mean().item(), -np.log(p[np.arange(len(y)), y]).mean()

    (little_error, little_loss), (much_error, much_loss) = fit(0.01), fit(1e4)
    assert much_loss < 0.7 * little_loss
    assert little_error < 0.95 * much_error


def test_a_large_beta_switches_the_code_off():
    X, common = factors()
    spread = [
        VAELearner(
            task="regression", hidden=8, latent=2, beta=beta, told=0.01, epochs=60, patience=60, lr=0.01
        )
        .fit(X, common)
        .codes(X)
        .std(axis=0)
        .max()
        for beta in (0.1, 1000.0)
    ]
    assert spread[0] > 0.5  # of the standard normal codes of a factor that is seen
    assert spread[1] < 0.05


@both
@pytest.mark.parametrize("setting", ["hidden", "latent", "told", "epochs", "patience", "batch", "lr"])
def test_a_setting_out_of_range_is_named(cls, setting):
    with pytest.raises(MedgraftError, match=f"{setting} must be more than 0"):
        cls(**{setting: 0}).fit(np.eye(6), [0, 1] * 3)


def test_without_beta_one_is_told_of_the_autoencoder():
    with pytest.raises(MedgraftError, match="use the learner autoencoder"):
        VAELearner(beta=0).fit(np.eye(6), [0, 1] * 3)
