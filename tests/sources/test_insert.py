from __future__ import annotations

import pytest
import torch

from medgraft.base import MedgraftError
from medgraft.sources import Pretrained
from medgraft.sources.backbone import Backbone


def loaded(name="timm:resnet18"):
    return Pretrained(name).load(pretrained=False)


@pytest.fixture
def images():
    return torch.randint(0, 256, (2, 3, 224, 224), generator=torch.Generator().manual_seed(0)).to(torch.uint8)


@pytest.mark.parametrize("kind", ["se", "cbam", "self"])
def test_at_first_the_network_is_what_it_was_and_its_weights_keep_their_names(kind, images):
    plain, changed = loaded(), loaded()
    changed.insert(kind, ["layer3", "layer4"])
    own = changed.tensors()
    assert {n: t.shape for n, t in plain.tensors().items()}.items() <= {
        n: t.shape for n, t in own.items()
    }.items()
    assert all(n.startswith("inserted_") for n in set(own) - set(plain.tensors()))
    with torch.inference_mode():
        assert torch.equal(changed.module(images), plain.module(images))
        k = len(changed.module.blocks) - 1
        assert torch.equal(changed.module.suffix(changed.module.prefix(images, k), k), changed.module(images))


def test_it_stands_in_its_block_and_in_no_other(images):
    made = loaded()
    made.insert("se", ["layer3"])
    at = [name for name, _ in made.module.blocks].index("layer3")
    counts = [
        sum(type(m).__name__ == "SqueezeExcite" for m in made.module.block_modules(i)) for i in range(at + 2)
    ]
    assert counts == [0] * at + [1, 0]
    gate = made.module.block_modules(at)[-1].gate[2]
    with torch.inference_mode():
        before = made.module(images)
        gate.bias.add_(1.0)
        assert not torch.allclose(made.module(images), before)


def test_what_is_saved_comes_back_to_the_last_bit(images):
    made = loaded()
    made.insert("cbam", ["layer2", "layer4"], seed=3)
    with torch.no_grad():
        for weight in made.module.net.inserted_4.parameters():
            weight.add_(0.1)
    back = Backbone.from_config(made.config(), made.tensors())
    with torch.inference_mode():
        assert torch.equal(back.module(images), made.module(images))
    assert back.fingerprint == made.fingerprint != loaded().fingerprint


def test_tokens_have_no_maps_for_it():
    made = loaded("timm:vit_tiny_patch16_224")
    with pytest.raises(MedgraftError, match=r"Behind 'blocks\.3' there are no maps"):
        made.insert("se", ["blocks.3"])
