"""Freezing and learning rates."""

from __future__ import annotations

import pytest

from medgraft.base import MedgraftError
from medgraft.methods.finetune.groups import make_policy

BASE = {"unfreeze": 0.6, "gradual": 0.5, "epochs": 10, "lr": 1e-3, "lr_decay": 0.5, "head_lr": 2e-3}


def policy(n=5, **changes):
    return make_policy([f"b{i}" for i in range(n)], **(BASE | changes))


def test_rates_fall_by_the_same_factor_from_block_to_block():
    assert [g.lr for g in policy().groups] == [1e-3, 5e-4, 2.5e-4]


def test_blocks_are_released_one_by_one_from_the_output():
    p = policy()
    assert [(g.name, g.release) for g in p.groups] == [("b4", 0), ("b3", 1), ("b2", 3)]
    assert [min(p.released(epoch)) for epoch in range(5)] == [4, 3, 3, 2, 2]
    assert p.first == 2


@pytest.mark.parametrize(("share", "count"), [(0.0, 0), (0.01, 1), (0.2, 1), (0.21, 2), (1.0, 5)])
def test_the_share_is_rounded_up_to_whole_blocks(share, count):
    p = policy(unfreeze=share)
    assert len(p.groups) == count
    assert p.first == 5 - count


def test_without_graduality_all_are_released_at_once():
    assert {g.release for g in policy(gradual=0.0, unfreeze=1.0).groups} == {0}


def test_every_block_is_released_before_the_last_epoch_ends():
    assert max(g.release for g in policy(n=30, unfreeze=1.0, gradual=1.0, epochs=2).groups) <= 1


def test_the_description_names_every_block_once():
    said = policy().describe()
    assert said["learning_rates"] == {"head": 2e-3, "b4": 1e-3, "b3": 5e-4, "b2": 2.5e-4}
    assert said["freeze"] == [
        "b0: frozen throughout",
        "b1: frozen throughout",
        "b3: frozen until epoch 2",
        "b2: frozen until epoch 4",
    ]


@pytest.mark.parametrize("wrong", [{"unfreeze": -0.1}, {"gradual": 2.0}, {"lr_decay": 0.0}])
def test_what_is_out_of_range_is_one_sentence(wrong):
    with pytest.raises(MedgraftError, match="out of range"):
        policy(**wrong)


def test_a_window_of_layers_trains_and_what_is_above_it_stands_still():
    p = policy(layers="b1-b2", gradual=0.0)
    assert [(g.block, g.lr) for g in p.groups] == [(2, 1e-3), (1, 5e-4)]
    assert p.frozen == ("b0", "b3", "b4")
    assert p.first == 1
    assert [f"{name}: frozen throughout" in p.describe()["freeze"] for name in ("b3", "b2")] == [True, False]


def test_layers_that_do_not_exist_are_one_sentence():
    with pytest.raises(MedgraftError, match="it has b0, b1"):
        policy(layers="b1|c*")
