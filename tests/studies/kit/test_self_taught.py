"""A network that goes on learning without labels, as a file."""

from __future__ import annotations

import pytest
import torch

from medgraft.sources import Pretrained
from medgraft.studies.kit.made import pictures
from medgraft.studies.kit.networks import stand_in
from medgraft.studies.kit.self_taught import kept, self_taught


def test_a_kept_network_gives_the_same_features_to_the_last_bit_and_says_what_it_is(tmp_path):
    before = Pretrained("medgraft:plain_cnn", size=40).load(pretrained=False, seed=3)
    place = kept(before, tmp_path / "deep" / "net.safetensors")
    source = Pretrained(str(place))
    images = torch.randint(0, 256, (3, 3, 40, 40), dtype=torch.uint8)
    assert source.facts.architecture == "plain_cnn" and source.facts.input_size == 40
    with torch.inference_mode():
        assert torch.equal(before.module.eval()(images), source.load().module.eval()(images))
    assert sorted(p.name for p in place.parent.iterdir()) == ["net.safetensors"]


@pytest.mark.slow
def test_real_weights_survive_the_file(shared_weights, tmp_path):
    before = Pretrained(str(shared_weights("mobilenetv2_100.safetensors")), size=64).load()
    after = Pretrained(str(kept(before, tmp_path / "mine.safetensors")), size=64).load()
    images = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    with torch.inference_mode():
        assert torch.equal(before.module.eval()(images), after.module.eval()(images))
    assert after.report.loaded and not after.report.random


@pytest.mark.slow
def test_the_upper_half_learns_the_lower_half_stays_and_a_second_call_reads_the_file(tmp_path):
    cohort = pictures(("a", "b"), 12)(tmp_path / "images", 0)
    start = Pretrained(str(stand_in()))
    images = list(cohort.X["image"])
    made = self_taught(start, images, tmp_path / "a.safetensors", epochs=1, seed=0)
    old, new = start.load(), made.load()
    moved = [_moved(children, old.tensors(), new.tensors()) for _, children in old.module.blocks]
    half = len(moved) // 2
    assert not any(moved[:half]) and moved[-1]
    again = self_taught(start, [], tmp_path / "a.safetensors", epochs=1, seed=1)
    assert again.fingerprint() == made.fingerprint()


def _moved(children, a, b):
    own = [name for name in a if name.startswith(tuple(f"{child}." for child in children))]
    return any(not torch.equal(a[name], b[name]) for name in own)
