from __future__ import annotations

import numpy as np
import pytest
import torch

from medgraft.base import MedgraftError
from medgraft.networks.attention import ATTENTIONS, make_attention


def shaken(kind, channels, dims=2):
    """A module whose zeros have become other numbers."""
    torch.manual_seed(0)
    made = make_attention(kind, channels, dims)
    for weight in made.parameters():
        weight.data = 0.5 * torch.randn(weight.shape)
    return made


def sigmoid(v):
    return 1 / (1 + np.exp(-v))


def numbers(tensor):
    return tensor.detach().numpy().astype(float)


def gate(module, pooled):
    first, _, last = module.gate
    hidden = np.maximum(numbers(first.weight) @ pooled + numbers(first.bias), 0)
    return numbers(last.weight) @ hidden + numbers(last.bias)


@pytest.mark.parametrize("kind", ATTENTIONS)
@pytest.mark.parametrize("dims", [2, 3])
def test_at_first_it_changes_nothing_to_the_last_bit_and_its_gradient_is_alive(kind, dims):
    made = make_attention(kind, 8, dims)
    x = torch.randn(2, 8, *[5] * dims, generator=torch.Generator().manual_seed(1))
    assert torch.equal(made(x), x)
    made(x).square().sum().backward()
    assert any(w.grad is not None and w.grad.abs().sum() > 0 for w in made.parameters())


def test_squeeze_and_excitation_written_out():
    made = shaken("se", 6)
    x = torch.randn(1, 6, 3, 4)
    scale = 2 * sigmoid(gate(made, numbers(x[0]).mean(axis=(1, 2))))
    np.testing.assert_allclose(numbers(made(x))[0], numbers(x[0]) * scale[:, None, None], rtol=1e-5)


def test_cbam_written_out():
    made = shaken("cbam", 6)
    x = torch.randn(1, 6, 4, 5)
    v = numbers(x[0])
    scores = gate(made, v.mean(axis=(1, 2))) + gate(made, v.max(axis=(1, 2)))
    v = v * (2 * sigmoid(scores))[:, None, None]
    maps = np.pad(np.stack([v.mean(axis=0), v.max(axis=0)]), ((0, 0), (3, 3), (3, 3)))
    kernel = numbers(made.places.weight)[0]
    spots = [[(maps[:, i : i + 7, j : j + 7] * kernel).sum() for j in range(5)] for i in range(4)]
    expected = v * 2 * sigmoid(np.array(spots) + made.places.bias.item())
    np.testing.assert_allclose(numbers(made(x))[0], expected, rtol=1e-4, atol=1e-5)


def test_self_attention_written_out():
    made = shaken("self", 8)
    x = torch.randn(1, 8, 2, 3)
    flat = numbers(x[0]).reshape(8, 6)

    def conv(layer, v):
        return numbers(layer.weight)[:, :, 0] @ v + numbers(layer.bias)[:, None]

    q, k, v = conv(made.query, flat), conv(made.key, flat), conv(made.value, flat)
    added = np.zeros((4, 6))
    for j in range(6):
        e = np.array([k[:, i] @ q[:, j] for i in range(6)])
        share = np.exp(e - e.max()) / np.exp(e - e.max()).sum()
        added[:, j] = v @ share
    expected = flat + made.gamma.item() * conv(made.out, added)
    np.testing.assert_allclose(numbers(made(x))[0].reshape(8, 6), expected, rtol=1e-4, atol=1e-5)


def test_an_unknown_kind_is_told():
    with pytest.raises(MedgraftError, match="attention='eca' does not exist"):
        make_attention("eca", 8)
