from __future__ import annotations

import numpy as np
import pytest
import torch

from medgraft.base import MedgraftError
from medgraft.methods.learners.ae_lstm import AutoencoderLSTMLearner


def test_what_it_predicts_is_the_softmax_of_the_network_it_keeps():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 9)), np.arange(40) % 3
    m = AutoencoderLSTMLearner(steps=3, hidden=5, code=4, epochs=2).fit(X, y)
    net = m._network(9, 3)
    for weight, kept in zip(net.parameters(), m.tensors_, strict=True):
        weight.data = torch.from_numpy(kept)
    out, _ = net(torch.from_numpy(((X - m.mean_) / m.scale_).astype(np.float32)))
    p = torch.softmax(out, dim=1).detach().numpy()
    np.testing.assert_allclose(m.predict_proba(X)[:, m.place_], p, atol=1e-5)


def test_the_reconstruction_counts_with_its_weight():
    rng = np.random.default_rng(1)
    common = rng.normal(size=(120, 1))
    X = common * rng.normal(size=(1, 12)) + 0.1 * rng.normal(size=(120, 12))
    y = np.arange(120) % 2

    def error(weight):
        m = AutoencoderLSTMLearner(steps=4, hidden=16, code=4, epochs=40, patience=40, reconstruction=weight)
        m.fit(X, y)
        net = m._network(12, 2)
        for kept, own in zip(m.tensors_, net.parameters(), strict=True):
            own.data = torch.from_numpy(kept)
        Z = torch.from_numpy(((X - m.mean_) / m.scale_).astype(np.float32))
        return ((net(Z)[1] - Z) ** 2).mean().item()

    assert error(10.0) < 0.5 * error(0.0)  # columns have variance 1, and one factor explains nearly all


@pytest.mark.parametrize("setting", ["steps", "hidden", "code", "epochs", "lr"])
def test_a_setting_out_of_range_is_named(setting):
    with pytest.raises(MedgraftError, match=f"{setting} must be more than 0"):
        AutoencoderLSTMLearner(**{setting: 0}).fit(np.eye(6), [0, 1] * 3)


def test_a_negative_weight_of_the_reconstruction_is_refused():
    with pytest.raises(MedgraftError, match="reconstruction must be 0 or more"):
        AutoencoderLSTMLearner(reconstruction=-1).fit(np.eye(6), [0, 1] * 3)
