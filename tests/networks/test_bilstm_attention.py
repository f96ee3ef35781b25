from __future__ import annotations

import numpy as np
import pytest
import torch

from medgraft.networks.bilstm_attention import bilstm_attention


def letters(n, channels=4, seed=0):
    picked = torch.randint(0, channels, (n,), generator=torch.Generator().manual_seed(seed))
    return torch.eye(channels)[picked].T


def padded(word, before, length):
    x = torch.zeros(1, word.shape[0], length)
    x[0, :, before : before + word.shape[1]] = word
    return x


def network(**settings):
    torch.manual_seed(1)
    return bilstm_attention(channels=4, samples=30, **settings).eval()


@pytest.mark.parametrize("before", [0, 1, 7, 13])
@pytest.mark.parametrize("length", [30, 55])
def test_padding_on_either_side_changes_nothing(before, length):
    net, word = network(), letters(17)
    with torch.no_grad():
        assert torch.allclose(net(padded(word, before, length)), net(word[None]), atol=1e-6)


def test_sequences_of_different_length_share_a_batch_without_harm():
    net = network()
    words = [letters(n, seed=n) for n in (30, 3, 1, 12)]
    with torch.no_grad():
        together = net(torch.cat([padded(word, (30 - word.shape[1]) // 2, 30) for word in words]))
        for row, word in zip(together, words, strict=True):
            assert torch.allclose(row, net(word[None])[0], atol=1e-6)


def test_an_unknown_letter_within_counts_as_a_place():
    net, word = network(), letters(9)
    gap = word.clone()
    gap[:, 4] = 0
    shorter = torch.cat([word[:, :4], word[:, 5:]], dim=1)
    with torch.no_grad():
        assert not torch.allclose(net(gap[None]), net(shorter[None]), atol=1e-4)


def test_the_order_of_letters_matters():
    net, word = network(), letters(9)
    with torch.no_grad():
        assert not torch.allclose(net(word.flip(1)[None]), net(word[None]), atol=1e-4)


def test_a_sequence_without_a_letter_has_features_too_and_a_gradient():
    net = network()
    x = torch.cat([torch.zeros(1, 4, 30), padded(letters(5), 2, 30)])
    out = net(x)
    out.sum().backward()
    assert torch.isfinite(out).all()
    assert all(torch.isfinite(p.grad).all() for p in net.parameters())


def test_one_layer_and_its_attention_written_out():
    net = network(embedding=3, hidden=2, layers=1)
    word = letters(5)
    w = {k: p.detach().numpy().astype(float) for k, p in net.named_parameters()}
    inputs = (w["embed.weight"][:, :, 0] @ word.numpy()).T

    def sigmoid(v):
        return 1 / (1 + np.exp(-v))

    def read(steps, end):
        h, cell, states = np.zeros(2), np.zeros(2), []
        for x in steps:
            total = w[f"lstm1.lstm.weight_ih_l0{end}"] @ x + w[f"lstm1.lstm.bias_ih_l0{end}"]
            total = total + w[f"lstm1.lstm.weight_hh_l0{end}"] @ h + w[f"lstm1.lstm.bias_hh_l0{end}"]
            i, f, g, o = np.split(total, 4)
            cell = sigmoid(f) * cell + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(cell)
            states.append(h)
        return np.array(states)

    states = np.hstack([read(inputs, ""), read(inputs[::-1], "_reverse")[::-1]])
    inner = np.tanh(states @ w["attention.hidden.weight"][:, :, 0].T + w["attention.hidden.bias"])
    scores = inner @ w["attention.score.weight"][0, :, 0]
    share = np.exp(scores) / np.exp(scores).sum()
    with torch.no_grad():
        np.testing.assert_allclose(net(padded(word, 3, 30)).numpy()[0], share @ states, atol=1e-6)


def test_the_study_s_sizes_give_1024_features():
    net = bilstm_attention(channels=4, samples=101, embedding=128, hidden=512, layers=3)
    assert [name for name, _ in net.named_children()] == [
        "left",
        "embed",
        "lstm1",
        "lstm2",
        "lstm3",
        "attention",
    ]
    assert net.attention.score.in_channels == 1024
    assert net.lstm3.lstm.input_size == 1024 and net.lstm1.lstm.input_size == 128
