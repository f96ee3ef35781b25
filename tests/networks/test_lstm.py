from __future__ import annotations

import numpy as np
import torch

from medgraft.networks.lstm import AutoencoderLSTM


def naive_lstm(inputs, lstm):
    """States (T, hidden) of one row, gate by gate."""
    w, u, b, c = (t.detach().numpy().astype(float) for t in lstm.parameters())
    h, cell, states = np.zeros(u.shape[1]), np.zeros(u.shape[1]), []
    for x in inputs:
        i, f, g, o = np.split(w @ x + b + u @ h + c, 4)
        i, f, o = (1 / (1 + np.exp(-v)) for v in (i, f, o))
        cell = f * cell + i * np.tanh(g)
        h = o * np.tanh(cell)
        states.append(h)
    return np.array(states)


def test_it_is_two_lstms_with_a_code_between_written_out():
    torch.manual_seed(0)
    net = AutoencoderLSTM(p=7, k=2, steps=3, hidden=4, code=2)
    x = np.random.default_rng(0).normal(size=7)
    cut = np.concatenate([x, [0.0, 0.0]]).reshape(3, 3)
    z = np.tanh(
        net.squeeze.weight.detach().numpy() @ naive_lstm(cut, net.encoder)[-1]
        + net.squeeze.bias.detach().numpy()
    )
    states = naive_lstm([z] * 3, net.decoder)
    again = (states @ net.out.weight.detach().numpy().T + net.out.bias.detach().numpy()).reshape(-1)[:7]
    scores = net.head.weight.detach().numpy() @ z + net.head.bias.detach().numpy()
    out, rebuilt = (t.detach().numpy()[0] for t in net(torch.from_numpy(x[None].astype(np.float32))))
    np.testing.assert_allclose(out, scores, atol=1e-5)
    np.testing.assert_allclose(rebuilt, again, atol=1e-5)


def test_there_are_no_more_steps_than_pieces():
    net = AutoencoderLSTM(p=10, k=1, steps=8, hidden=2, code=2)
    assert (net.width, net.steps) == (2, 5)
    assert net(torch.zeros(3, 10))[1].shape == (3, 10)
