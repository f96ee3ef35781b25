"""Activations of frozen blocks: the same as run anew, and run once."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch

from medgraft.methods.finetune import activations as module
from medgraft.methods.finetune.augment import augment
from medgraft.sources import Pretrained

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def nothing_kept():
    module.forget()
    yield
    module.forget()


@pytest.fixture(scope="module")
def backbone():
    return Pretrained("timm:resnet18").load(pretrained=False)


@pytest.fixture
def images(backbone):
    size = backbone.spec.input_size
    made = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (3, 3, size, size), generator=made).to(torch.uint8)


class Reader:
    def __init__(self, images):
        self.images, self.asked = images, []

    def __call__(self, i):
        self.asked.append(i)
        return self.images[i]


def keys(n, start=0):
    return [bytes([start + i]) * 32 for i in range(n)]


def kept(backbone, read, n=3, views=2, first=3, dtype="float32", start=0):
    told = []
    made = module.Kept(
        backbone.module, backbone, keys(n, start), read, views, first, CPU, lambda *a: told.append(a), dtype
    )
    assert told[-1] == (n * views, n * views)
    return made


def test_the_unchanged_view_is_the_prefix_of_the_image_and_others_are_of_a_changed_one(backbone, images):
    made = kept(backbone, Reader(images))
    with torch.inference_mode():
        truth = backbone.module.prefix(images.float(), 3)
        content = hashlib.sha256(images[0].numpy().tobytes()).digest()
        seed = [int.from_bytes(content[:8], "little"), 1]
        changed = backbone.module.prefix(augment(images[:1], np.random.default_rng(seed)), 3)
    assert torch.allclose(made.get(np.arange(3), None), truth, atol=1e-5)
    drawn = made.get(np.zeros(40, np.intp), np.random.default_rng(0))
    as_it_is = [torch.allclose(row, truth[0], atol=1e-5) for row in drawn]
    as_changed = [torch.allclose(row, changed[0], atol=1e-5) for row in drawn]
    assert (
        all(a != b for a, b in zip(as_it_is, as_changed, strict=True)) and any(as_it_is) and any(as_changed)
    )


def test_a_second_fit_reads_no_image_again_and_a_new_image_is_read_alone(backbone, images):
    first = kept(backbone, Reader(images[:2]), n=2)
    again = Reader(images)
    second = kept(backbone, again)
    assert set(again.asked) == {2}
    assert torch.equal(first.get(np.arange(2), None), second.get(np.arange(2), None))


def test_a_deeper_prefix_starts_from_a_shallower_one_and_is_equal_to_the_last_bit(backbone, images):
    fresh = kept(backbone, Reader(images), first=4)
    values = [fresh.get(np.arange(3), None), fresh.get(np.arange(3), np.random.default_rng(1))]
    module.forget()
    kept(backbone, Reader(images), first=2)
    none = Reader(images)
    deeper = kept(backbone, none, first=4)
    assert none.asked == []
    assert torch.equal(deeper.get(np.arange(3), None), values[0])
    assert torch.equal(deeper.get(np.arange(3), np.random.default_rng(1)), values[1])


def test_half_precision_never_starts_another_prefix_nor_from_one(backbone, images):
    kept(backbone, Reader(images), first=2, dtype="float16")
    read = Reader(images)
    whole = kept(backbone, read, first=4)
    assert set(read.asked) == {0, 1, 2}
    read = Reader(images)
    half = kept(backbone, read, first=4, dtype="float16")
    assert set(read.asked) == {0, 1, 2}
    a, b = whole.get(np.arange(3), None), half.get(np.arange(3), None)
    assert a.dtype == b.dtype == torch.float32
    assert torch.equal(a.half().float(), b)


def test_other_weights_below_share_nothing_and_other_weights_above_everything(backbone, images):
    other = Pretrained("timm:resnet18").load(pretrained=False)
    kept(backbone, Reader(images))
    with torch.no_grad():
        other.module.block_modules(4)[0].parameters().__next__().add_(1.0)
    read = Reader(images)
    kept(other, read)
    assert read.asked == []
    with torch.no_grad():
        other.module.block_modules(0)[0].parameters().__next__().add_(1.0)
    kept(other, read)
    assert set(read.asked) == {0, 1, 2}


def test_what_does_not_fit_into_memory_lies_in_a_file_and_is_the_same(backbone, images, monkeypatch):
    inside = kept(backbone, Reader(images))
    module.forget()
    monkeypatch.setattr(module, "MEMORY", 0)
    outside = kept(backbone, Reader(images))
    assert torch.equal(inside.get(np.arange(3), None), outside.get(np.arange(3), None))
    shape = module.activation_shape(backbone.module, backbone, 3)
    assert module.room(10, shape, "float16") == (20 * int(np.prod(shape)), "disk")
    monkeypatch.setattr(module, "DISK", 0.0)
    assert module.room(10, shape, "float16")[1] == ""


def test_shelves_that_were_not_used_of_late_make_room_and_what_is_read_stays(backbone, images, monkeypatch):
    one = kept(backbone, Reader(images), first=3)
    monkeypatch.setattr(module, "MEMORY", sum(p.numel() * 4 for p in one.pieces))
    before = one.get(np.arange(3), None)
    kept(backbone, Reader(images), first=5, views=1)  # smaller, but both do not fit
    assert [shelf.in_memory > 0 for shelf in module._shelves.values()] == [True]
    assert torch.equal(one.get(np.arange(3), None), before)
