from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from medgraft.base import MedgraftError
from medgraft.methods.segment.by_slice import SliceEstimator
from medgraft.methods.segment.cases import open_case
from medgraft.methods.segment.two_phase import TwoPhase
from medgraft.sources.pretrained import Pretrained

QUICK = {"epochs": 2, "size": 32, "batch_size": 4, "device": "cpu"}


@pytest.fixture(scope="module")
def fitted(network, volumes):
    return TwoPhase(network, **QUICK).fit(*volumes)


def classified(model, ref):
    """What the first network says of each slice, by itself."""
    pixels = model.frame_.pixels(open_case("volume", ref))
    from medgraft.methods.segment.frame import filled, multiple

    sides = multiple(pixels.shape[2]), multiple(pixels.shape[3])
    with torch.no_grad():
        seen = [filled(model.frame_.look(pixels, i), sides)[None] for i in range(len(pixels))]
        return np.array([model.classifier_(x).softmax(1)[0, 1].item() for x in seen])


def test_slices_in_which_nothing_is_said_to_be_stay_empty_and_the_others_are_outlined(fitted, volumes):
    X, _ = volumes
    fitted.set_params(threshold=0.0)
    drawn = list(fitted.probabilities(X))
    q = [classified(fitted, ref) for ref in X["volume"]]
    middle = float(np.median(np.concatenate(q)))
    fitted.set_params(threshold=middle)
    for p, everywhere, there in zip(fitted.probabilities(X), drawn, q, strict=True):
        sure = np.abs(there - middle) > 1e-4
        np.testing.assert_allclose(p[0][..., (there < middle) & sure], 1.0, atol=1e-6)
        above = (there > middle) & sure
        np.testing.assert_allclose(p[..., above], everywhere[..., above], atol=1e-6)


def test_both_networks_are_saved_to_the_last_bit(fitted, volumes):
    config, tensors = fitted.state()
    again = TwoPhase.from_state(json.loads(json.dumps(config)), {n: t.clone() for n, t in tensors.items()})
    for a, b in zip(fitted.probabilities(volumes[0]), again.probabilities(volumes[0]), strict=True):
        np.testing.assert_array_equal(a, b)
    assert all(torch.equal(t, tensors[n]) for n, t in again.state()[1].items())


def test_the_second_network_starts_from_what_the_first_made_of_the_source(network, volumes, monkeypatch):
    monkeypatch.setattr(SliceEstimator, "_learn", lambda *_: None)
    model = TwoPhase(network, **QUICK).fit(*volumes)
    first = model.classifier_.trunk.net.state_dict()
    assert all(torch.equal(t, first[n]) for n, t in model.backbone_.tensors().items())
    source = Pretrained(network).load().tensors()
    assert any(not torch.equal(t, source[n]) for n, t in first.items())


def test_the_first_network_is_not_moved_by_the_second(fitted):
    first = fitted.classifier_.trunk.net.state_dict()
    assert any(not torch.equal(t, first[n]) for n, t in fitted.backbone_.tensors().items())


def test_images_that_all_hold_something_leave_nothing_to_tell_apart(network, pictures):
    with pytest.raises(MedgraftError, match="use unet"):
        TwoPhase(network, **QUICK).fit(*pictures)


def test_a_threshold_beyond_one_is_refused(network, volumes):
    with pytest.raises(MedgraftError, match="threshold=2"):
        TwoPhase(network, **QUICK, threshold=2.0).fit(*volumes)
