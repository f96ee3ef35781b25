"""Sequences as vectors: of views, of networks as they are loaded, and of trained ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from medgraft.base import MedgraftError
from medgraft.methods.retrieval import embed
from medgraft.sources import Pretrained
from medgraft.sources.arrays import OmicsReading, SequenceReading
from medgraft.sources.views import read_view

TEXTS = ["ACGTACGTAC", "GGGCC", "acguacguac", "TTTTTTTTTTTTTT"]


@pytest.fixture(scope="module")
def network():
    return Pretrained("medgraft:bilstm_attention", array=SequenceReading(16))


def test_a_view_gives_its_own_numbers_by_name_or_as_it_is():
    view = read_view("kmers:k=2")
    expected = np.stack([view(text) for text in TEXTS])
    np.testing.assert_array_equal(embed(view, TEXTS), expected)
    np.testing.assert_array_equal(embed("kmers:k=2", TEXTS), expected)


def test_a_loaded_network_gives_its_features_one_by_one(network):
    import torch

    backbone = network.load(pretrained=False, seed=2)
    found = embed(backbone, TEXTS)
    assert found.dtype == np.float32 and found.shape == (4, backbone.d)
    for row, text in zip(found, TEXTS, strict=True):
        with torch.inference_mode():
            alone = backbone.module(backbone.preprocess.open(text)[None])[0].numpy()
        np.testing.assert_allclose(row, alone, atol=1e-6)
    np.testing.assert_array_equal(embed(backbone, TEXTS[::-1])[::-1], found)
    np.testing.assert_array_equal(found[0], found[2])  # RNA in small letters is the same sequence


def test_padding_does_not_count_where_the_network_passes_it_over(network):
    wide = Pretrained("medgraft:bilstm_attention", array=SequenceReading(40)).load(pretrained=False, seed=2)
    np.testing.assert_allclose(
        embed(wide, TEXTS), embed(network.load(pretrained=False, seed=2), TEXTS), atol=1e-5
    )


def test_a_trained_network_gives_what_its_head_reads(network):
    import torch

    from medgraft.methods.controls.scratch import Scratch

    X = pd.DataFrame({"sequence": TEXTS * 3})
    fitted = Scratch(network, epochs=1, device="cpu").fit(X, np.array(["a", "b", "a", "b"] * 3))
    found = embed(fitted, TEXTS)
    start = embed(network.load(pretrained=False, seed=0), TEXTS)
    assert np.abs(found - start).max() > 1e-5  # one step has moved it
    with torch.inference_mode():
        scores = fitted.network_.head(torch.from_numpy(found))
    np.testing.assert_allclose(torch.softmax(scores, 1).numpy(), fitted.predict_proba(X)[:4], atol=1e-5)


def test_what_cannot_be_embedded_is_told_in_a_sentence():
    with pytest.raises(MedgraftError, match="no sequence to embed"):
        embed("kmers", [])
    with pytest.raises(MedgraftError, match=r"Sequence 2 \('AC'\) has no embedding"):
        embed("kmers", ["ACGT", "AC"])
    with pytest.raises(MedgraftError, match="of a signal, not of a sequence"):
        embed("statistics", ["ACGT"])
    with pytest.raises(MedgraftError, match="of a signal: give one of sequences"):
        embed(read_view("statistics"), ["ACGT"])
    omics = Pretrained("medgraft:cnn1d", array=OmicsReading([f"g{j}" for j in range(640)])).load(
        pretrained=False
    )
    for other in (omics, object()):
        with pytest.raises(MedgraftError, match="embedded by a network that reads sequences"):
            embed(other, ["ACGT"])
