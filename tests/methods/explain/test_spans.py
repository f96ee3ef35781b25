"""Maps along one axis against closed forms, planted findings and naive re-implementations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from medgraft.base import MedgraftError
from medgraft.cohort.omics.rows import reference
from medgraft.methods.controls.scratch import Scratch
from medgraft.methods.explain import attribute, deletion, occlusion, randomise
from medgraft.methods.explain.deletion import STEPS
from medgraft.methods.explain.draw import draw
from medgraft.methods.explain.frame import opened
from medgraft.methods.explain.scores import scores_of
from medgraft.sources import Pretrained
from medgraft.sources.array_preprocess import PicturePreprocess
from medgraft.sources.arrays import SequenceReading, SignalReading
from medgraft.sources.preprocess import Preprocess
from medgraft.sources.signals import SignalInput
from small_arrays import CHANNELS, LETTERS, of_features, of_letters, of_signals
from small_networks import SIDE, network

TEXT = "ACGGTNCATTAG"


def worth(text):
    return np.array([0.0 if c == "N" else LETTERS["ACGT".index(c)] for c in text])


@pytest.fixture
def wave(tmp_path):
    """Two channels over 4 s of 20 samples, with a burst in the second one at 2 s."""
    x = np.random.default_rng(0).normal(size=(2, 80)).astype(np.float32) * 0.1 + 3
    x[1, 40:48] += 5 * (-1.0) ** np.arange(8)
    np.savetxt(tmp_path / "x.txt", x.T)
    return str(tmp_path / "x.txt"), x


@pytest.fixture
def matrix(tmp_path):
    pd.DataFrame([["s", 1.0, -2.0, np.nan, 4.0]], columns=["id", *"abcd"]).to_csv(
        tmp_path / "m.csv", index=False
    )
    return reference(tmp_path / "m.csv", "s")


def test_occlusion_of_letters_is_the_mean_worth_of_the_windows_over_each():
    n, each = len(TEXT), worth(TEXT)
    windows = [range(s, s + 3) for s in range(n - 2)]
    truth = [np.mean([each[list(w)].sum() for w in windows if i in w]) for i in range(n)]
    assert np.allclose(occlusion(of_letters(n), TEXT)[0], truth, atol=1e-5)


def test_integrated_gradients_of_letters_are_their_worth_and_those_not_read_have_none():
    (found,) = attribute(of_letters(8), TEXT, method="integrated-gradients")
    read = slice(2, 10)  # the middle letter, 6 of 12, is in the middle column, 4 of 8
    truth = np.zeros(12)
    truth[read] = worth(TEXT)[read]
    assert np.allclose(found.values, truth, atol=1e-5)
    assert found.values.sum() == pytest.approx(found.score) and found.facts["completeness_error"] < 1e-4


def test_occlusion_of_a_channel_fills_windows_with_the_mean_of_what_stands_beside(wave):
    path, x = wave
    (found,) = occlusion(of_signals(), path)
    truth = np.zeros_like(x)
    for k in range(2):
        total, times = np.zeros(80), np.zeros(80)
        for start in range(0, 77, 2):  # a twentieth of 80 samples, moved by half of it
            beside = [
                x[k, i] for i in (*range(start - 4, start), *range(start + 4, start + 8)) if 0 <= i < 80
            ]
            total[start : start + 4] += CHANNELS[k] * (x[k, start : start + 4] - np.mean(beside)).sum()
            times[start : start + 4] += 1
        truth[k] = total / times
    assert np.allclose(found, truth, atol=1e-3)


def test_a_burst_in_one_channel_is_where_a_network_that_weighs_energy_looks(wave):
    path, _ = wave
    model = of_signals(square=True, weight=np.ones((2, 1)))
    for method in ("occlusion", "integrated-gradients"):
        channel, when = np.unravel_index(attribute(model, path, method=method)[0].values.argmax(), (2, 80))
        assert channel == 1 and 38 <= when < 50


def test_features_of_omics_add_their_weight_times_their_value_whichever_way_is_asked(matrix):
    model = of_features(tuple("abcd"), [2.0, 1.0, 5.0, -1.0])
    truth = [2.0, -2.0, 0.0, -4.0]  # a gap is 0 to a network
    for method in ("auto", "occlusion"):
        assert np.allclose(attribute(model, matrix, method=method)[0].values, truth, atol=1e-5)
    turned = of_features(tuple("dcba"), [-1.0, 5.0, 1.0, 2.0])
    assert np.allclose(attribute(turned, matrix)[0].values, truth[::-1], atol=1e-5)


def test_a_network_that_learnt_a_motif_is_found_to_look_at_it():
    rng = np.random.default_rng(0)
    text = ["".join(rng.choice(list("ACT"), 24)) for _ in range(80)]
    place = rng.integers(2, 19, 80)
    y = np.arange(80) % 2
    text = [t[:p] + "GGG" + t[p + 3 :] if c else t for t, p, c in zip(text, place, y, strict=True)]
    source = Pretrained("medgraft:sequence_cnn", array=SequenceReading(24))
    model = Scratch(source, epochs=8, batch_size=16, device="cpu").fit(pd.DataFrame({"sequence": text}), y)
    ill = [i for i in range(80) if y[i]][:12]
    found = attribute(model, [text[i] for i in ill], target=1)
    hits = [place[i] <= one.values.argmax() < place[i] + 3 for i, one in zip(ill, found, strict=True)]
    assert sum(hits) >= 11


def test_deletion_takes_letters_away_one_by_one_the_most_worthy_first():
    model = of_letters(len(TEXT))
    (start,) = attribute(model, TEXT, method="integrated-gradients")
    found = deletion(model, [TEXT], {"own": [replace(start, grid=worth(TEXT))]})["own"]
    each = np.sort(worth(TEXT))[::-1]
    taken = np.rint(np.linspace(0, len(TEXT), STEPS + 1)).astype(int)
    assert np.allclose(found.deleted[0], [each[k:].sum() for k in taken], atol=1e-5)
    assert np.allclose(found.inserted[0], [each[:k].sum() for k in taken], atol=1e-5)


def test_deletion_blurs_a_signal_in_time_and_never_across_channels(wave):
    path, x = wave
    only = of_signals(weight=np.array([[0.0], [1.0]]))
    (start,) = attribute(only, path)
    shapes = [np.ones((2, 80)), np.ones((2, 80))]
    shapes[0][0] = 2.0  # the first channel goes first: nothing is lost until half of all is gone
    first, _ = (deletion(only, [path], {"m": [replace(start, grid=g)]})["m"] for g in shapes)
    assert np.allclose(first.deleted[0][: STEPS // 2 + 1], x[1].sum(), rtol=1e-5)
    assert not np.allclose(first.deleted[0][STEPS // 2 + 1 :], x[1].sum(), rtol=1e-5)


def test_maps_of_pictures_are_refused_and_randomising_takes_the_usual_map(wave):
    model = of_letters(len(TEXT))
    for method in ("grad-cam", "grad-cam++", "rollout"):
        with pytest.raises(MedgraftError, match="reads the kind sequence: use occlusion or integrated"):
            attribute(model, TEXT, method=method)
    assert randomise(of_signals(), [wave[0]], method="auto").stages[0] == "head"


def test_every_kind_is_drawn_and_a_long_sequence_in_part(wave, matrix):
    samples = [(of_signals(), wave[0]), (of_letters(700), "ACGT" * 175)]
    samples.append((of_features(tuple("abcd"), [2.0, 1.0, 5.0, -1.0]), matrix))
    for model, path in samples:
        scores = scores_of(model)
        found = attribute(scores, path, method="integrated-gradients")[0]
        made = draw(scores, opened(scores, path), found, "a sample", "in scores")
        assert made.startswith(b"\x89PNG")
        assert made == draw(scores, opened(scores, path), found, "a sample", "in scores")


def test_a_signal_that_a_network_sees_as_a_picture_has_its_map_over_the_picture(wave):
    channels = SignalInput(rate=20, seconds=4, channels=("1", "2"))
    model, reading = network(), SignalReading(channels, "scalogram", 20.0)
    model.backbone_.preprocess = PicturePreprocess(reading, Preprocess(SIDE, 1, "bilinear"))
    model.backbone_.kind = "signal"
    scores = scores_of(model)
    assert (scores.kind, scores.shown, scores.usual) == ("signal", "image", "grad-cam")
    found, picture = attribute(model, wave[0])[0], reading.drawn(wave[0])
    assert found.values.shape == picture.shape[:2]
    assert draw(scores, opened(scores, wave[0]), found, "a", "b").startswith(b"\x89PNG")
