from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from medgraft.methods.segment import patches, slices
from medgraft.methods.segment.cases import Marked, open_case, open_mask
from medgraft.methods.segment.frame import Frame
from medgraft.methods.segment.patches import Patches, on_grid
from medgraft.methods.segment.slices import Slices, crop

FRAME = Frame(32, "whole", 2, 3, 3, pixel=1.0)


@pytest.fixture
def rows(volumes):
    X, masks = volumes
    n = len(masks)
    return Marked(
        "volume", list(X["volume"]), masks, np.array([0, 1, 2]), np.ones(n), np.ones(n), np.arange(n)
    )


def feed(rows, **settings):
    given = {"batch_size": 4, "changes": False, "seed": 0, **settings}
    return Slices(rows, FRAME, np.array([0, 1, 2]), np.array([3]), **given)


def test_an_epoch_has_every_slice_with_something_once_and_no_more_without(rows):
    batches = list(feed(rows).epoch(np.random.default_rng(0)))
    codes = torch.cat([c for _, c, _ in batches])
    there = (codes > 0).flatten(1).any(dim=1)
    wanted = sum(int((open_mask(m) > 0).any(axis=(0, 1)).sum()) for m in rows.masks[:3])
    assert int(there.sum()) == wanted >= int((~there).sum()) > 0
    assert len(batches) == len(feed(rows)) and all(len(x) <= 4 for x, _, _ in batches)


def test_weights_have_mean_one_over_the_training_rows(rows):
    rows = replace(rows, weight=np.array([1.0, 2.0, 3.0, 90.0]))  # the last one is held out
    parts = np.array([0, 1, 2]), np.array([3])
    pieces = Patches(rows, 0.0, (8, 8, 8), 4, *parts, batch_size=2, changes=False, seed=0)
    for given in (feed(rows), pieces):
        seen = torch.cat([w for _, _, w in given.epoch(np.random.default_rng(0))])
        assert set(seen.tolist()) == {0.5, 1.0, 1.5}


def test_training_slices_change_and_those_that_are_watched_do_not(rows):
    changed, plain = feed(rows, changes=True), feed(rows)
    for a, b in zip(changed.held(), plain.held(), strict=True):
        assert torch.equal(a[0], b[0]) and torch.equal(a[1], b[1])
    assert sum(len(x) for x, _, _ in plain.held()) == open_mask(rows.masks[3]).shape[2]
    one, other = (next(iter(changed.epoch(np.random.default_rng(s))))[0] for s in (0, 1))
    assert not torch.equal(one, other)


def test_what_does_not_fit_into_memory_is_read_from_a_file(rows, monkeypatch):
    before = list(feed(rows).held())
    monkeypatch.setattr(slices, "MEMORY", 0)
    monkeypatch.setattr(patches, "MEMORY", 0)
    kept = feed(rows)
    assert all(isinstance(p, np.memmap) for p in kept.pixels.values())
    for a, b in zip(before, kept.held(), strict=True):
        assert torch.equal(a[0], b[0]) and torch.equal(a[1], b[1])


def test_half_of_the_windows_lie_around_something():
    codes = np.zeros((100, 80), np.uint8)
    codes[3, 76] = 1
    rng = np.random.default_rng(0)
    seen = [codes[crop(codes, (10, 10), rng)] for _ in range(400)]
    assert {s.shape for s in seen} == {(10, 10)}
    assert 0.4 < np.mean([s.any() for s in seen]) < 0.6
    assert codes[crop(codes, (200, 10), rng)].shape == (100, 10)


def test_pieces_of_volumes_are_what_lies_there(rows):
    pieces = Patches(rows, 0.0, (8, 8, 8), 4, np.arange(4), np.arange(0), batch_size=2, changes=False, seed=0)
    assert pieces.patch == (8, 8, 8) and not list(pieces.held())
    for x, codes, _ in pieces.epoch(np.random.default_rng(0)):
        assert x.shape[1:] == (1, 8, 8, 8) and codes.shape[1:] == (8, 8, 8)
        bright = x[:, 0] > 0.5  # the ball is far brighter than the noise
        assert (bright == (codes > 0)).float().mean() > 0.97


def test_without_a_word_pieces_are_as_large_as_volumes_mostly_are(rows):
    pieces = Patches(rows, 0.0, (), 4, np.arange(4), np.arange(0), batch_size=2, changes=False, seed=0)
    assert pieces.patch == (16, 20, 12)  # medians 16, 19 and 10, as multiples of 4


def test_a_spacing_changes_the_grid_but_not_what_lies_where(rows):
    case, codes = rows.open(0)
    fine = on_grid(codes, case, 0.5, labels=True).numpy()
    assert fine.shape == (32, 36, 40)  # voxels of 1, 1 and 2 mm
    np.testing.assert_array_equal(fine[::2, ::2, ::4], codes)
    assert on_grid(codes, case, 0.0, labels=True).shape == open_case("volume", rows.refs[0]).grid


def test_shares_are_those_of_the_pixels_of_an_epoch(rows):
    one = feed(rows)
    codes = torch.cat([c for _, c, _ in one.epoch(np.random.default_rng(0))])
    counts = torch.bincount(codes.flatten().long(), minlength=3).double()
    filling = codes[0].numel() / one.codes[0][0].size  # the frame is filled up with background
    assert one.shares(3)[1] / one.shares(3)[2] == pytest.approx(float(counts[1] / counts[2]))
    assert sum(one.shares(3)) == pytest.approx(1.0)
    if filling == 1.0:
        np.testing.assert_allclose(one.shares(3), (counts / counts.sum()).numpy(), atol=0.02)
